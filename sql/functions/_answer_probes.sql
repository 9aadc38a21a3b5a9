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
    v_window constant interval := pgfeed._like_window();
    v_hits constant text[] := pgfeed._hits();
    v_until timestamptz;
    v_day record;
    v_week record;
    v_z double precision;
begin
    select max(x.served_at) into v_until from pgfeed.exposures as x where x.served_at <= now() - v_window;
    if v_until is null then
        return;
    end if;
    select
        sum(a.answer_count) as answer_count,
        sum(a.hit_count) / sum(a.answer_count) as hit_rate,
        sum(a.answer_count) filter (where a.is_fallback and not pgfeed._is_without_model(a.variant))
        / sum(a.answer_count) filter (where not pgfeed._is_without_model(a.variant)) as fallback_ratio
    into v_day
    from (
        select s.variant, s.is_fallback, count(*) as answer_count, count(*) filter (where s.is_hit) as hit_count
        from (
            select
                x.variant,
                -- Not those that a feed's own fallbacks gave a new user.
                x.source not in ('model', 'cold_start')
                and (x.model_version is null and f.settings -> 'fallbacks' ? x.source) is not true as is_fallback,
                exists (
                    select 1
                    from pgfeed.feed_events as e
                    where
                        e.user_id = x.user_id
                        and e.event_at >= x.served_at
                        and e.event_at < x.served_at + v_window
                        and e.post_id = any(x.post_ids)
                        and (e.action = any(v_hits) or e.target)
                ) as is_hit
            from pgfeed.exposures as x
            left join pgfeed.named_feeds as f on f.name = x.feed
            where x.served_at > v_until - interval '1 day' and x.served_at <= v_until
            order by hashtextextended(x.exposure_id::text, 0)
            limit v_sample
        ) as s
        group by s.variant, s.is_fallback
    ) as a;
    if coalesce(v_day.answer_count, 0) < v_least then
        return;
    end if;
    select count(*) as answer_count, avg(s.is_hit::integer) as hit_rate into v_week
    from (
        select
            exists (
                select 1
                from pgfeed.feed_events as e
                where
                    e.user_id = x.user_id
                    and e.event_at >= x.served_at
                    and e.event_at < x.served_at + v_window
                    and e.post_id = any(x.post_ids)
                    and (e.action = any(v_hits) or e.target)
            ) as is_hit
        from pgfeed.exposures as x
        where x.served_at > v_until - interval '8 days' and x.served_at <= v_until - interval '1 day'
        order by hashtextextended(x.exposure_id::text, 0)
        limit v_sample
    ) as s;
    if v_week.answer_count >= v_least and v_week.hit_rate > 0 then
        v_z := (v_week.hit_rate - v_day.hit_rate) / nullif(sqrt(
            v_day.hit_rate * (1 - v_day.hit_rate) / v_day.answer_count
            + v_week.hit_rate * (1 - v_week.hit_rate) / v_week.answer_count
        ), 0);
    end if;
    return next pgfeed._probe(
        'answers',
        array[
            case
                when v_day.fallback_ratio > 0.2
                    then format('%s%% of the answers of models are a fallback', round(100 * v_day.fallback_ratio))
            end,
            case
                when v_z > 4 and v_day.hit_rate < v_week.hit_rate / 2
                    then format('the hit rate fell from %s to %s', round(v_week.hit_rate, 3), round(v_day.hit_rate, 3))
            end
        ],
        array[
            case
                when v_day.fallback_ratio > 0.05 and v_day.fallback_ratio <= 0.2
                    then format('%s%% of the answers of models are a fallback', round(100 * v_day.fallback_ratio))
            end,
            case
                when v_z > 4 and v_day.hit_rate >= v_week.hit_rate / 2 and v_day.hit_rate < v_week.hit_rate * 0.75
                    then format('the hit rate fell from %s to %s', round(v_week.hit_rate, 3), round(v_day.hit_rate, 3))
            end
        ],
        format(
            'of %s answers of a day until %s, %s%% were liked', v_day.answer_count, to_char(v_until, 'YYYY-MM-DD HH24:MI'),
            round(100 * v_day.hit_rate, 1)
        ),
        'select variant, version, activated_at from pgfeed.model_activations order by activation_id desc limit 3'
        ' -- the last one: call pgfeed.rollback_model(''control'')',
        jsonb_build_object(
            'answers_hit_ratio', v_day.hit_rate, 'answers_hit_ratio_before', v_week.hit_rate,
            'answers_fallback_ratio', v_day.fallback_ratio
        )
    );
end;
$$;

alter function pgfeed._answer_probes() owner to pgfeed_owner;

comment on function pgfeed._answer_probes() is
    'The row of health() about the answers of serve_posts() of the last day beside those of the week before, of samples of a '
    'thousand; none where there are fewer than fifty';

revoke all on function pgfeed._answer_probes() from public;
