create or replace procedure pgfeed._find_missing_months()
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_month timestamptz;
begin
    for v_month in
        select distinct date_trunc('month', d.day::timestamptz)
        from pgfeed.rollup_days as d
        where d.event_count > d.missing_count
    loop
        if not pgfeed._has_events(v_month, v_month + interval '1 month') then
            update pgfeed.rollup_days as d
            set missing_count = d.event_count
            where d.day >= v_month and d.day < v_month + interval '1 month' and d.event_count > d.missing_count;
            raise warning 'the events of % are gone: what was counted of them stays', to_char(v_month, 'YYYY-MM');
        end if;
    end loop;
end;
$$;

alter procedure pgfeed._find_missing_months() owner to pgfeed_owner;

comment on procedure pgfeed._find_missing_months() is
    'Notes of the days of months that were emptied or dropped by hand that their events are gone';

revoke all on procedure pgfeed._find_missing_months() from public;
