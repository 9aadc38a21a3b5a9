create or replace function pgfeed._filter_facts(
    expression text,
    out problem text,
    out hint text,
    out sql text,
    out type text,
    out columns text[],
    out nodes text[]
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
--!include sql/_fixed_meaning.sql
as $$
declare
    v_rule oid;
    v_tree text;
    -- What holds a view together, and what can stand in a condition over its columns.
    v_known constant text[] := array[
        'QUERY', 'RTE', 'RANGETBLENTRY', 'RTEPERMISSIONINFO', 'ALIAS', 'FROMEXPR', 'RANGETBLREF', 'TARGETENTRY',
        'VAR', 'CONST', 'FUNCEXPR', 'NAMEDARGEXPR', 'OPEXPR', 'DISTINCTEXPR', 'NULLIFEXPR', 'SCALARARRAYOPEXPR', 'BOOLEXPR',
        'CASEEXPR', 'CASEWHEN', 'CASETESTEXPR', 'ARRAYEXPR', 'ARRAY', 'COALESCEEXPR', 'MINMAXEXPR', 'NULLTEST', 'BOOLEANTEST',
        'RELABELTYPE', 'COERCEVIAIO', 'ARRAYCOERCEEXPR', 'SUBSCRIPTINGREF', 'COLLATEEXPR', 'COLLATE', 'ROWEXPR', 'ROW',
        'ROWCOMPAREEXPR', 'ROWCOMPARE', 'COALESCE', 'MINMAX', 'CASE', 'WHEN'
    ];
begin
    begin
        execute format(
            E'create view pgfeed._filter as select (%s\n) as "the value" '
            'from pgfeed._filter_moment as moment, pgfeed._filter_post as post, pgfeed._filter_text as text',
            expression
        );
    exception when others then
        problem := sqlerrm;
        hint := case
            when sqlstate = '42703' then (
                select format(
                    'Names: ts, %s', string_agg(format('%s.%I', c.alias, c.name), ', ' order by c.number)
                )
                from pgfeed._filter_columns() as c
                where c.alias <> 'moment'
            )
        end;
        return;
    end;
    select r.oid, r.ev_action::text, format_type(a.atttypid, null)
    into v_rule, v_tree, type
    from pg_rewrite as r
    inner join pg_attribute as a on a.attrelid = r.ev_class and a.attnum = 1
    where r.ev_class = 'pgfeed._filter'::regclass;
    sql := substring(
        pg_get_viewdef('pgfeed._filter'::regclass)
        from '^ SELECT[[:space:]]+(.*) AS "the value"[[:space:]]+FROM pgfeed[.]_filter_moment moment,[[:space:]]+'
            'pgfeed[.]_filter_post post,[[:space:]]+pgfeed[.]_filter_text text;$'
    );
    nodes := array(select distinct n[1] from regexp_matches(v_tree, '{([A-Z_]+)[ }]', 'g') as n order by 1);
    columns := array(
        select substr(c.relname, 9) || '.' || a.attname
        from pg_depend as d
        inner join pg_class as c on c.oid = d.refobjid and d.refclassid = 'pg_class'::regclass
        inner join pg_attribute as a on a.attrelid = c.oid and a.attnum = d.refobjsubid
        where
            d.classid = 'pg_rewrite'::regclass and d.objid = v_rule and d.refobjsubid > 0 and starts_with(c.relname, '_filter_')
        order by 1
    );
    problem := case
        when v_tree like '%{SUBLINK %' then 'has a subquery'
        when v_tree like '%{AGGREF %' then 'has an aggregate'
        when v_tree like '%{WINDOWFUNC %' then 'has a window function'
        when v_tree like '%:hasTargetSRFs true%' then 'gives several rows'
        when v_tree like '%{SQLVALUEFUNCTION %' then 'says what is now or who asks'
        when v_tree ~ ':varattno (0|-[0-9]+) ' then 'names a row, not a column'
        when sql is null or v_tree !~ ':quals <>}' or not nodes <@ v_known then 'is not one expression'
        else (
            select 'calls ' || p.proname || case
                when p.provolatile = 'v' then ', which is volatile'
                when p.proname in ('now', 'statement_timestamp', 'transaction_timestamp', 'age') then ', which says what is now'
                else ', which depends on more than its arguments'
            end
            from regexp_matches(v_tree, ':(?:op)?funcid ([0-9]+)', 'g') as f
            inner join pg_proc as p on p.oid = f[1]::oid
            where
                p.pronamespace <> 'pg_catalog'::regnamespace
                or p.provolatile <> 'i'
                -- These read nothing else than settings that are fixed here.
                and not (
                    p.provolatile = 's'
                    and (
                        'timestamptz'::regtype = any(p.proargtypes) or 'timestamp'::regtype = any(p.proargtypes)
                        or 'date'::regtype = any(p.proargtypes) or 'interval'::regtype = any(p.proargtypes)
                        or p.proname in (
                            'concat', 'concat_ws', 'format', 'array_to_string', 'textanycat', 'anytextcat', 'to_char', 'to_date',
                            'to_number', 'to_timestamp'
                        )
                    )
                    and not (p.proname = 'age' and p.pronargs = 1)
                )
                -- Those of types: they could be told to read a type of somebody else.
                or 'cstring'::regtype = any(p.proargtypes) or 'internal'::regtype = any(p.proargtypes)
                or 'oid'::regtype = any(p.proargtypes)
            order by p.proname
            limit 1
        )
    end;
    if problem is null and exists (
        select
        from pg_depend as d
        where
            d.classid = 'pg_rewrite'::regclass
            and d.objid = v_rule
            and not (d.refclassid = 'pg_class'::regclass and starts_with(d.refobjid::regclass::text, 'pgfeed._filter'))
    ) then
        problem := 'has a function, an operator or a type that is not PostgreSQL''s own';
    end if;
    drop view pgfeed._filter;
end;
$$;

alter function pgfeed._filter_facts(text) owner to pgfeed_owner;

comment on function pgfeed._filter_facts(text) is
    'What an SQL expression over the views of _compiled_filter() is: as PostgreSQL writes it, its type, the columns '
    'that it reads as ALIAS.NAME and the kinds of its nodes; problem: why it cannot be evaluated for others. It is not run';

revoke all on function pgfeed._filter_facts(text) from public;
