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
        'pip install catboost numpy  # into the server''s Python, then restart the server'
    );

    return next pgfeed._probe(
        'settings',
        null,
        array[
            case when not current_setting('fsync')::boolean then 'fsync is off: a crash can lose the database' end,
            case
                when not current_setting('full_page_writes')::boolean
                    then 'full_page_writes is off: a crash can damage the database'
            end,
            case
                when not current_setting('autovacuum')::boolean
                    then 'autovacuum is off: plans and sizes get worse'
            end,
            case
                when pg_size_bytes(current_setting('shared_buffers')) < 128 * 1024 ^ 2
                    then 'shared_buffers is below 128MB'
            end
        ],
        format('shared_buffers %s, work_mem %s', current_setting('shared_buffers'), current_setting('work_mem')),
        'alter system set ...; then reload, or restart for shared_buffers'
    );

    return next pgfeed._probe(
        'rights',
        array[
            case
                when not pg_has_role('pgfeed_owner', 'pg_read_all_stats', 'usage')
                    then 'pgfeed_owner may not see other sessions: events cannot be rolled up'
            end
        ],
        null,
        'pgfeed_owner has pg_read_all_stats',
        'grant pg_read_all_stats to pgfeed_owner'
    );

    return next pgfeed._probe(
        'transactions',
        null,
        array[
            (
                select
                    format(
                        'session %s has been in a transaction since %s: every roll-up counts from there again',
                        a.pid, to_char(a.xact_start, 'YYYY-MM-DD HH24:MI')
                    )
                from pg_stat_activity as a
                where a.datname = current_database() and a.xact_start < now() - interval '1 hour'
                order by a.xact_start
                limit 1
            ),
            (
                select format('prepared transaction %s holds roll-ups up', x.gid)
                from pg_prepared_xacts as x
                where x.database = current_database()
                order by x.prepared
                limit 1
            )
        ],
        'none open for an hour',
        coalesce(
            (
                select format('rollback prepared %L', x.gid)
                from pg_prepared_xacts as x
                where x.database = current_database()
                order by x.prepared
                limit 1
            ),
            (
                select format('select pg_terminate_backend(%s)', a.pid)
                from pg_stat_activity as a
                where a.datname = current_database()
                order by a.xact_start
                limit 1
            )
        )
    );

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
