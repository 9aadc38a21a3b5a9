create or replace function pgfeed._loop_probes()
returns setof pgfeed.probe
language plpgsql stable
cost 100000 rows 1
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set intervalstyle = 'postgres'
as $$
declare
    v_jobs record;
    v_tick record;
begin
    with jobs as (
        select s.job_id, s.name, s.state, s.due_at, s.is_last, j.worker, j.started_at, j.heartbeat_at, j.error, j.finished_at
        from pgfeed._job_states() as s
        inner join pgfeed.jobs as j on j.job_id = s.job_id
    )

    select
        array_agg(
            format('%s failed at %s: %s', j.name, to_char(j.finished_at, 'YYYY-MM-DD HH24:MI'), j.error) order by j.job_id
        ) filter (where j.state = 'failed' and j.is_last) as failures,
        array_agg(w.sentence order by j.job_id) filter (where w.sentence is not null) as warnings,
        string_agg(
            format('%s is at %s for %s', j.worker, j.name, date_trunc('second', clock_timestamp() - j.started_at)), ', '
            order by j.job_id
        ) filter (where j.state = 'running') as running,
        count(*) filter (where j.state in ('waiting', 'left')) as waiting_count,
        count(*) filter (where j.state = 'failed' and j.is_last) as failed_count,
        max(extract(epoch from now() - j.due_at)) filter (where j.state in ('waiting', 'left') and j.due_at <= now()) as waiting_seconds,
        min(j.name) filter (where j.state = 'failed' and j.is_last) as failed_name,
        count(*) as job_count
    into v_jobs
    from jobs as j
    cross join lateral (
        select
            case
                when j.state = 'waiting' and j.due_at < now() - interval '1 hour'
                    then format('%s has waited since %s: no worker takes it', j.name, to_char(j.due_at, 'YYYY-MM-DD HH24:MI'))
                when j.state = 'left'
                    then format('%s was left by its worker %s, the next one takes it again', j.name, j.worker)
                when j.state = 'running' and j.heartbeat_at < now() - interval '10 minutes'
                    then format('%s at %s was not heard of since %s', j.worker, j.name, to_char(j.heartbeat_at, 'YYYY-MM-DD HH24:MI'))
            end as sentence
    ) as w;
    if v_jobs.job_count > 0 then
        return next pgfeed._probe(
            'jobs',
            v_jobs.failures,
            v_jobs.warnings,
            concat_ws(
                ', ',
                coalesce(v_jobs.running, 'none is running'),
                case when v_jobs.waiting_count > 0 then format('%s to do', v_jobs.waiting_count) end
            ),
            case
                when v_jobs.failed_count > 0 then 'pgfeed ' || v_jobs.failed_name
                else 'pgfeed worker'
            end,
            jsonb_build_object(
                'waiting_jobs', v_jobs.waiting_count,
                'failed_jobs', v_jobs.failed_count,
                'waiting_jobs_seconds', coalesce(v_jobs.waiting_seconds, 0)
            )
        );
    end if;

    select
        max(t.done_at) filter (where t.step = 'tick') as done_at,
        extract(epoch from now() - max(t.done_at) filter (where t.step = 'tick'))::double precision as age,
        count(*) as step_count,
        count(t.error) as failed_count,
        array_agg(format('%s failed: %s', t.step, t.error) order by t.step) filter (where t.error is not null) as failures,
        array_agg(
            case
                when t.step in ('arrange', 'recommend')
                    then format('%s was begun at %s and has not ended', t.step, to_char(t.begun_at, 'YYYY-MM-DD HH24:MI'))
                else format('%s was interrupted', t.step)
            end
            order by t.step
        ) filter (
            where
                t.step <> 'tick'
                and t.error is null
                and coalesce(t.done_at < t.begun_at, true)
                -- These two hold no lock that says that they go on.
                and t.begun_at < now() - case when t.step in ('arrange', 'recommend') then interval '10 minutes' else interval '10 seconds' end
                and not pg_is_in_recovery()
                and not exists (select from pgfeed._job_sessions('pgfeed.tick'))
        ) as interrupted
    into v_tick
    from pgfeed.tick_steps as t;
    if v_tick.step_count > 0 or exists (select from pgfeed.schedules) then
        return next pgfeed._probe(
            'tick',
            v_tick.failures
            || case when pgfeed._level('tick_max_age', v_tick.age) = 'fail' then pgfeed._since('tick() has not ended for', v_tick.age) end,
            v_tick.interrupted
            || case
                when v_tick.step_count = 0 then 'a schedule is set, and tick() was never called'
                when pgfeed._level('tick_max_age', v_tick.age) = 'warn' then pgfeed._since('tick() has not ended for', v_tick.age)
            end,
            coalesce('the last one ended at ' || to_char(v_tick.done_at, 'YYYY-MM-DD HH24:MI'), 'none has ended'),
            'call pgfeed.tick()',
            jsonb_build_object('tick_age_seconds', v_tick.age, 'failed_steps', v_tick.failed_count)
        );
    end if;

    return query
    select (pgfeed._probe(
        'schedule ' || s.variant,
        array[case when m.age > 2 * m.every then m.sentence end],
        array[case when m.age > 1.5 * m.every and m.age <= 2 * m.every then m.sentence end],
        format('trained every %s in a %s', s.train_every, s.train_in)
        || coalesce(format(', version %s at %s', m.version, to_char(m.created_at, 'YYYY-MM-DD HH24:MI')), ''),
        case
            when exists (select from pgfeed.jobs as j where j.variant = s.variant and j.finished_at is null) then 'pgfeed worker'
            else 'call pgfeed.tick()'
        end,
        jsonb_build_object('trained_age_seconds', m.age)
    )).*
    from pgfeed.schedules as s
    cross join lateral (
        select
            w.*,
            extract(epoch from s.train_every) as every,
            pgfeed._since('not trained for', w.age::double precision) || ', due every ' || s.train_every as sentence
        from (
            select
                max(v.version) as version,
                max(v.created_at) as created_at,
                extract(epoch from now() - coalesce(max(v.created_at), s.set_at)) as age
            from pgfeed.models as v
            where v.variant = s.variant
        ) as w
    ) as m
    order by s.variant;

    return query
    select (pgfeed._probe(
        'decisions ' || d.variant,
        array[
            case
                when d.decision = 'taken back'
                    then format('version %s was taken back at %s: %s', d.challenger, d.decided, array_to_string(d.reasons, '; '))
            end,
            case
                when r.refused_count >= 3
                    then format('%s challengers in a row were refused, the last one because %s', r.refused_count, array_to_string(d.reasons, '; '))
            end
        ],
        null,
        case when d.decision <> 'taken back' then format('version %s was %s at %s', d.challenger, d.decision, d.decided) end
        || coalesce(format(', version %s keeps a share in the experiment %s', a.version, e.name), ''),
        format('select reasons, figures from pgfeed.model_decisions where variant = %L order by decision_id desc limit 3', d.variant),
        jsonb_build_object('refused_in_a_row', r.refused_count)
    )).*
    from (
        select distinct on (w.variant)
            w.variant, w.challenger, w.champion, w.decision, w.reasons, w.experiment_id,
            to_char(w.decided_at, 'YYYY-MM-DD HH24:MI') as decided
        from pgfeed.model_decisions as w
        order by w.variant, w.decision_id desc
    ) as d
    left join pgfeed.experiments as e
        on e.experiment_id = d.experiment_id and e.started_at is not null and e.stopped_at is null
    left join pgfeed.experiment_arms as a on a.experiment_id = e.experiment_id and a.arm = 'champion'
    cross join lateral (
        select count(*) as refused_count
        from pgfeed.model_decisions as w
        where
            w.variant = d.variant
            and w.decision = 'refused'
            and w.decision_id > coalesce(
                (select max(o.decision_id) from pgfeed.model_decisions as o where o.variant = d.variant and o.decision <> 'refused'), 0
            )
    ) as r
    order by d.variant;
end;
$$;

alter function pgfeed._loop_probes() owner to pgfeed_owner;

comment on function pgfeed._loop_probes() is 'The rows of health() about what goes on by itself; none where nothing does';

revoke all on function pgfeed._loop_probes() from public;
