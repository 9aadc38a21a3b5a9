create or replace function pgfeed._attached_rows(
    kind text,
    settings jsonb,
    source text
)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_keys jsonb := '{}';
    v_name text;
    v_condition text := case when settings ? 'condition' then format(E' and (%s\n)', settings ->> 'condition') else '' end;
    v_features text;
    v_profile text := '';
begin
    for v_name in select k.key from jsonb_each_text(settings -> 'key_types') as k loop
        v_keys := v_keys || case
            when settings -> 'key_types' ->> v_name in ('smallint', 'integer', 'bigint') then jsonb_build_object(
                v_name || '_id', format(E'(%s\n)::bigint', settings ->> v_name), v_name || '_text', 'null::text',
                v_name || '_is', format(E'(%s\n) is not null', settings ->> v_name)
            )
            else jsonb_build_object(
                v_name || '_id', format(E'pgfeed._key_id((%s\n)::text)', settings ->> v_name),
                v_name || '_text', format(E'(%s\n)::text', settings ->> v_name),
                v_name || '_is', format(E'(%s\n)::text is not null', settings ->> v_name)
            )
        end;
    end loop;
    if kind = 'events' then
        return format(
            E'select %s as user_id, %s as post_id, (%s\n)::timestamptz as event_at, (%s\n)::boolean as target from %s '
            'where %s and %s and (%s\n)::timestamptz >= ''1970-01-01 00:00+00'' '
            'and (%s\n)::timestamptz < ''2100-01-01 00:00+00''%s',
            v_keys ->> 'user_key_id', v_keys ->> 'post_key_id', settings ->> 'at', coalesce(settings ->> 'target', 'null'),
            source, v_keys ->> 'user_key_is', v_keys ->> 'post_key_is', settings ->> 'at', settings ->> 'at', v_condition
        );
    end if;

    -- A function takes at most 100 arguments.
    select string_agg(g.part, ' || ' order by g.number) into v_features
    from (
        select
            n.number,
            format('jsonb_build_object(%s)', string_agg(format(E'%L, (%s\n)', n.name, n.expression), ', ' order by n.name))
            as part
        from (
            select
                f.key as name,
                f.value as expression,
                (row_number() over (order by f.key) - 1) / 40 as number
            from jsonb_each_text(coalesce(settings -> 'features', '{}')) as f
            where settings -> 'feature_types' ? f.key
        ) as n
        group by n.number
    ) as g;
    if kind = 'posts' then
        return format(
            E'select %s as post_id, %s as key, case when octet_length(_taken.topic) <= 2000 then _taken.topic end as topic, '
            'case when isfinite(_taken.created_at) then _taken.created_at end as created_at, '
            'coalesce(_taken.is_available, false) as is_available, %s as attributes from %s '
            'cross join lateral (select (%s\n)::text as topic, (%s\n)::timestamptz as created_at, '
            '(%s\n)::boolean as is_available) as _taken where %s',
            v_keys ->> 'key_id', v_keys ->> 'key_text', coalesce(v_features, 'null::jsonb'), source,
            coalesce(settings ->> 'topic', 'null'), coalesce(settings ->> 'created_at', 'null'),
            coalesce(settings ->> 'available', 'true'), v_keys ->> 'key_is'
        );
    end if;

    select string_agg(
        case
            when f.value is null then format('null::%s as %I', p.type, p.name)
            when p.type = 'text' then format(E'(%s\n)::text as %I', f.value, p.name)
            else format(
                E'case when (%1$s\n) between -32768 and 32767 then (%1$s\n)::smallint end as %2$I', f.value, p.name
            )
        end,
        ', ' order by p.number
    ) into v_profile
    from (
        values
        (1, 'gender', 'smallint'), (2, 'age', 'smallint'), (3, 'country', 'text'), (4, 'city', 'text'),
        (5, 'exp_group', 'smallint'), (6, 'os', 'text'), (7, 'source', 'text')
    ) as p (number, name, type)
    left join jsonb_each_text(coalesce(settings -> 'features', '{}')) as f on f.key = p.name;
    return format(
        'select %s as user_id, %s as key, %s, %s as attributes from %s where %s',
        v_keys ->> 'key_id', v_keys ->> 'key_text', v_profile, coalesce(v_features, 'null::jsonb'), source, v_keys ->> 'key_is'
    );
end;
$$;

alter function pgfeed._attached_rows(text, jsonb, text) owner to pgfeed_owner;

comment on function pgfeed._attached_rows(text, jsonb, text) is
    'SQL that gives what pgfeed takes of an attached table: one row per row of source, the relation or a transition '
    'table with its alias, that has keys and, of events, a time. Columns as those of users, posts (is_available instead '
    'of hidden_at) or feed_events';

revoke all on function pgfeed._attached_rows(text, jsonb, text) from public;
