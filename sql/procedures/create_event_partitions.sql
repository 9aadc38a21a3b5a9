create or replace procedure pgfeed.create_event_partitions(
    from_at timestamptz,
    to_at timestamptz
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
begin
    call pgfeed._create_partitions('feed_events', from_at, to_at);
    if now() between from_at and to_at then
        call pgfeed._create_partitions('exposures', now(), least(to_at, now() + interval '1 month'));
    end if;
end;
$$;

alter procedure pgfeed.create_event_partitions(timestamptz, timestamptz) owner to pgfeed_owner;

comment on procedure pgfeed.create_event_partitions(timestamptz, timestamptz) is
    'Makes the missing monthly partitions (UTC) of feed_events from one moment to another, both included; '
    'if now is between them, those of exposures for this month and the next too. Months more than a year from now '
    'are made for members of pgfeed_operator and pgfeed_owner only, and those that have rows in the default partition by '
    'arrange_partitions(): inserts need no month. Others wait about 1 ms for each month, so many years are made in several calls; '
    'warns where the table is in use for 5 s, or reading its default partition takes longer than others may wait';

revoke all on procedure pgfeed.create_event_partitions(timestamptz, timestamptz) from public;
grant execute on procedure pgfeed.create_event_partitions(timestamptz, timestamptz)
to pgfeed_writer, pgfeed_operator;
