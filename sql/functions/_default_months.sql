create or replace function pgfeed._default_months(parent text)
returns table (
    month timestamptz,
    row_count bigint
)
language plpgsql stable strict
cost 10000 rows 10
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
#variable_conflict use_column
begin
    return query execute format(
        'select date_trunc(''month'', d.%1$I), count(*) from pgfeed.%2$I as d where isfinite(d.%1$I) group by 1 order by 1',
        pgfeed._partition_key(parent), parent || '_default'
    );
end;
$$;

alter function pgfeed._default_months(text) owner to pgfeed_owner;

comment on function pgfeed._default_months(text) is
    'One row per month (UTC) that has rows in the default partition of a table: how many';

revoke all on function pgfeed._default_months(text) from public;
