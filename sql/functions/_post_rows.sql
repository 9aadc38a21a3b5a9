create or replace function pgfeed._post_rows(post_ids bigint[])
returns table (
    number bigint,
    post_id bigint,
    topic text,
    text text,
    key text
)
language plpgsql stable
cost 1000 rows 10
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- The array by a subquery: else a plan depends on its length, and is made at each call.
    if exists (select from pgfeed.attached_tables as t where t.kind = 'posts') then
        begin
            return query
            select o.number, p.post_id, a.topic, a.text, p.key
            from pgfeed._attached_posts(_post_rows.post_ids) as a
            inner join pgfeed.posts as p on p.post_id = a.post_id and p.hidden_at is null
            inner join unnest((select _post_rows.post_ids)) with ordinality as o (post_id, number)
                on o.post_id = a.post_id
            order by o.number;
            return;
        exception when others then
            -- Said once a session: the answers stay, without texts.
            if current_setting('pgfeed.unread_posts', true) is distinct from sqlerrm then
                perform set_config('pgfeed.unread_posts', sqlerrm, false);
                raise warning 'the attached posts cannot be read: %', sqlerrm
                    using hint = 'See: select * from pgfeed.attachments';
            end if;
        end;
    end if;

    return query
    select o.number, p.post_id, p.topic, p.text, p.key
    from unnest((select _post_rows.post_ids)) with ordinality as o (post_id, number)
    inner join pgfeed.posts as p on p.post_id = o.post_id and p.hidden_at is null
    order by o.number;
end;
$$;

alter function pgfeed._post_rows(bigint[]) owner to pgfeed_owner;

comment on function pgfeed._post_rows(bigint[]) is
    'One row per post that can be shown now, in the order of post_ids: those that are hidden, and those that the attached '
    'table does not have or calls unavailable, are left out. Where that table cannot be read, the texts are null, and a '
    'warning says why once a session. key null: post_id is it';

revoke all on function pgfeed._post_rows(bigint[]) from public;
