create or replace function pgfeed._post_texts(post_ids bigint[] default null)
returns table (
    post_id bigint,
    text text
)
language plpgsql stable
cost 100000 rows 10000
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
    if exists (select from pgfeed.attached_tables as t where t.kind = 'posts') then
        return query
        select a.post_id, a.text
        from pgfeed._attached_posts(
            coalesce(_post_texts.post_ids, array(select p.post_id from pgfeed.posts as p))
        ) as a;
        return;
    end if;

    return query
    select p.post_id, p.text
    from pgfeed.posts as p
    where _post_texts.post_ids is null or p.post_id = any(_post_texts.post_ids);
end;
$$;

alter function pgfeed._post_texts(bigint[]) owner to pgfeed_owner;

comment on function pgfeed._post_texts(bigint[]) is
    'One row per post of post_ids (null: of all): its text, from posts or from the attached table, which has no row for '
    'those that it calls unavailable. text null: it has none. An error where that table cannot be read';

revoke all on function pgfeed._post_texts(bigint[]) from public;
