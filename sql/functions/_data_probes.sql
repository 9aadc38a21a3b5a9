create or replace function pgfeed._data_probes()
returns setof pgfeed.probe
language plpgsql stable
cost 100000 rows 5
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_watermark_at timestamptz := (select w.watermark_at from pgfeed.rollup_watermarks as w where w.watermark_at <= now());
    v_events_until timestamptz := (
        select max(d.day) + 1
        from pgfeed.rollup_days as d
        where (d.view_count > 0 or d.like_count > 0) and d.day <= now()::date
    );
    v_future_until date := (select max(d.day) from pgfeed.rollup_days as d where d.view_count > 0 or d.like_count > 0);
    v_as_of timestamptz := pgfeed._refresh_as_of();
    v_refresh pgfeed.feature_refreshes;
    v_features record;
    v_reject_level text;
    v_new_events bigint;
    v_waiting_since timestamptz;
    v_wait double precision;
    v_wait_level text;
    v_stale_days bigint;
    v_attached_ids bigint[];
begin
    select r.* into v_refresh from pgfeed.feature_refreshes as r order by r.refresh_id desc limit 1;

    v_reject_level := pgfeed._level('rejects_max_ratio', (
        select sum(f.rejected_count)::double precision / nullif(sum(f.read_count), 0)
        from pgfeed.ingest_files as f
        where f.started_at > now() - interval '7 days'
    ));
    return query
    select (pgfeed._probe(
        'rejected rows',
        array[case when v_reject_level = 'fail' then r.problem end],
        array[
            case when v_reject_level is distinct from 'fail' then r.problem end,
            (
                select format('the load of %s was interrupted', min(f.source_name))
                from pgfeed.ingest_files as f
                where
                    f.finished_at is null
                    and f.started_at < now() - interval '1 hour'
                    and not exists (
                        select
                        from pgfeed.ingest_files as o
                        where o.source_name = f.source_name and o.finished_at > f.started_at
                    )
                having count(*) > 0
            )
        ],
        to_char(r.total_count, 'FM999,999,990') || ' in all',
        'select source_name, line, reason, reject_count from pgfeed.ingest_rejects -- then mend the rows and load the file again',
        jsonb_build_object('rejected_rows', r.total_count, 'rejected_rows_7_days', r.week_count)
    )).*
    from (
        select
            coalesce(sum(w.reject_count), 0) as total_count,
            coalesce(sum(w.reject_count) filter (where w.rejected_at > now() - interval '7 days'), 0) as week_count,
            to_char(
                sum(w.reject_count) filter (where w.rejected_at > now() - interval '7 days'), 'FM999,999,999'
            ) || ' rows could not be loaded in the last 7 days' as problem
        from pgfeed.ingest_rejects as w
    ) as r;

    select count(*), min(n.recorded_at) into v_new_events, v_waiting_since
    from (
        select e.recorded_at
        from pgfeed.feed_events as e
        where e.recorded_at >= coalesce(v_watermark_at, '-infinity')
        limit 100000
    ) as n;
    v_wait := extract(epoch from now() - v_waiting_since);
    v_wait_level := pgfeed._level('features_max_age', v_wait);
    if v_wait_level = 'fail' and not (select f.is_live from pgfeed._feed_clock() as f) then
        v_wait_level := 'warn';
    end if;
    select count(*) into v_stale_days from pgfeed.rollup_days as d where d.is_stale or d.event_count is null;
    return next pgfeed._probe(
        'roll-ups',
        array[case when v_wait_level = 'fail' then pgfeed._since('new events have waited', v_wait) end],
        array[
            case when v_wait_level = 'warn' then pgfeed._since('new events have waited', v_wait) end,
            case
                when
                    v_stale_days > 0
                    and not pg_is_in_recovery()
                    and not exists (select from pgfeed._job_sessions('pgfeed.roll_up_events'))
                    then format('%s days are not up to date', v_stale_days)
            end,
            case
                when v_future_until > now() + interval '1 day'
                    then format('events lie in the future, until %s: nothing uses them', v_future_until)
            end
        ],
        concat_ws(
            ', ',
            'events until ' || to_char(v_events_until, 'YYYY-MM-DD'),
            case v_new_events
                when 0 then 'none since'
                when 100000 then '100,000 or more since'
                else to_char(v_new_events, 'FM999,999') || ' since'
            end
        ),
        case
            when v_future_until > now() + interval '1 day'
                then 'delete from pgfeed.feed_events where event_at > now(); '
                || 'call pgfeed.recount_days(current_date, ''2099-12-31'')'
            else 'call pgfeed.roll_up_events()'
        end,
        (
            select jsonb_build_object(
                'rolled_up_days', count(*), 'stale_days', v_stale_days,
                'rolled_up_views', coalesce(sum(d.view_count), 0), 'rolled_up_likes', coalesce(sum(d.like_count), 0),
                'waiting_events', v_new_events, 'waiting_seconds', v_wait
            )
            from pgfeed.rollup_days as d
        )
    );

    select
        case when v_events_until > v_as_of then extract(epoch from least(v_events_until, now()) - v_as_of) else 0 end as lag,
        case when f.is_live then extract(epoch from now() - v_refresh.finished_at) end as age
    into v_features
    from pgfeed._feed_clock() as f;
    return next pgfeed._probe(
        'features',
        array[
            case when v_as_of is null and pgfeed._is_loaded() then 'never refreshed' end,
            case
                when v_as_of is not null
                    then (
                        select string_agg(format('%s is empty', c.relname), '; ')
                        from pg_class as c
                        where c.relnamespace = 'pgfeed'::regnamespace and c.relkind = 'm' and not c.relispopulated
                    )
            end,
            case
                when pgfeed._level('features_max_age', v_features.lag) = 'fail'
                    then pgfeed._since('older than the newest events by', v_features.lag)
            end,
            case
                when pgfeed._level('features_max_age', v_features.age) = 'fail'
                    then pgfeed._since('not refreshed for', v_features.age)
            end
        ],
        array[
            case when v_as_of is null and not pgfeed._is_loaded() then 'never refreshed, and nothing is loaded yet' end,
            case
                when v_as_of is not null and not exists (select from pgfeed.feature_packs as k where k.as_of = v_as_of)
                    then 'an update took the packed ones away: each session computes its own at its first call'
            end,
            case
                when pgfeed._level('features_max_age', v_features.lag) = 'warn'
                    then pgfeed._since('older than the newest events by', v_features.lag)
            end,
            case
                when pgfeed._level('features_max_age', v_features.age) = 'warn'
                    then pgfeed._since('not refreshed for', v_features.age)
            end
        ],
        'as of ' || to_char(v_as_of, 'YYYY-MM-DD HH24:MI'),
        'call pgfeed.refresh_features()',
        jsonb_build_object('features_age_seconds', extract(epoch from now() - v_refresh.finished_at), 'features_lag_seconds', v_features.lag)
    );

    -- The texts of an attached table are not read for this.
    if exists (select from pgfeed.attached_tables as t where t.kind = 'posts') and v_as_of is not null then
        v_attached_ids := array(select x.post_id from pgfeed.post_text_features as x where x.text_length > 0);
    end if;
    return query
    select (pgfeed._probe(
        'embeddings',
        null,
        array[
            case
                when count(*) filter (where e.embedder_id is not null and v.post_id is null) > 0
                    then to_char(count(*) filter (where v.post_id is null), 'FM999,999,999')
                    || ' posts with a text have none'
            end,
            case
                when exists (
                    select
                    from pgfeed.embedders as w
                    where w.finished_at is null and w.started_at < now() - interval '1 day'
                )
                    then 'the embedder was interrupted'
            end
        ],
        case
            when min(e.name) is null then 'none made: similar_posts and search_posts have no answers'
            else format('%s posts, embedder %s', to_char(count(v.post_id), 'FM999,999,990'), min(e.name))
        end,
        'pgfeed embed',
        jsonb_build_object(
            'embedded_posts', count(v.post_id),
            'posts_without_embedding', count(p.post_id) filter (where e.embedder_id is not null and v.post_id is null)
        )
    )).*
    from (select) as one
    left join pgfeed.embedders as e on e.is_active
    left join pgfeed.posts as p on p.text ~ '[^[:space:]]' or p.post_id = any(v_attached_ids)
    left join pgfeed.post_embeddings as v on v.embedder_id = e.embedder_id and v.post_id = p.post_id;
end;
$$;

alter function pgfeed._data_probes() owner to pgfeed_owner;

comment on function pgfeed._data_probes() is 'The rows of health() about rejected rows, roll-ups, features and embeddings';

revoke all on function pgfeed._data_probes() from public;
