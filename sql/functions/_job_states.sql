create or replace function pgfeed._job_states()
returns table (
    job_id integer,
    name text,
    state text,
    due_at timestamptz,
    is_last boolean
)
language plpgsql stable
cost 1000 rows 10
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        j.job_id,
        concat_ws(' ', j.kind, j.variant),
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
        end,
        greatest(j.asked_at, j.retry_at),
        j.job_id = max(j.job_id) over (partition by j.kind, j.variant)
    from pgfeed.jobs as j;
end;
$$;

alter function pgfeed._job_states() owner to pgfeed_owner;

comment on function pgfeed._job_states() is
    'One row per job: what it is called, whether it is waiting, running, left by its worker, done or failed, since or from when '
    'it may be taken, and whether it is the last one of its kind and variant';

revoke all on function pgfeed._job_states() from public;
grant execute on function pgfeed._job_states() to pgfeed_reader, pgfeed_operator;
