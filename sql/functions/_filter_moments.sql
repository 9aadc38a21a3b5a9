create or replace function pgfeed._filter_moments(
    filter jsonb,
    ts timestamptz
)
returns double precision[]
language plpgsql stable
cost 1000
set search_path = pg_catalog, pg_temp
--!include sql/_fixed_meaning.sql
as $$
declare
    v_values double precision[];
begin
    execute filter ->> 'moments_query' into v_values using ts;
    return v_values;
end;
$$;

alter function pgfeed._filter_moments(jsonb, timestamptz) owner to pgfeed_owner;

comment on function pgfeed._filter_moments(jsonb, timestamptz) is
    'The right sides of the moments of what _compiled_filter() gave, at a moment';

revoke all on function pgfeed._filter_moments(jsonb, timestamptz) from public;
