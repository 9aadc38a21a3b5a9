create or replace function pgfeed._probe(
    name text,
    failures text[],
    warnings text[],
    found text,
    remedy text,
    figures jsonb default null
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
        case when array_to_string(failures || warnings, '') <> '' then remedy end,
        coalesce(jsonb_strip_nulls(figures), '{}');
$$;

alter function pgfeed._probe(text, text[], text[], text, text, jsonb) owner to pgfeed_owner;

comment on function pgfeed._probe(text, text[], text[], text, text, jsonb) is
    'One row of health(): fails if there is a failure, else warns if there is a warning (null ones are none); '
    'a figure that is null is left out';

revoke all on function pgfeed._probe(text, text[], text[], text, text, jsonb) from public;
