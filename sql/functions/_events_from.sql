create or replace function pgfeed._events_from()
returns date
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        (select max(d.day) + 2 from pgfeed.rollup_days as d where d.is_gone),
        '-infinity'
    );
end;
$$;

alter function pgfeed._events_from() owner to pgfeed_owner;

comment on function pgfeed._events_from() is
    'The first day (UTC) as of which features can be computed: they need the events of the day before. -infinity: any';

revoke all on function pgfeed._events_from() from public;
