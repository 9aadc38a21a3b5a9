create or replace function pgfeed._off_policy_estimates(
    model_id bigint,
    variant text,
    version integer,
    from_at timestamptz,
    until_at timestamptz,
    feed text,
    most bigint,
    attribution interval
)
returns pgfeed.off_policy_estimate[]
language plpython3u stable
cost 1000000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
plpy.execute("select pgfeed._library()")  # nothing, once loaded
--!include plpy/off_policy.py


return _off_policy_estimates(plpy, model_id, variant, version, from_at, until_at, feed, most, attribution)
$$;

alter function pgfeed._off_policy_estimates(
    bigint, text, integer, timestamptz, timestamptz, text, bigint, interval
) owner to pgfeed_owner;

comment on function pgfeed._off_policy_estimates(
    bigint, text, integer, timestamptz, timestamptz, text, bigint, interval
) is
    'The rows of off_policy_report() of a model; model_id negative: as it is evaluated, null: the variant has none. See '
    'plpy/off_policy.py';

revoke all on function pgfeed._off_policy_estimates(
    bigint, text, integer, timestamptz, timestamptz, text, bigint, interval
) from public;
