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
as $$
#variable_conflict use_column
declare
    v_version integer;
begin
    variants := '{}';
    is_finite := isfinite(ts);
    if not is_finite then
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

    -- The newest activation of active_models, without looking at the others.
    select s.is_current, s.features_as_of, k.pack_id, k.is_shortlist, m.model_id, m.version
    into
        _serving_state.is_current, _serving_state.features_as_of, _serving_state.pack_id,
        _serving_state.is_shortlist, _serving_state.model_id, _serving_state.model_version
    from (
        select
            ts >= r.as_of as is_current,
            case when ts >= r.as_of then r.as_of else date_trunc('day', ts, 'UTC') end as features_as_of
        from pgfeed.feature_refreshes as r
        order by r.refresh_id desc
        limit 1
    ) as s
    left join pgfeed.feature_packs as k
        on
            k.as_of = s.features_as_of
            and (
                s.is_current
                or not exists (
                    select
                    from pgfeed.rollup_days as d
                    where d.day < (s.features_as_of at time zone 'UTC')::date and d.rolled_up_at > k.packed_at
                )
            )
    left join pgfeed.models as m
        on
            m.variant = _serving_state.serving_variant
            and m.version = coalesce(
                v_version,
                (
                    select a.version
                    from pgfeed.model_activations as a
                    where a.variant = _serving_state.serving_variant
                    order by a.activation_id desc
                    limit 1
                )
            );
    if features_as_of is null then
        serving_variant := null;
        return;
    end if;

    variants := array[serving_variant];
    if model_id is null and v_version is null then
        variants := array(select distinct a.variant from pgfeed.model_activations as a order by a.variant);
    end if;
    pack_version := pack_id;
    if pack_id is null then
        pack_version := concat_ws(
            ' ',
            extract(epoch from features_as_of),
            (select extract(epoch from max(d.rolled_up_at)) from pgfeed.rollup_days as d)
        );
        is_shortlist := pgfeed._is_large();
    end if;
    hour := extract(hour from ts at time zone 'UTC');
    weekday := extract(isodow from ts at time zone 'UTC');
end;
$$;

alter function pgfeed._serving_state(timestamptz, text, bigint) owner to pgfeed_owner;

comment on function pgfeed._serving_state(timestamptz, text, bigint) is
    'One row: which model and which feature pack serve a moment. variant null: the user''s arm in the running '
    'experiment, else the setting pgfeed.default_variant, else control';

revoke all on function pgfeed._serving_state(timestamptz, text, bigint) from public;
