create or replace function pgfeed._job_sessions(lock_name text)
returns table (
    pid integer,
    is_waiting boolean,
    started_at timestamptz
)
language plpgsql stable
cost 1000 rows 1
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        l.pid,
        not l.granted,
        a.xact_start
    from pg_locks as l
    inner join pg_stat_activity as a on a.pid = l.pid
    where
        l.locktype = 'advisory'
        and l.objsubid = 1
        and l.objid::bigint = hashtext(lock_name)::bigint & 4294967295
        and l.database = (select d.oid from pg_database as d where d.datname = current_database());
end;
$$;

alter function pgfeed._job_sessions(text) owner to pgfeed_owner;

comment on function pgfeed._job_sessions(text) is
    'One row per session that holds or waits for the advisory lock hashtext(lock_name), and when its '
    'transaction began';

revoke all on function pgfeed._job_sessions(text) from public;
