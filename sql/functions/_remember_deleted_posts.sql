create or replace function pgfeed._remember_deleted_posts()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_post_ids bigint[];
begin
    if tg_op = 'TRUNCATE' then
        v_post_ids := array(select p.post_id from pgfeed.posts as p);
    else
        v_post_ids := array(select p.post_id from deleted as p);
    end if;
    insert into pgfeed.deleted_posts as d (post_id, deleted_at)
    select p.post_id, now()
    from unnest(v_post_ids) as p (post_id)
    on conflict (post_id) do update set deleted_at = excluded.deleted_at;
    return null;
end;
$$;

alter function pgfeed._remember_deleted_posts() owner to pgfeed_owner;

comment on function pgfeed._remember_deleted_posts() is
    'Notes which posts a statement deletes or truncates, so that events which name them do not bring them back';

revoke all on function pgfeed._remember_deleted_posts() from public;
