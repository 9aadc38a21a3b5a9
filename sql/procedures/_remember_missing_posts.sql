create or replace procedure pgfeed._remember_missing_posts()
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
begin
    if
        to_regclass('pg_catalog.pg_dist_partition') is null
        or not (select c.relispopulated from pg_class as c where c.oid = 'pgfeed.post_features'::regclass)
    then
        return;
    end if;
    insert into pgfeed.deleted_posts (post_id, deleted_at)
    select
        f.post_id,
        now()
    from pgfeed.post_features as f
    where not exists (select 1 from pgfeed.posts as p where p.post_id = f.post_id)
    on conflict (post_id) do nothing;
end;
$$;

alter procedure pgfeed._remember_missing_posts() owner to pgfeed_owner;

comment on procedure pgfeed._remember_missing_posts() is
    'Notes on Citus, where posts have no trigger, which posts were deleted since the last refresh, so that events which '
    'name them do not bring them back';

revoke all on procedure pgfeed._remember_missing_posts() from public;
