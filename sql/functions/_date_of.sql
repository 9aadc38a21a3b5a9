create or replace function pgfeed._date_of(value text)
returns timestamptz
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_date timestamptz;
begin
    v_date := value::timestamptz;
    return case when isfinite(v_date) then v_date end;
exception when data_exception then
    return null;
end;
$$;

alter function pgfeed._date_of(text) owner to pgfeed_owner;

comment on function pgfeed._date_of(text) is 'A text as a moment, UTC if it does not say a zone; null: it is none';

revoke all on function pgfeed._date_of(text) from public;
