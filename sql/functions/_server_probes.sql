create or replace function pgfeed._server_probes()
returns setof pgfeed.probe
language plpgsql stable
cost 100000 rows 5
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
    v_python text;
    v_problem text;
begin
    begin
        v_python := pgfeed._python_versions();
    exception when others then
        v_problem := sqlerrm;
    end;
    return next pgfeed._probe(
        'versions',
        array[v_problem],
        null,
        concat_ws(
            ', ',
            'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1),
            (
                select string_agg(concat_ws(' ', e.extname, e.extversion), ', ' order by e.extname)
                from pg_extension as e
                where e.extname in ('plpython3u', 'vector')
            ),
            v_python
        ),
        'pgfeed install server'
    );

    return query
    select (pgfeed._probe(
        'settings',
        null,
        array_agg(format('%s is %s: %s', w.name, current_setting(w.name), w.reason)),
        format('shared_buffers %s, work_mem %s', current_setting('shared_buffers'), current_setting('work_mem')),
        string_agg(format('alter system set %s = %L', w.name, w.wanted), '; ')
        || ' -- then restart the server'
    )).*
    from (
        values
        ('fsync', 'on', 'a crash can lose the database'),
        ('full_page_writes', 'on', 'a crash can damage the database'),
        ('autovacuum', 'on', 'tables grow and plans get worse'),
        ('shared_buffers', '128MB', 'what serving reads does not stay in memory')
    ) as w (name, wanted, reason)
    inner join pg_settings as s on s.name = w.name
    where
        case
            when s.vartype = 'bool' then s.setting <> w.wanted
            else pg_size_bytes(current_setting(w.name)) < pg_size_bytes(w.wanted)
        end;

    return next pgfeed._probe(
        'rights',
        array[
            case
                when not pg_has_role('pgfeed_owner', 'pg_read_all_stats', 'usage')
                    then 'pgfeed_owner may not see other sessions: events cannot be rolled up'
            end
        ],
        null,
        case
            when pg_has_role('pgfeed_owner', 'pg_read_all_stats', 'usage')
                then 'pgfeed_owner has pg_read_all_stats'
        end,
        'grant pg_read_all_stats to pgfeed_owner'
    );

    -- What keeps the watermark of _find_stale_days() back.
    return query
    select (pgfeed._probe(
        'transactions',
        null,
        array_agg(h.problem),
        case when count(*) = 0 then 'none open for an hour' else 'every roll-up counts from there again' end,
        min(h.remedy)
    )).*
    from (
        select
            format('session %s has been in a transaction since %s', a.pid, to_char(a.xact_start, 'YYYY-MM-DD HH24:MI')),
            format('select pg_terminate_backend(%s)', a.pid)
        from pg_stat_activity as a
        where
            a.datname = current_database()
            and a.backend_type <> 'autovacuum worker'
            and a.xact_start < now() - interval '1 hour'
        union all
        select
            format('transaction %s was prepared and not ended', x.gid),
            format('rollback prepared %L', x.gid)
        from pg_prepared_xacts as x
        where x.database = current_database() and x.prepared < now() - interval '1 hour'
    ) as h (problem, remedy);

    return query
    select (pgfeed._probe(
        'indexes',
        array[string_agg(format('%s is invalid', b.name), '; ')],
        null,
        'all valid',
        format('reindex index concurrently %s', min(b.name))
    )).*
    from (
        select i.indexrelid::regclass::text as name
        from pg_index as i
        inner join pg_class as c on c.oid = i.indrelid
        where c.relnamespace = 'pgfeed'::regnamespace and not i.indisvalid
    ) as b;
end;
$$;

alter function pgfeed._server_probes() owner to pgfeed_owner;

comment on function pgfeed._server_probes() is 'The rows of health() about the server';

revoke all on function pgfeed._server_probes() from public;
