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
begin
    with jobs as (
        select
            j.job_id,
            concat_ws(' ', j.kind, j.variant) as name,
            j.worker,
            j.attempt_count,
            j.started_at,
            j.heartbeat_at,
            j.error,
            j.finished_at,
            case
                when j.finished_at is not null and j.error is null then 'done'
                when j.finished_at is not null then 'failed'
                when j.started_at is null then 'waiting'
                -- The sessions of the primary cannot be seen from a standby.
                when
                    pg_is_in_recovery()
                    or exists (
                        select
                        from pg_locks as l
                        where
                            l.locktype = 'advisory'
                            and l.objsubid = 2
                            and l.classid::bigint = hashtext('pgfeed.jobs')::bigint & 4294967295
                            and l.objid::bigint = j.job_id
                            and l.granted
                            and l.database = (select d.oid from pg_database as d where d.datname = current_database())
                    )
                    then 'running'
                else 'left'
            end as state,
            greatest(j.asked_at, j.retry_at) as due_at,
            j.job_id = max(j.job_id) over (partition by j.kind, j.variant) as is_last
        from pgfeed.jobs as j
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
end;
$$;

alter function pgfeed._loop_probes() owner to pgfeed_owner;

comment on function pgfeed._loop_probes() is 'The rows of health() about what goes on by itself; none where nothing does';

revoke all on function pgfeed._loop_probes() from public;
