create or replace function pgfeed._expression_facts(
    relation regclass,
    argument text,
    expression text,
    out type text,
    out columns text[]
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
--!include sql/_fixed_meaning.sql
as $$
declare
    v_query text := format(
        E'select (%s\n) as value from %s as %I', expression, relation,
        (select c.relname from pg_class as c where c.oid = relation)
    );
    v_cursor refcursor;
    v_tree text;
    v_problem text;
    v_hint text := 'Write one SQL expression over the columns of the relation.';
begin
    if coalesce(trim(expression), '') = '' then
        raise exception '% is empty', argument using errcode = '22023', hint = v_hint;
    end if;
    begin
        -- A cursor takes one statement only, and finds that out before it looks for the right to read.
        begin
            open v_cursor for execute v_query;
            close v_cursor;
        exception when insufficient_privilege then
            null;
        end;
        begin
            execute format('create view pgfeed._expression as %s', v_query);
        exception when invalid_table_definition then
            if sqlerrm not like '%pseudo-type record%' then
                raise;
            end if;
            type := 'record';
            execute format(
                E'create view pgfeed._expression as select (%s\n)::text as value from %s as %I', expression, relation,
                (select c.relname from pg_class as c where c.oid = relation)
            );
        end;
    exception when others then
        raise exception '% => %: %', argument, quote_literal(expression), sqlerrm
            using
                errcode = case when sqlstate = '42P11' then '42601' else sqlstate end,
                hint = case
                    when sqlstate in ('42883', '42704') then
                        'Functions, types and operators that are not PostgreSQL''s own need their schema: app.age_of(born).'
                    when sqlstate = '42703' then (
                        select format(
                            'Columns of %s%s: %s', relation, case when max(c.total) > 12 then ', the nearest' end,
                            string_agg(quote_ident(c.attname), ', ' order by c.attnum)
                        )
                        from (
                            select a.attname, a.attnum, count(*) over () as total
                            from pg_attribute as a
                            where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
                            order by pgfeed._shared_pairs(a.attname, expression) desc, a.attnum
                            limit 12
                        ) as c
                    )
                    else v_hint
                end;
    end;

    select
        coalesce(type, format_type(a.atttypid, null)),
        r.ev_action::text,
        array(
            select c.attname::text
            from pg_depend as d
            inner join pg_attribute as c on c.attrelid = d.refobjid and c.attnum = d.refobjsubid
            where
                d.classid = 'pg_rewrite'::regclass
                and d.objid = r.oid
                and d.refclassid = 'pg_class'::regclass
                and d.refobjid = relation
                and d.refobjsubid <> 0
            order by c.attnum
        )
    into type, v_tree, columns
    from pg_rewrite as r
    inner join pg_attribute as a on a.attrelid = r.ev_class and a.attnum = 1
    where r.ev_class = 'pgfeed._expression'::regclass;
    v_problem := case
        when v_tree like '%:hasAggs true%' then 'has an aggregate'
        when v_tree like '%:hasWindowFuncs true%' then 'has a window function'
        when v_tree like '%:hasTargetSRFs true%' then 'gives several rows'
        when v_tree like '%:hasSubLinks true%' then 'has a subquery'
        when v_tree !~ ':quals <>}' or (select c.relnatts from pg_class as c where c.oid = 'pgfeed._expression'::regclass) > 1
            then 'is not one expression'
        when exists (
            select
            from regexp_matches(v_tree, ':(?:op)?funcid ([0-9]+)', 'g') as f
            inner join pg_proc as p on p.oid = f[1]::oid
            where p.provolatile = 'v'
        ) then 'is volatile: it would be another each time'
        when exists (
            select
            from pg_depend as d
            where
                d.classid = 'pg_rewrite'::regclass
                and d.objid = (select r.oid from pg_rewrite as r where r.ev_class = 'pgfeed._expression'::regclass)
                and d.refclassid = 'pg_class'::regclass
                and (
                    d.refobjid not in (relation, 'pgfeed._expression'::regclass)
                    or d.refobjid = relation and d.refobjsubid < 0
                )
        ) then 'names something else than columns of the relation'
    end;
    if v_problem is not null then
        raise exception '% => %: the expression %', argument, quote_literal(expression), v_problem
            using errcode = '22023', hint = v_hint;
    end if;
    drop view pgfeed._expression;
end;
$$;

alter function pgfeed._expression_facts(regclass, text, text) owner to pgfeed_owner;

comment on function pgfeed._expression_facts(regclass, text, text) is
    'The type of an SQL expression over a relation, record for a row(), and the columns that it reads; an error that '
    'names the argument if it is none that can be followed';

revoke all on function pgfeed._expression_facts(regclass, text, text) from public;
