create or replace function pgfeed._start_attachment(
    kind text,
    relation regclass,
    settings jsonb,
    sync text
)
returns smallint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_relation constant regclass := relation;
    v_kind constant text := kind;
    v_sync text := sync;
    v_settings jsonb := settings;
    v_argument record;
    v_facts record;
    v_types jsonb := '{}';
    v_feature_types jsonb := '{}';
    v_features jsonb := '{}';
    v_columns text[] := '{}';
    v_class record;
    v_other pgfeed.attached_tables;
    v_attached pgfeed.attached_tables;
    v_id smallint;
    v_has_citus constant boolean := exists (select from pg_extension as e where e.extname = 'citus');
    v_is_spread boolean := false;
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.attach'));
    select c.relname, c.relkind, c.relpersistence, c.relnamespace::regnamespace::text as schema
    into v_class
    from pg_class as c
    where c.oid = v_relation;
    if
        v_class.relkind not in ('r', 'p', 'v', 'm', 'f')
        or v_class.relpersistence = 't'
        or v_class.schema in ('pgfeed', 'pg_catalog', 'information_schema')
    then
        raise exception '% cannot be attached', v_relation
            using errcode = '42809', hint = 'Give a table, a view or a foreign table of the application.';
    end if;
    v_sync := coalesce(v_sync, case when v_class.relkind in ('r', 'p') and not v_has_citus then 'trigger' else 'pull' end);
    if v_sync not in ('trigger', 'mixed', 'pull') then
        raise exception 'sync is %', v_sync using errcode = '22023', hint = 'Say trigger, mixed or pull.';
    end if;
    if v_sync = 'mixed' and v_kind <> 'events' then
        raise exception 'sync is mixed, which only events can be'
            using errcode = '22023', hint = 'Say sync => ''trigger''.';
    end if;
    if v_has_citus and v_sync <> 'pull' then
        raise exception 'sync is %, and with Citus no trigger can write what it hears of', v_sync
            using errcode = '0A000', hint = 'Say sync => ''pull'': what is written counts from the next refresh on.';
    end if;
    if v_has_citus then
        execute 'select exists (select from pg_dist_partition as d where d.logicalrelid = $1)' into v_is_spread using v_relation;
    end if;
    -- The other machines do not know yet what this transaction granted.
    if
        v_is_spread
        and (
            not has_table_privilege('pgfeed_owner', v_relation, 'select')
            or coalesce(current_setting('pgfeed.opened_schema', true), '') <> ''
        )
    then
        raise exception '% is spread by Citus: pgfeed_owner must be able to read it before', v_relation
            using errcode = '0A000', hint = format(
                'First, in transactions of their own: grant usage on schema %s to pgfeed_owner; grant select on %s to pgfeed_owner;',
                v_class.schema, v_relation
            );
    end if;
    if v_sync <> 'pull' and v_class.relkind not in ('r', 'p') then
        raise exception '% is not a table: it cannot have a trigger', v_relation
            using errcode = '42809', hint = 'Say sync => ''pull''.';
    end if;

    if v_kind = 'events' and not pgfeed._is_action(v_settings ->> 'action') then
        raise exception '%', case
            when trim(v_settings ->> 'action') = '' then 'action is empty'
            else 'there is no action ' || left(v_settings ->> 'action', 100)
        end
            using errcode = '22023', hint = format(
                'Leave it out for view, say action => ''like'', or define one first: call pgfeed.define_action(%L);',
                coalesce(nullif(trim(v_settings ->> 'action'), ''), 'save')
            );
    end if;

    for v_argument in
        select
            a.key as name,
            a.value as expression,
            case
                when a.key like '%key' then 'key'
                when a.key in ('target', 'available', 'condition') then 'boolean'
                when a.key in ('at', 'created_at') then 'time'
                else 'text'
            end as role
        from jsonb_each_text(v_settings - '{features,action}'::text[]) as a
        order by a.key
    loop
        v_facts := pgfeed._expression_facts(v_relation, v_argument.name, v_argument.expression);
        v_columns := v_columns || v_facts.columns;
        if v_argument.role = 'key' and cardinality(v_facts.columns) = 0 then
            raise exception '% => %: it is the same for all rows', v_argument.name, quote_literal(v_argument.expression)
                using errcode = '22023', hint = 'Name the column of the key, in quotes if it is a word of SQL: "user".';
        end if;
        if
            v_argument.role = 'key'
            and v_facts.type not in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying', 'record')
        then
            raise exception '% => %: % cannot be a key', v_argument.name, quote_literal(v_argument.expression), v_facts.type
                using
                    errcode = '42804',
                    hint = format('Cast it: %s => %L', v_argument.name, format('(%s)::text', v_argument.expression));
        end if;
        if v_argument.role = 'boolean' and v_facts.type <> 'boolean' then
            raise exception '% => %: it is %, not true or false', v_argument.name, quote_literal(v_argument.expression), v_facts.type
                using errcode = '42804', hint = 'Write a condition: seconds >= 60';
        end if;
        if
            v_argument.role = 'time'
            and v_facts.type not in ('timestamp with time zone', 'timestamp without time zone', 'date')
        then
            raise exception '% => %: it is %, not a time', v_argument.name, quote_literal(v_argument.expression), v_facts.type
                using errcode = '42804', hint = 'Of seconds since 1970 make one: to_timestamp(seconds)';
        end if;
        if v_argument.role = 'key' then
            v_types := v_types || jsonb_build_object(v_argument.name, v_facts.type);
        end if;
    end loop;

    for v_argument in
        select f.name, f.expression from pgfeed._named_features(v_settings -> 'features') as f
    loop
        v_facts := pgfeed._expression_facts(v_relation, 'feature ' || v_argument.name, v_argument.expression);
        v_columns := v_columns || v_facts.columns;
        v_features := v_features || jsonb_build_object(v_argument.name, v_argument.expression);
        if v_kind = 'users' and v_argument.name in ('gender', 'age', 'country', 'city', 'exp_group', 'os', 'source') then
            if
                v_argument.name in ('gender', 'age', 'exp_group')
                and (select t.typcategory from pg_type as t where t.oid = v_facts.type::regtype) <> 'N'
            then
                raise exception 'feature % => %: it is %, not a number', v_argument.name, quote_literal(v_argument.expression),
                    v_facts.type
                    using errcode = '42804', hint = 'Give it another name: {"own_' || v_argument.name || '": "..."}';
            end if;
        else
            v_feature_types := v_feature_types || jsonb_build_object(v_argument.name, v_facts.type);
        end if;
    end loop;

    select t.* into v_other
    from pgfeed.attached_tables as t
    where
        t.kind = v_kind
        and (
            v_kind <> 'events'
            or t.relation = v_relation and t.settings ->> 'action' = v_settings ->> 'action'
        );
    if found then
        raise exception '% of % are attached already%', v_kind, v_other.relation,
            coalesce(' as ' || (v_settings ->> 'action'), '')
            using
                errcode = '42710',
                hint = format(
                    'First: call pgfeed.detach(%L, %s);', v_other.relation::text,
                    coalesce(quote_literal(v_settings ->> 'action'), 'kind => ' || quote_literal(v_kind))
                );
    end if;
    perform pgfeed._require_key_types(v_kind, v_relation, v_types);
    if v_kind <> 'events' then
        call pgfeed._register_attributes(rtrim(v_kind, 's'), v_feature_types);
    end if;

    v_settings := v_settings || jsonb_build_object(
        'alias', v_class.relname,
        'key_types', v_types,
        'features', v_features,
        'feature_types', v_feature_types,
        'columns', (
            select coalesce(
                jsonb_object_agg(a.attname, jsonb_build_array(a.attnum, format_type(a.atttypid, a.atttypmod))), '{}'
            )
            from pg_attribute as a
            where a.attrelid = v_relation and a.attname = any(v_columns)
        )
    );
    insert into pgfeed.attached_tables (kind, relation, relation_name, sync, settings)
    values (v_kind, v_relation, v_relation::text, v_sync, v_settings)
    returning * into v_attached;
    v_id := v_attached.attachment_id;
    if v_sync = 'mixed' then
        perform pgfeed._require_newest_rows_index(v_attached);
    end if;
    if v_sync <> 'pull' then
        call pgfeed._make_follower(v_id);
        if v_kind = 'events' and v_sync = 'trigger' then
            call pgfeed._make_insert_follower(v_id);
        end if;
    end if;
    if v_kind = 'posts' then
        call pgfeed._make_attached_posts();
    elsif v_kind = 'events' and v_sync <> 'trigger' then
        call pgfeed._make_newest_events();
    end if;
    return v_id;
end;
$$;

alter function pgfeed._start_attachment(text, regclass, jsonb, text) owner to pgfeed_owner;

comment on function pgfeed._start_attachment(text, regclass, jsonb, text) is
    'Checks what an attach_*() was told, notes it in attached_tables, makes the functions that follow the table, and '
    'gives its attachment_id';

revoke all on function pgfeed._start_attachment(text, regclass, jsonb, text) from public;
grant execute on function pgfeed._start_attachment(text, regclass, jsonb, text) to pgfeed_operator;
