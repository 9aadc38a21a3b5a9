create or replace function pgfeed._serving_state(
    ts timestamptz,
    variant text,
    user_id bigint default null,
    out is_finite boolean,
    out variants text[],
    out serving_variant text,
    out model_id bigint,
    out model_version integer,
    out features_as_of timestamptz,
    out is_current boolean,
    out pack_id bigint,
    out pack_version text,
    out is_shortlist boolean,
    out hour integer,
    out weekday integer
)
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
#variable_conflict use_column
declare
    v_current timestamptz := pgfeed._refresh_as_of();
    v_version integer;
begin
    is_finite := isfinite(ts);
    if not is_finite or v_current is null then
        variants := '{}';
        return;
    end if;

    serving_variant := _serving_state.variant;
    if serving_variant is null and _serving_state.user_id is not null and exists (
        select from pgfeed.experiments as e where e.started_at is not null and e.stopped_at is null
    ) then
        select r.variant, r.version into _serving_state.serving_variant, v_version
        from pgfeed._running_arm(_serving_state.user_id) as r;
    end if;
    serving_variant := coalesce(
        serving_variant,
        nullif(current_setting('pgfeed.default_variant', true), ''),
        pgfeed._default_variant()
    );
    select m.model_id, m.version into _serving_state.model_id, _serving_state.model_version
    from pgfeed.models as m
    where
        m.variant = _serving_state.serving_variant
        and m.version = coalesce(
            v_version,
            (select a.version from pgfeed.active_models as a where a.variant = _serving_state.serving_variant)
        );
    variants := array[serving_variant];
    if model_id is null and v_version is null then
        variants := array(select distinct a.variant from pgfeed.model_activations as a order by a.variant);
    end if;

    is_current := ts >= v_current;
    features_as_of := case when is_current then v_current else date_trunc('day', ts) end;
    select k.pack_id, k.is_shortlist into _serving_state.pack_id, _serving_state.is_shortlist
    from pgfeed.feature_packs as k
    where
        k.as_of = _serving_state.features_as_of
        and (
            _serving_state.is_current
            or not exists (
                select
                from pgfeed.rollup_days as d
                where d.day < _serving_state.features_as_of::date and d.rolled_up_at > k.packed_at
            )
        );
    pack_version := coalesce(
        pack_id::text,
        concat_ws(' ', features_as_of, (select max(d.rolled_up_at) from pgfeed.rollup_days as d))
    );
    is_shortlist := coalesce(is_shortlist, pgfeed._is_large());
    hour := extract(hour from ts);
    weekday := extract(isodow from ts);
end;
$$;

alter function pgfeed._serving_state(timestamptz, text, bigint) owner to pgfeed_owner;

comment on function pgfeed._serving_state(timestamptz, text, bigint) is
    'One row: which model and which feature pack serve a moment. variant null: the user''s arm in the running '
    'experiment, else the setting pgfeed.default_variant, else control';

revoke all on function pgfeed._serving_state(timestamptz, text, bigint) from public;
