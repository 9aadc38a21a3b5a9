create or replace function pgfeed._server_probes()
returns setof pgfeed.probe
language plpgsql stable
cost 100000 rows 5
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_python text;
    v_problem text;
    v_role text;
begin
    begin
        v_python := pgfeed._python_versions();
    exception when others then
        v_problem := sqlerrm;
    end;
    return next pgfeed._probe(
        'versions',
        array[v_problem],
        (
            select array_agg(format('pgvector %s %s, mended in %s', e.extversion, f.fault, f.mended) order by f.mended)
            from pg_extension as e
            inner join (
                values
                ('0.8.2', 'can write beyond its memory when several processes build an HNSW index'),
                ('0.8.3', 'can damage an HNSW index at a vacuum'),
                ('0.8.4', 'can fail at a vacuum of an HNSW index, and at inserts meanwhile')
            ) as f (mended, fault)
                on string_to_array(substring(e.extversion from '[0-9.]*[0-9]'), '.')::integer[] < string_to_array(f.mended, '.')::integer[]
            where
                e.extname = 'vector'
                and exists (
                    select
                    from pg_class as c
                    inner join pg_am as a on a.oid = c.relam
                    where a.amname = 'hnsw' and c.relkind = 'i' and c.relnamespace = 'pgfeed'::regnamespace
                )
        ),
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
        case
            when v_problem is null then 'install pgvector 0.8.4 or later; then: alter extension vector update'
            else 'pgfeed install server'
        end
    );

    return query
    select (pgfeed._probe(
        'settings',
        null,
        array_agg(format('%s is %s: %s', w.name, current_setting(w.name), w.reason)),
        format('shared_buffers %s, work_mem %s', current_setting('shared_buffers'), current_setting('work_mem')),
        string_agg(format('alter system set %s = %L', w.name, w.wanted), '; ')
        || ' -- then restart the server',
        jsonb_build_object(
            'shared_buffers_bytes', pg_size_bytes(current_setting('shared_buffers')),
            'work_mem_bytes', pg_size_bytes(current_setting('work_mem'))
        )
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

    -- What is misspelt would do nothing, and nobody would know.
    return query
    select (pgfeed._probe(
        'thresholds',
        array_agg(w.problem order by w.name),
        null,
        coalesce(string_agg(w.name || ' = ' || w.setting, ', ' order by w.name) filter (where w.is_set and w.problem is null), 'as they come'),
        string_agg(format('alter database %I reset %s', current_database(), w.name), '; ' order by w.name) filter (where w.problem is not null),
        (
            select jsonb_object_agg(f.name, f.value)
            from pgfeed.thresholds() as t
            cross join lateral (
                values
                (format('%s_%s', substr(t.name, 8), t.unit), t.fails_at),
                (format('%s_%s', regexp_replace(substr(t.name, 8), '_max_', '_warn_'), t.unit), t.warns_at)
            ) as f (name, value)
        )
    )).*
    from (
        select
            t.name,
            t.setting,
            t.problem,
            coalesce(current_setting(t.name, true), '') <> '' as is_set
        from pgfeed.thresholds() as t
        union all
        select distinct
            split_part(c.line, '=', 1),
            null,
            format('%s is a setting that pgfeed does not have', split_part(c.line, '=', 1)),
            true
        from pg_db_role_setting as s
        cross join lateral unnest(s.setconfig) as c (line)
        where
            s.setdatabase in (0, (select d.oid from pg_database as d where d.datname = current_database()))
            and c.line like 'pgfeed.%'
            and split_part(c.line, '=', 1) <> all(array[
                'pgfeed.default_variant', 'pgfeed.training_memory', 'pgfeed.training_threads', 'pgfeed.training_nice'
            ])
            and split_part(c.line, '=', 1) not in (select t.name from pgfeed.thresholds() as t)
    ) as w;

    select string_agg(distinct format('%s may not use the schema pgfeed, in which it has rights', g.role_name), '; '), min(g.role_name)
    into v_problem, v_role
    from pgfeed._without_usage() as g (role_name);
    return next pgfeed._probe(
        'rights',
        array[
            case
                when not pg_has_role('pgfeed_owner', 'pg_read_all_stats', 'usage')
                    then 'pgfeed_owner may not see other sessions: events cannot be rolled up'
            end,
            v_problem
        ],
        null,
        case
            when pg_has_role('pgfeed_owner', 'pg_read_all_stats', 'usage')
                then 'pgfeed_owner has pg_read_all_stats'
        end,
        concat_ws(
            '; ',
            case when not pg_has_role('pgfeed_owner', 'pg_read_all_stats', 'usage') then 'grant pg_read_all_stats to pgfeed_owner' end,
            'grant usage on schema pgfeed to ' || v_role
        )
    );

    -- What keeps the watermark of _find_stale_days() back.
    return query
    select (pgfeed._probe(
        'transactions',
        null,
        array_agg(h.problem),
        case when count(*) = 0 then 'none open for an hour' else 'every roll-up counts from there again' end,
        min(h.remedy),
        jsonb_build_object('long_transactions', count(*), 'longest_transaction_seconds', coalesce(max(extract(epoch from now() - h.began_at)), 0))
    )).*
    from (
        select
            a.xact_start,
            format('session %s has been in a transaction since %s', a.pid, to_char(a.xact_start, 'YYYY-MM-DD HH24:MI')),
            format('select pg_terminate_backend(%s)', a.pid)
        from pg_stat_activity as a
        where
            a.datname = current_database()
            and a.backend_type <> 'autovacuum worker'
            and a.xact_start < now() - interval '1 hour'
        union all
        select
            x.prepared,
            format('transaction %s was prepared and not ended', x.gid),
            format('rollback prepared %L', x.gid)
        from pg_prepared_xacts as x
        where x.database = current_database() and x.prepared < now() - interval '1 hour'
    ) as h (began_at, problem, remedy);

    return query
    select (pgfeed._probe(
        'indexes',
        array_agg(b.problem order by b.problem),
        null,
        case when count(*) = 0 then 'all there and valid' end,
        string_agg(b.remedy, '; ' order by b.problem),
        jsonb_build_object('broken_indexes', count(*))
    )).*
    from (
        select
            format('%s is invalid', i.indexrelid::regclass) as problem,
            format('reindex index concurrently %s', i.indexrelid::regclass) as remedy
        from pg_index as i
        inner join pg_class as c on c.oid = i.indrelid
        where c.relnamespace = 'pgfeed'::regnamespace and not i.indisvalid
        union all
        select
            format('%s has no %s', m.relation, m.definition),
            m.remedy
        from pgfeed._missing_indexes() as m
    ) as b;
end;
$$;

alter function pgfeed._server_probes() owner to pgfeed_owner;

comment on function pgfeed._server_probes() is 'The rows of health() about the server';

revoke all on function pgfeed._server_probes() from public;
