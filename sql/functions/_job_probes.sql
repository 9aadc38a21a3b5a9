create or replace function pgfeed._job_probes()
returns setof pgfeed.probe
language plpgsql stable
cost 100000 rows 4
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set intervalstyle = 'postgres'
as $$
declare
    v_views constant text[] := array['_text_statistics', 'post_text_features', 'post_features', 'user_features', 'user_topic_features'];
    -- The sessions of the primary cannot be seen from a standby.
    v_silence interval := case when pg_is_in_recovery() then interval '1 hour' else interval '10 seconds' end;
    v_refresh pgfeed.feature_refreshes;
    v_session record;
    v_stranger record;
    v_step integer;
    v_experiment pgfeed.experiments;
    v_batch pgfeed.recommendation_batches;
    v_done record;
    v_limit bigint;
    v_problem text;
begin
    select r.* into v_refresh from pgfeed.feature_refreshes as r order by r.refresh_id desc limit 1;

    select
        j.pid,
        clock_timestamp() - j.started_at as duration,
        (
            select count(*)
            from pgfeed._job_sessions('pgfeed.refresh_features') as w
            where w.is_waiting
        ) as waiting_count,
        exists (
            select from pgfeed._job_sessions('pgfeed.refresh_features') as w where w.pid = j.pid
        ) as is_refresh
    into v_session
    from pgfeed._job_sessions('pgfeed.roll_up_events') as j
    where not j.is_waiting;
    -- A refresh keeps the locks of the views that it has done and of the one it is at.
    select count(distinct c.oid) into v_step
    from pg_locks as l
    inner join pg_class as c on c.oid = l.relation
    where
        l.pid = v_session.pid
        and c.relnamespace = 'pgfeed'::regnamespace
        and c.relname = any(v_views || array['feature_packs'])
        and l.mode in ('ExclusiveLock', 'AccessExclusiveLock', 'RowExclusiveLock');
    -- Anybody may take an advisory lock.
    select j.pid, format('session %s of role %s, neither operator nor writer, holds the lock of %s', j.pid, a.usename, n.name) as sentence
    into v_stranger
    from unnest(array[
        'refresh_features', 'roll_up_events', 'activate_model', 'start_experiment', 'create_event_partitions',
        'refresh_recommendations', 'recommendation_chunks', 'ingest', 'embed', 'models', 'tick', 'ask_for_job', 'train_model'
    ]) as n (name)
    cross join lateral pgfeed._job_sessions('pgfeed.' || n.name) as j
    inner join pg_stat_activity as a on a.pid = j.pid
    where
        not j.is_waiting
        and not exists (
            select
            from unnest(array['pgfeed_owner', 'pgfeed_operator', 'pgfeed_writer']) as r (role_name)
            where pg_has_role(a.usesysid, r.role_name, 'member')
        )
    limit 1;
    return next pgfeed._probe(
        'refresh',
        array[v_stranger.sentence],
        null,
        case
            when v_session.pid is null then 'none is running'
            when not v_session.is_refresh or v_step = 0
                then format('session %s is rolling up events', v_session.pid)
            when v_step > cardinality(v_views)
                then format('session %s is packing the posts, step %s of %2$s', v_session.pid, cardinality(v_views) + 1)
            else format('session %s is refreshing %s, step %s of %s', v_session.pid, v_views[v_step], v_step, cardinality(v_views) + 1)
        end
        || coalesce(', for ' || date_trunc('second', v_session.duration), '')
        || case when v_session.waiting_count > 0 then format(', %s more wait', v_session.waiting_count) else '' end
        || coalesce(
            '; the last refresh took '
            || round(extract(epoch from v_refresh.finished_at - v_refresh.started_at), 1) || ' s',
            ''
        ),
        format('select pg_terminate_backend(%s)', v_stranger.pid),
        jsonb_build_object(
            'refresh_running_seconds', coalesce(extract(epoch from v_session.duration), 0),
            'refreshes_waiting', coalesce(v_session.waiting_count, 0),
            'last_refresh_duration_seconds', extract(epoch from v_refresh.finished_at - v_refresh.started_at)
        )
    );

    select b.* into v_batch from pgfeed.recommendation_batches as b order by b.batch_id desc limit 1;
    select
        coalesce(sum(cardinality(c.user_ids)), 0) as user_count,
        -- Between two chunks a session at work holds no lock for a moment.
        coalesce(max(c.finished_at), v_batch.started_at) < clock_timestamp() - v_silence
        and not exists (select from pgfeed._job_sessions('pgfeed.recommendation_chunks')) as is_idle,
        coalesce(max(c.finished_at), v_batch.started_at) as at,
        sum(cardinality(c.user_ids)) filter (where c.finished_at > clock_timestamp() - interval '1 minute')
        / extract(
            epoch from clock_timestamp()
            - greatest(min(c.finished_at), v_batch.started_at, clock_timestamp() - interval '1 minute')
        ) as pace
    into v_done
    from pgfeed.recommendation_chunks as c
    where c.batch_id = v_batch.batch_id and c.finished_at is not null;
    return next pgfeed._probe(
        'recommendations',
        null,
        array[
            case
                when v_batch.finished_at is null and v_done.is_idle
                    then 'the batch was interrupted at ' || to_char(v_done.at, 'YYYY-MM-DD HH24:MI')
            end,
            case
                when
                    v_batch.finished_at is not null
                    and v_batch.features_as_of < v_refresh.as_of - interval '36 hours'
                    then 'from older features than the present ones'
            end
        ],
        case
            when v_batch.batch_id is null then 'the table was never filled'
            when v_batch.finished_at is null
                then format(
                    'batch %s: %s of %s users done', v_batch.batch_id,
                    to_char(v_done.user_count, 'FM999,999,990'), to_char(v_batch.user_count, 'FM999,999,990')
                )
                || case
                    when v_done.pace > 0 and not v_done.is_idle
                        then format(', about %s s left', round((v_batch.user_count - v_done.user_count) / v_done.pace))
                    else ''
                end
            else format(
                'of %s users%s at %s',
                to_char(v_batch.user_count, 'FM999,999,990'),
                ' with an event in the ' || v_batch.active_days || ' days before the cut-off,',
                to_char(v_batch.recommended_at, 'YYYY-MM-DD HH24:MI')
            )
        end,
        format(
            'call pgfeed.refresh_recommendations(%sk => %s, variant => %L, active_days => %s)',
            case when v_batch.finished_at is null and not v_batch.is_now then format('ts => %L, ', v_batch.recommended_at) end,
            v_batch.k, v_batch.variant, coalesce(v_batch.active_days::text, 'null')
        ),
        jsonb_build_object(
            'batch_users', v_batch.user_count,
            'batch_users_done', case when v_batch.finished_at is null then v_done.user_count else v_batch.user_count end,
            'batch_age_seconds', extract(epoch from now() - v_batch.finished_at)
        )
    );

    begin
        select t.memory into v_limit from pgfeed._training_limits() as t;
    exception when invalid_parameter_value then
        v_problem := sqlerrm;
    end;
    -- It commits as it goes: the call began before the transaction.
    select j.pid, a.application_name as step, clock_timestamp() - a.query_start as duration
    into v_session
    from pgfeed._job_sessions('pgfeed.train_model') as j
    inner join pg_stat_activity as a on a.pid = j.pid
    where not j.is_waiting;
    return next pgfeed._probe(
        'training',
        array[v_problem],
        null,
        case
            when v_session.pid is null then 'none is running in a session'
            else format('session %s: %s, for %s', v_session.pid, v_session.step, date_trunc('second', v_session.duration))
        end,
        format('alter database %I reset %s', current_database(), split_part(v_problem, ' ', 1)),
        jsonb_build_object(
            'training_running_seconds', coalesce(extract(epoch from v_session.duration), 0),
            'training_memory_limit_bytes', v_limit
        )
    );

    select e.* into v_experiment from pgfeed.experiments as e where e.started_at is not null and e.stopped_at is null;
    return next pgfeed._probe(
        'experiment',
        array[pgfeed._arm_problems(v_experiment.experiment_id)],
        null,
        coalesce(
            v_experiment.name || ' runs since ' || to_char(v_experiment.started_at, 'YYYY-MM-DD HH24:MI'),
            'none is running'
        ),
        format(
            'call pgfeed.stop_experiment(%L) -- or, if the features lack something: call pgfeed.refresh_features()',
            v_experiment.name
        ),
        jsonb_build_object(
            'running_experiments', (v_experiment.experiment_id is not null)::integer,
            'experiment_age_seconds', extract(epoch from now() - v_experiment.started_at)
        )
    );
end;
$$;

alter function pgfeed._job_probes() owner to pgfeed_owner;

comment on function pgfeed._job_probes() is 'The rows of health() about what runs or was interrupted';

revoke all on function pgfeed._job_probes() from public;
