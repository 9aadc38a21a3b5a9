create or replace function pgfeed._answer_probes()
returns setof pgfeed.probe
language plpgsql stable
cost 100000 rows 1
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set plan_cache_mode = force_custom_plan
as $$
declare
    v_sample constant integer := 1000;
    v_least constant integer := 50;
    v_hits constant text[] := pgfeed._hits();
    v_until timestamptz := (
        select max(x.served_at) from pgfeed.exposures as x where x.served_at <= now() - pgfeed._like_window()
    );
    v_answers record;
    v_z double precision;
begin
    if v_until is null then
        return;
    end if;
    with spans (is_new, from_at, to_at) as (
        values (true, v_until - interval '1 day', v_until), (false, v_until - interval '8 days', v_until - interval '1 day')
    ),

    answers as materialized (
        select
            s.is_new,
            a.source,
            a.variant,
            a.user_id,
            exists (
                select 1
                from pgfeed.feed_events as e
                where
                    e.user_id = a.user_id
                    and e.event_at >= a.served_at
                    and e.event_at < a.served_at + pgfeed._like_window()
                    and e.post_id = any(a.post_ids)
                    and (e.action = any(v_hits) or e.target)
            ) as is_hit
        from spans as s
        cross join lateral (
            select x.source, x.variant, x.user_id, x.served_at, x.post_ids
            from pgfeed.exposures as x
            where x.served_at > s.from_at and x.served_at <= s.to_at
            order by hashtextextended(x.exposure_id::text, 0)
            limit v_sample
        ) as a
    )

    select
        count(*) filter (where a.is_new) as new_count,
        count(*) filter (where not a.is_new) as old_count,
        avg(a.is_hit::integer) filter (where a.is_new) as new_rate,
        avg(a.is_hit::integer) filter (where not a.is_new) as old_rate,
        avg((a.source not in ('model', 'cold_start'))::integer)
        filter (where a.is_new and not pgfeed._is_without_model(a.variant)) as fallback_ratio
    into v_answers
    from answers as a;
    if v_answers.new_count < v_least then
        return;
    end if;
    if v_answers.old_count >= v_least and v_answers.old_rate > 0 then
        v_z := (v_answers.old_rate - v_answers.new_rate) / nullif(sqrt(
            v_answers.new_rate * (1 - v_answers.new_rate) / v_answers.new_count
            + v_answers.old_rate * (1 - v_answers.old_rate) / v_answers.old_count
        ), 0);
    end if;
    return next pgfeed._probe(
        'answers',
        array[
            case
                when v_answers.fallback_ratio > 0.2
                    then format('%s%% of the answers of models are a fallback', round(100 * v_answers.fallback_ratio))
            end,
            case
                when v_z > 4 and v_answers.new_rate < v_answers.old_rate / 2
                    then format('the hit rate fell from %s to %s', round(v_answers.old_rate, 3), round(v_answers.new_rate, 3))
            end
        ],
        array[
            case
                when v_answers.fallback_ratio > 0.05 and v_answers.fallback_ratio <= 0.2
                    then format('%s%% of the answers of models are a fallback', round(100 * v_answers.fallback_ratio))
            end,
            case
                when v_z > 4 and v_answers.new_rate >= v_answers.old_rate / 2 and v_answers.new_rate < v_answers.old_rate * 0.75
                    then format('the hit rate fell from %s to %s', round(v_answers.old_rate, 3), round(v_answers.new_rate, 3))
            end
        ],
        format(
            'of %s answers of a day until %s, %s%% were liked', v_answers.new_count, to_char(v_until, 'YYYY-MM-DD HH24:MI'),
            round(100 * v_answers.new_rate, 1)
        ),
        'select variant, version, activated_at from pgfeed.model_activations order by activation_id desc limit 3'
        ' -- the last one: call pgfeed.rollback_model(''control'')',
        jsonb_build_object(
            'answers_hit_ratio', v_answers.new_rate, 'answers_hit_ratio_before', v_answers.old_rate,
            'answers_fallback_ratio', v_answers.fallback_ratio
        )
    );
end;
$$;

alter function pgfeed._answer_probes() owner to pgfeed_owner;

comment on function pgfeed._answer_probes() is
    'The row of health() about the answers of serve_posts() of the last day beside those of the week before, of samples of a '
    'thousand; none where there are fewer than fifty';

revoke all on function pgfeed._answer_probes() from public;
