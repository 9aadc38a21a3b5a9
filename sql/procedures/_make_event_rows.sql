create or replace procedure pgfeed._make_event_rows(
    attachment_id smallint,
    inout arguments text default null
)
language plpgsql
set search_path = pg_catalog, pg_temp
--!include sql/_fixed_meaning.sql
as $$
declare
    v_plain_types constant regtype[] := '{bool,int2,int4,int8,numeric,text,varchar,bpchar,uuid,date,timestamp,'
        'timestamptz,_int4,_int8,_text,_uuid,_varchar}';
    v_type_of_node constant text := ':(?:var|const|param|result|opresult|funcresult|case|coalesce|minmax)type ([0-9]+)';
    v_settings jsonb;
    v_name constant text := format('pgfeed._follow_%s_rows', attachment_id);
    v_parameters text;
    v_columns text;
    v_generated text;
begin
    select t.settings into strict v_settings
    from pgfeed.attached_tables as t
    where t.attachment_id = _make_event_rows.attachment_id;
    select
        string_agg(format('_%s %s', c.number, c.type), ', ' order by c.number),
        string_agg(format('_%s as %I', c.number, c.name), ', ' order by c.number),
        string_agg(format('%I %s', c.name, c.type), ', ' order by c.number),
        string_agg(format('n.%I', c.name), ', ' order by c.number)
    into v_parameters, v_columns, v_generated, arguments
    from (
        select
            e.key as name,
            e.value ->> 1 as type,
            row_number() over (order by e.key) as number
        from jsonb_each(v_settings -> 'columns') as e
    ) as c;
    select
        v_generated
        || string_agg(format(E', %I text generated always as ((%s\n)::text) stored', '_' || e.name, e.expression), '')
    into v_generated
    from (
        select
            a.key as name,
            case
                when a.key = 'at' then format(E'(%s\n)::timestamptz > ''2000-01-01 00:00+00''', a.value)
                else a.value
            end as expression
        from jsonb_each_text(v_settings) as a
        where a.key in ('user_key', 'post_key', 'at', 'target', 'condition')
    ) as e;
    begin
        -- What depends on the settings of a session cannot be generated.
        execute format('create table pgfeed._generated (%s); drop table pgfeed._generated', v_generated);
        execute format(
            E'create function %s(%s) '
            'returns table (user_id bigint, post_id bigint, event_at timestamptz, target boolean) '
            'language sql stable rows 1 begin atomic\n%s;\nend',
            v_name, v_parameters,
            pgfeed._attached_rows('events', v_settings, format('(select %s) as %I', v_columns, v_settings ->> 'alias'))
        );
        -- The application could not drop what it depends on. The texts of other types follow settings, unlike what
        -- PostgreSQL says of their functions.
        perform
        from pg_depend as d
        where
            d.classid = 'pg_proc'::regclass
            and d.objid = to_regproc(v_name)
            and (d.refclassid, d.refobjid) not in (
                ('pg_proc'::regclass, 'pgfeed._key_id(text)'::regprocedure),
                ('pg_namespace'::regclass, 'pgfeed'::regnamespace)
            )
        union all
        select
        from pg_proc as p
        cross join lateral regexp_matches(p.prosqlbody::text, v_type_of_node, 'g') as t
        where p.oid = to_regproc(v_name) and t[1]::oid <> all(v_plain_types);
        if found then
            raise exception 'it depends on more than its row';
        end if;
    exception when others then
        arguments := null;
        return;
    end;
    execute format('comment on function %s is ''What pgfeed takes of a row that is written''', v_name);
    execute format('revoke all on function %s from public', v_name);
end;
$$;

alter procedure pgfeed._make_event_rows(smallint, text) owner to pgfeed_owner;

comment on procedure pgfeed._make_event_rows(smallint, text) is
    'Makes _follow_<id>_rows(), whose names are found now, and gives its arguments of a row n. Null: there is none, '
    'for an expression has another value under other settings of a session or names what is not PostgreSQL''s own';

revoke all on procedure pgfeed._make_event_rows(smallint, text) from public;
