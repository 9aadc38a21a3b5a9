create or replace procedure pgfeed.set_bi_schema(name text default 'feed_bi')
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_relations constant text[] := array[
        'recommendations', 'current_recommendations', 'recommended_topics', 'recommendation_lists', 'popularity_deciles',
        'feed_days', 'data_stages', 'recommendation_batches', 'finished_batches', 'experiment_results', 'feeds',
        'served_ranks', 'served_topics', 'served_days'
    ];
    v_schema constant text := pgfeed._bi_schema();
    v_relation text;
    v_columns text;
    v_comment text;
begin
    if name is null then
        if v_schema is not null then
            foreach v_relation in array v_relations loop
                execute format('drop view if exists %I.%I', v_schema, v_relation);
            end loop;
            execute format('drop schema %I', v_schema);
        end if;
        return;
    end if;
    if name is distinct from v_schema and to_regnamespace(quote_ident(name)) is not null then
        raise exception 'there is a schema % already', name
            using errcode = '42P06', hint = 'Give a name that is free, such as: call pgfeed.set_bi_schema(''feed_reports'')';
    end if;
    if v_schema is null then
        execute format('create schema %I', name);
    elsif name <> v_schema then
        execute format('alter schema %I rename to %I', v_schema, name);
    end if;
    execute format('alter schema %I owner to pgfeed_owner', name);
    execute format('grant usage on schema %I to pgfeed_reader, pgfeed_operator', name);
    execute format(
        'comment on schema %I is %L', name,
        'What BI tools show of pgfeed: views of the relations with the same names there, see pgfeed.set_bi_schema()'
    );

    foreach v_relation in array v_relations loop
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into v_columns
        from pg_attribute as a
        where a.attrelid = format('pgfeed.%I', v_relation)::regclass and a.attnum > 0 and not a.attisdropped;
        begin
            execute format(
                'create or replace view %1$I.%2$I as select %3$s from pgfeed.%2$I', name, v_relation, v_columns
            );
        exception when invalid_table_definition then  -- columns of before are gone
            execute format('drop view %I.%I', name, v_relation);
            execute format('create view %1$I.%2$I as select %3$s from pgfeed.%2$I', name, v_relation, v_columns);
        end;
        execute format('alter view %I.%I owner to pgfeed_owner', name, v_relation);
        execute format('grant select on %I.%I to pgfeed_reader, pgfeed_operator', name, v_relation);
        for v_comment in
            select format(
                'comment on %s %I.%I%s is %L',
                case when a.attname is null then 'view' else 'column' end,
                name,
                v_relation,
                '.' || quote_ident(a.attname),
                d.description
            )
            from pg_description as d
            left join pg_attribute as a on a.attrelid = d.objoid and a.attnum = d.objsubid and d.objsubid > 0
            where d.classoid = 'pg_class'::regclass and d.objoid = format('pgfeed.%I', v_relation)::regclass
        loop
            execute v_comment;
        end loop;
    end loop;
end;
$$;

alter procedure pgfeed.set_bi_schema(text) owner to pgfeed_owner;

comment on procedure pgfeed.set_bi_schema(text) is
    'Gives BI tools views of what they can show in a schema of this name, which does not begin with pg: some tools hide such '
    'schemas. Renames the one that is there; null: drops it. migrate makes feed_bi, if no schema has that name. Called by a '
    'superuser';

revoke all on procedure pgfeed.set_bi_schema(text) from public;
