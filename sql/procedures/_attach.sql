create or replace procedure pgfeed._attach(
    kind text,
    relation text,
    settings jsonb,
    sync text
)
language plpgsql
as $$
declare
    v_relation constant regclass := pgfeed._relation_named(relation);
    v_id smallint;
    v_is_committed boolean;
    v_done double precision;
    v_notice_at timestamptz := pg_catalog.clock_timestamp() + interval '2 seconds';
begin
    if v_relation is null then
        raise exception 'there is no relation %', coalesce(pg_catalog.quote_literal(pg_catalog.left(relation, 100)), 'null')
            using errcode = '42P01', hint = coalesce(
                (
                    select pg_catalog.format('Write it so: %L', pg_catalog.format('%I.%I', n.nspname, c.relname))
                    from pg_catalog.pg_class as c
                    inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
                    where
                        pg_catalog.lower(_attach.relation)
                        in (pg_catalog.lower(c.relname), pg_catalog.lower(n.nspname || '.' || c.relname))
                        and c.relkind in ('r', 'p', 'v', 'm', 'f')
                    order by n.nspname, c.relname
                    limit 1
                ),
                (
                    select 'Tables and views with such a name: ' || pg_catalog.string_agg(n.name, ', ')
                    from (
                        select pg_catalog.format('%I.%I', n.nspname, c.relname) as name
                        from pg_catalog.pg_class as c
                        inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
                        where
                            c.relkind in ('r', 'p', 'v', 'm', 'f')
                            and n.nspname not in ('pgfeed', 'simulation', 'information_schema')
                            and pg_catalog.pg_get_userbyid(c.relowner) <> 'pgfeed_owner'
                            and pg_catalog.left(n.nspname, 3) <> 'pg_'
                            and pgfeed._shared_pairs(c.relname, relation) > 0
                        order by pgfeed._shared_pairs(n.nspname || '.' || c.relname, relation) desc, n.nspname, c.relname
                        limit 3
                    ) as n
                ),
                'Give its schema and its name: SCHEMA.TABLE'
            );
    end if;
    call pgfeed._open_relation(v_relation);
    v_id := pgfeed._start_attachment(kind, v_relation, pg_catalog.jsonb_strip_nulls(settings), sync);
    call pgfeed._open_columns(v_id);
    perform pgfeed._try_attachment(v_id);
    call pgfeed._make_triggers(v_id);
    -- What it locks is free before the load.
    call pgfeed._commit(v_is_committed);
    loop
        call pgfeed._load_attachment(v_id, v_done);
        exit when v_done >= 1;
        call pgfeed._commit(v_is_committed);
        if pg_catalog.clock_timestamp() > v_notice_at then
            raise notice '% is read to % %%', v_relation, pg_catalog.floor(100 * v_done);
            v_notice_at := pg_catalog.clock_timestamp() + interval '2 seconds';
        end if;
    end loop;
end;
$$;

alter procedure pgfeed._attach(text, text, jsonb, text) owner to pgfeed_owner;

comment on procedure pgfeed._attach(text, text, jsonb, text) is
    'Attaches a relation of the application with the rights of the caller, who owns it, and loads it: outside of a '
    'transaction block it commits as it goes. Interrupted, the load goes on with the next refresh';

revoke all on procedure pgfeed._attach(text, text, jsonb, text) from public;
grant execute on procedure pgfeed._attach(text, text, jsonb, text) to pgfeed_operator;
