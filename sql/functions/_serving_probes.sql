create or replace function pgfeed._serving_probes()
returns setof pgfeed.probe
language plpgsql stable
cost 100000 rows 3
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
    v_variant text := nullif(current_setting('pgfeed.default_variant', true), '');
    v_as_of timestamptz := pgfeed._refresh_as_of();
    v_answer text;
    v_problem text;
begin
    return query
    select
        p.name,
        p.status,
        p.found,
        p.remedy
    from pgfeed.active_models as a
    cross join lateral pgfeed._probe(
        'model ' || a.variant,
        pgfeed._model_problems(a.model_id),
        null,
        format(
            'version %s, trained on events before %s',
            a.version, coalesce(to_char(a.trained_until, 'YYYY-MM-DD'), '(unknown)')
        ),
        format('call pgfeed.refresh_features() -- if that does not help: pgfeed train %s --activate', a.variant)
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
                    union all
                    select unnest(pgfeed._variants_without_model() || pgfeed._default_variant())
                )
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
    begin
        select format('%s posts by %s, variant %s', count(*), min(r.source), min(r.variant)) into v_answer
        from (select f.user_id from pgfeed.user_features as f limit 1) as u
        cross join lateral pgfeed.recommend_posts(u.user_id, v_as_of) as r;
    exception when others then
        v_problem := sqlerrm;
    end;
    return next pgfeed._probe('recommend_posts', array[v_problem], null, v_answer, 'call pgfeed.refresh_features()');
end;
$$;

alter function pgfeed._serving_probes() owner to pgfeed_owner;

comment on function pgfeed._serving_probes() is 'The rows of health() about models and what is served';

revoke all on function pgfeed._serving_probes() from public;
