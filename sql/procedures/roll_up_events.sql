create or replace procedure pgfeed.roll_up_events(
    max_days integer default null,
    from_day date default null,
    inout day_count integer default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
declare
    v_days date[];
    v_all_days date[] := '{}';
begin
    if max_days < 0 then
        raise exception 'max_days is %', max_days
            using errcode = '22023', hint = 'Give the most days to roll up, or null for all.';
    end if;
    perform pg_advisory_xact_lock(hashtext('pgfeed.roll_up_events'));

    if
        max_days is null
        or not exists (select from pgfeed.rollup_days as d where d.is_stale or d.event_count is null)
    then
        call pgfeed._find_stale_days(from_day);
    end if;

    day_count := 0;
    loop
        v_days := pgfeed._stale_days(coalesce(max_days - day_count, 1000));
        exit when v_days = '{}';
        call pgfeed._roll_up_days(v_days);
        v_all_days := v_all_days || v_days;
        day_count := day_count + cardinality(v_days);
    end loop;
    call pgfeed._count_served(v_all_days);
end;
$$;

alter procedure pgfeed.roll_up_events(integer, date, integer) owner to pgfeed_owner;

comment on procedure pgfeed.roll_up_events(integer, date, integer) is
    'Recomputes the daily rollups of the days that have new events, oldest first, and says how many it '
    'did; then counts what became of the lists that were served, see served_days. max_days: at most so many, and new events are looked for only when no day is left over. '
    'from_day: recompute from that day on. A day with fewer events than were counted stays as it is, with a '
    'warning: recount_days() lets it shrink';

revoke all on procedure pgfeed.roll_up_events(integer, date, integer) from public;
grant execute on procedure pgfeed.roll_up_events(integer, date, integer) to pgfeed_operator;
