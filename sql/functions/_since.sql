create or replace function pgfeed._since(
    sentence text,
    seconds double precision
)
returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select format(
        '%s %s',
        sentence,
        case
            when seconds >= 4 * 86400 then round(seconds / 86400) || ' days'
            else round(seconds / 3600) || ' hours'
        end
    );
$$;

alter function pgfeed._since(text, double precision) owner to pgfeed_owner;

comment on function pgfeed._since(text, double precision) is 'A sentence that ends with an age in hours or days';

revoke all on function pgfeed._since(text, double precision) from public;
