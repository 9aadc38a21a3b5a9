create or replace function pgfeed._level(
    threshold text,
    value double precision
)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select
            case
                when value > t.fails_at then 'fail'
                when value > t.warns_at then 'warn'
            end
        from pgfeed.thresholds() as t
        where t.name = 'pgfeed.' || threshold
    );
end;
$$;

alter function pgfeed._level(text, double precision) owner to pgfeed_owner;

comment on function pgfeed._level(text, double precision) is
    'What a value means by a threshold: fail or warn; null: neither, or off, or no value';

revoke all on function pgfeed._level(text, double precision) from public;
