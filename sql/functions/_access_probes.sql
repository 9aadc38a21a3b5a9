create or replace function pgfeed._access_probes()
returns setof pgfeed.probe
language plpgsql stable
cost 1000 rows 1
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select (pgfeed._probe(
        'row security',
        array[
            string_agg(format('forced on %s: functions refuse to read it', c.relname), '; ')
            filter (where c.relforcerowsecurity)
        ],
        null,
        case when not coalesce(bool_or(c.relforcerowsecurity), false) then coalesce(
            'holds for who reads ' || string_agg(c.relname::text, ', ' order by c.relname)
            || ' directly, not in functions and views',
            'on no table'
        ) end,
        string_agg(format('alter table pgfeed.%I no force row level security', c.relname), '; ')
        filter (where c.relforcerowsecurity)
    )).*
    from pg_class as c
    where c.relnamespace = 'pgfeed'::regnamespace and c.relrowsecurity;
end;
$$;

alter function pgfeed._access_probes() owner to pgfeed_owner;

comment on function pgfeed._access_probes() is 'The rows of health() about what hides rows from functions';

revoke all on function pgfeed._access_probes() from public;
