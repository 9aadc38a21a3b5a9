create or replace function pgfeed._probe(
    name text,
    failures text[],
    warnings text[],
    found text,
    remedy text
)
returns pgfeed.probe
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select
        name,
        case
            when array_to_string(failures, '') <> '' then 'fail'
            when array_to_string(warnings, '') <> '' then 'warn'
            else 'ok'
        end,
        concat_ws('; ', nullif(array_to_string(failures || warnings, '; '), ''), found),
        case when array_to_string(failures || warnings, '') <> '' then remedy end;
$$;

alter function pgfeed._probe(text, text[], text[], text, text) owner to pgfeed_owner;

comment on function pgfeed._probe(text, text[], text[], text, text) is
    'One row of health(): fails if there is a failure, else warns if there is a warning (null ones are none)';

revoke all on function pgfeed._probe(text, text[], text[], text, text) from public;
