create or replace function pgfeed._stale_days(max_days integer)
returns date[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    -- A statement costs as much as these events do where there are many partitions; many more would not fit into memory.
    v_max_events constant bigint := 100000;
begin
    return coalesce(
        (
            select array_agg(c.day order by c.day)
            from (
                select
                    d.day,
                    d.is_stale or d.event_count is null as is_stale,
                    count(*) filter (where d.is_stale or d.event_count is null) over (order by d.day) as number,
                    sum(d.view_count + d.like_count + d.new_event_count) over (order by d.day) as event_count
                from pgfeed.rollup_days as d
                where d.day >= (select min(s.day) from pgfeed.rollup_days as s where s.is_stale or s.event_count is null)
                order by d.day
                limit 1000
            ) as c
            where c.is_stale and c.number <= max_days and (c.number = 1 or c.event_count <= v_max_events)
        ),
        '{}'
    );
end;
$$;

alter function pgfeed._stale_days(integer) owner to pgfeed_owner;

comment on function pgfeed._stale_days(integer) is
    'The oldest days that roll_up_events() has yet to recompute, at most max_days: as many as one statement does. All '
    'events from the first to the last of them, those of days between them too, are few, or it is one day';

revoke all on function pgfeed._stale_days(integer) from public;
grant execute on function pgfeed._stale_days(integer) to pgfeed_operator;
