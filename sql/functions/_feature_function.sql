create or replace function pgfeed._feature_function(function text)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_words text[] := parse_ident(function);
    v_name text := (select string_agg(quote_ident(w.word), '.' order by w.number)
        from unnest(v_words) with ordinality as w (word, number));
    v_function pg_proc;
    v_types constant text[] := array['real', 'double precision', 'numeric', 'integer', 'bigint'];
begin
    if cardinality(v_words) <> 2 then
        raise exception '% does not name a function in a schema', function
            using errcode = '42602', hint = 'Write it as app.author_like_rate.';
    end if;
    select p.* into v_function
    from pg_proc as p
    inner join pg_namespace as n on n.oid = p.pronamespace
    where
        n.nspname = v_words[1]
        and p.proname = v_words[2]
        and p.prokind = 'f'
        and oidvectortypes(p.proargtypes) = 'timestamp with time zone, bigint[]';
    if v_function.oid is null then
        raise exception 'there is no function %(timestamptz, bigint[])', v_name
            using errcode = '42883', hint = 'It takes a moment and ids, and returns table (id bigint, value real).';
    end if;
    if
        not exists (
            select
            from unnest(v_types) as t (type)
            where pg_get_function_result(v_function.oid) = format('TABLE(id bigint, value %s)', t.type)
        )
    then
        raise exception 'the function % returns %', v_name, pg_get_function_result(v_function.oid)
            using errcode = '42P13', hint = 'It must return table (id bigint, value real).';
    end if;
    if v_function.provolatile = 'v' then
        raise exception 'the function % is volatile', v_name
            using errcode = '42P13', hint = format('It may only read: alter function %s stable', v_name);
    end if;
    if not has_schema_privilege('pgfeed_owner', v_function.pronamespace, 'usage') then
        raise exception 'pgfeed_owner may not use the schema %', quote_ident(v_words[1])
            using errcode = '42501', hint = format('Run: grant usage on schema %I to pgfeed_owner', v_words[1]);
    end if;
    if not has_function_privilege('pgfeed_owner', v_function.oid, 'execute') then
        raise exception 'pgfeed_owner may not call the function %', v_name
            using errcode = '42501', hint = format('Run: grant execute on function %s to pgfeed_owner', v_name);
    end if;
    -- Whoever owns it can change what it does at any time.
    if not v_function.prosecdef and not pg_has_role(v_function.proowner, 'pgfeed_owner', 'member') then
        raise exception 'the function % would give %, its owner, all rights of pgfeed_owner',
            v_name, v_function.proowner::regrole
            using errcode = '42501', hint = format('Run: alter function %s security definer', v_name);
    end if;
    return v_name;
end;
$$;

alter function pgfeed._feature_function(text) owner to pgfeed_owner;

comment on function pgfeed._feature_function(text) is
    'The name, quoted, of a function that can compute a feature: an error says why it cannot';

revoke all on function pgfeed._feature_function(text) from public;
