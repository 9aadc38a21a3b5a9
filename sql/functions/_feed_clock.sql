create or replace function pgfeed._feed_clock(
    out is_live boolean,
    out newest_at timestamptz,
    out clock_at timestamptz
)
language plpgsql stable
cost 10000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_window interval;
    v_seen_at timestamptz;
begin
    newest_at := (
        select case when max(d.day) < now()::date then (max(d.day) + 1)::timestamptz when max(d.day) is not null then now() end
        from pgfeed.rollup_days as d
        where (d.view_count > 0 or d.like_count > 0) and d.day <= now()::date
    );
    is_live := not exists (
        select
        from pg_class as c
        inner join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = 'simulation' and c.relname = 'worlds'
    )
    and (select t.fails_at is not null from pgfeed.thresholds() as t where t.name = 'pgfeed.events_max_age');

    -- The roll-ups know the day. The newest event itself is looked for among those that were recorded last.
    foreach v_window in array array[
        interval '5 minutes', interval '1 hour', interval '1 day', interval '3 days', interval '10 days', interval '40 days'
    ] loop
        select max(e.event_at) into v_seen_at
        from pgfeed.feed_events as e
        where
            e.recorded_at > now() - v_window
            and e.event_at > coalesce(newest_at, now() - interval '39 days') - interval '1 day'
            and e.event_at <= now();
        exit when v_seen_at is not null;
    end loop;
    newest_at := coalesce(v_seen_at, newest_at);
    clock_at := case when is_live then now() else newest_at end;
end;
$$;

alter function pgfeed._feed_clock() owner to pgfeed_owner;

comment on function pgfeed._feed_clock() is
    'One row: whether events are expected to come in, when the newest one was (a rolled-up one: the end of its day), and '
    'until when ages are counted: now, of a feed that has ended its end';

revoke all on function pgfeed._feed_clock() from public;
