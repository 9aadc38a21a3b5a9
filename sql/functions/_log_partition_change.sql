create or replace function pgfeed._log_partition_change()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
begin
    if tg_op = 'TRUNCATE' and tg_argv[0] = 'feed_events' then
        insert into pgfeed._next_feed_events_changes (user_id) values (null);
    elsif tg_op = 'TRUNCATE' then
        insert into pgfeed._next_exposures_changes (user_id) values (null);
    elsif tg_argv[0] = 'feed_events' then
        insert into pgfeed._next_feed_events_changes (user_id, event_at, post_id, action)
        select r.user_id, r.event_at, r.post_id, r.action
        from (
            values
                (old.user_id, old.event_at, old.post_id, old.action),
                (new.user_id, new.event_at, new.post_id, new.action)
        ) as r (user_id, event_at, post_id, action)
        where r.user_id is not null;
    else
        insert into pgfeed._next_exposures_changes (user_id, served_at, exposure_id)
        select r.user_id, r.served_at, r.exposure_id
        from (
            values
                (old.user_id, old.served_at, old.exposure_id),
                (new.user_id, new.served_at, new.exposure_id)
        ) as r (user_id, served_at, exposure_id)
        where r.user_id is not null;
    end if;
    return null;
end;
$$;

alter function pgfeed._log_partition_change() owner to pgfeed_owner;

comment on function pgfeed._log_partition_change() is
    'Notes the key of each row that changes in a partition while _copy_partitions() copies it; without a key: all rows are gone';

revoke all on function pgfeed._log_partition_change() from public;
