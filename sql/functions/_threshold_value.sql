create or replace function pgfeed._threshold_value(
    setting text,
    unit text
)
returns double precision
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
set intervalstyle = 'postgres'
as $$
declare
    v_value double precision;
begin
    if lower(setting) = 'off' then
        return null;
    end if;
    if unit = 'ratio' then
        v_value := setting::double precision;
    elsif setting ~* '[a-z:]' then
        v_value := extract(epoch from setting::interval);
    end if;
    if coalesce(v_value, 0) <= 0 or v_value = 'infinity' or v_value = 'nan' or (unit = 'ratio' and v_value > 1) then
        raise exception '% is no threshold', setting using errcode = '22023';
    end if;
    return v_value;
end;
$$;

alter function pgfeed._threshold_value(text, text) owner to pgfeed_owner;

comment on function pgfeed._threshold_value(text, text) is
    'A threshold as a number: seconds of an interval with units, or a share of 1; null: off';

revoke all on function pgfeed._threshold_value(text, text) from public;
