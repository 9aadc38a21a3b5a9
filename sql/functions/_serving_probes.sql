create or replace function pgfeed._serving_probes()
returns setof pgfeed.probe
language plpgsql stable
cost 100000 rows 3
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_variant text := nullif(current_setting('pgfeed.default_variant', true), '');
    v_as_of timestamptz := pgfeed._refresh_as_of();
    v_answer text;
    v_count bigint;
    v_started_at timestamptz;
    v_problem text;
begin
    return query
    with models as materialized (
        select
            a.variant,
            a.version,
            a.trained_until,
            pgfeed._model_problems(a.model_id) as problems,
            c.is_live,
            extract(epoch from now() - m.created_at)::double precision as age,
            -- Only a model that was fitted again can know the end of the feed.
            extract(
                epoch from case when m.evaluated_until is null then t.trainable_until else t.ended_at end - a.trained_until
            )::double precision as lag,
            -- One that nobody is served by may grow old.
            a.variant = coalesce(v_variant, 'control')
            or exists (
                select
                from pgfeed.experiment_arms as x
                inner join pgfeed.experiments as e on e.experiment_id = x.experiment_id
                where x.variant = a.variant and x.version is null and e.started_at is not null and e.stopped_at is null
            ) as is_serving
        from pgfeed.active_models as a
        inner join pgfeed.models as m on m.model_id = a.model_id
        cross join pgfeed._feed_clock() as c
        -- Training holds the last fifth of the views out.
        cross join (
            select
                min(d.day) filter (where d.later_count <= d.view_count * 0.2)::timestamptz as trainable_until,
                (max(d.day) + 1)::timestamptz as ended_at
            from (
                select
                    w.day,
                    sum(w.view_count) over (order by w.day desc) as later_count,
                    sum(w.view_count) over () as view_count
                from pgfeed.rollup_days as w
                where w.view_count > 0 and w.day <= now()::date
            ) as d
        ) as t
    ),

    grades as (
        select
            m.variant,
            g.level,
            g.sentence
        from models as m
        cross join lateral (
            values
            (
                case when m.is_serving and m.is_live then pgfeed._level('model_max_age', m.age) end,
                pgfeed._since('it was not trained for', m.age)
            ),
            (
                case when m.is_serving then pgfeed._level('model_max_age', m.lag) end,
                pgfeed._since('training now would know more of the feed by', m.lag)
            )
        ) as g (level, sentence)
    )

    select p.*
    from models as m
    cross join lateral (
        select
            array_agg(w.sentence) filter (where w.level = 'fail') as failures,
            array_agg(w.sentence) filter (where w.level = 'warn') as warnings
        from grades as w
        where w.variant = m.variant
    ) as g
    cross join lateral pgfeed._probe(
        'model ' || m.variant,
        m.problems || g.failures,
        g.warnings,
        format(
            'version %s, trained on events before %s',
            m.version, coalesce(to_char(m.trained_until, 'YYYY-MM-DD'), '(unknown)')
        ),
        case when cardinality(m.problems) > 0 then 'call pgfeed.refresh_features() -- if that does not help: ' else '' end
        || format('pgfeed train %s --activate', m.variant),
        jsonb_build_object('model_version', m.version, 'model_age_seconds', m.age, 'model_lag_seconds', m.lag)
    ) as p;
    if not found then
        return next pgfeed._probe(
            'model',
            null,
            array['none is active: the posts with the best recent like rate are served to all'],
            null,
            'pgfeed train control --activate'
        );
    end if;

    return next pgfeed._probe(
        'default variant',
        array[
            case
                when v_variant not in (
                    select a.variant from pgfeed.active_models as a
                ) and v_variant <> pgfeed._default_variant() and not pgfeed._is_without_model(v_variant)
                    then format('pgfeed.default_variant is %L, which has no active model', v_variant)
            end
        ],
        null,
        coalesce(v_variant, pgfeed._default_variant()),
        format('alter database %I reset pgfeed.default_variant', current_database())
    );

    if v_as_of is null then
        return;
    end if;
    v_started_at := clock_timestamp();
    begin
        select count(*), format('%s posts by %s, variant %s', count(*), min(r.source), min(r.variant)) into v_count, v_answer
        from (select f.user_id from pgfeed.user_features as f limit 1) as u
        cross join lateral pgfeed.recommend_posts(u.user_id, v_as_of) as r;
        -- That user may have liked all there is; a new one has not.
        if v_count = 0 then
            select count(*), format('%s posts by %s, variant %s', count(*), min(r.source), min(r.variant)) into v_count, v_answer
            from pgfeed.recommend_posts((select coalesce(max(f.user_id), 0) + 1 from pgfeed.user_features as f), v_as_of) as r;
        end if;
        if v_count = 0 then
            v_problem := 'it gives no posts';
            v_answer := null;
        end if;
    exception when others then
        v_problem := sqlerrm;
    end;
    return next pgfeed._probe(
        'recommend_posts',
        array[v_problem],
        null,
        v_answer,
        case when exists (select from pgfeed.posts) then 'call pgfeed.refresh_features()' else 'pgfeed ingest FILE...' end,
        jsonb_build_object(
            'recommended_posts', v_count, 'recommend_duration_seconds', extract(epoch from clock_timestamp() - v_started_at)
        )
    );
end;
$$;

alter function pgfeed._serving_probes() owner to pgfeed_owner;

comment on function pgfeed._serving_probes() is 'The rows of health() about models and what is served';

revoke all on function pgfeed._serving_probes() from public;
