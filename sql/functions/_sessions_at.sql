create or replace function pgfeed._sessions_at(
    parent regclass,
    out names text,
    out statement text
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    select
        string_agg(
            coalesce(format('process %s', s.pid), 'a prepared transaction')
            || coalesce(format(' (%s)', coalesce(nullif(s.application_name, ''), s.usename)), ''),
            ', ' order by s.pid
        ),
        'select pid, usename, xact_start, query from pg_stat_activity where pid in ('
        || string_agg(s.pid::text, ', ' order by s.pid) || ');'
    into names, statement
    from (
        select distinct
            l.pid,
            a.application_name,
            a.usename
        from pg_locks as l
        left join pg_stat_activity as a on a.pid = l.pid
        where
            l.granted
            and l.pid is distinct from pg_backend_pid()
            and l.database = (select d.oid from pg_database as d where d.datname = current_database())
            and (l.relation = parent or l.relation in (select i.inhrelid from pg_inherits as i where i.inhparent = parent))
    ) as s;
end;
$$;

alter function pgfeed._sessions_at(regclass) owner to pgfeed_owner;

comment on function pgfeed._sessions_at(regclass) is
    'Who else holds a lock on a partitioned table or a partition of it, in words, and the statement that shows what they do; '
    'nulls: nobody';

revoke all on function pgfeed._sessions_at(regclass) from public;
