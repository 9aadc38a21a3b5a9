create or replace function pgfeed._packed_posts(
    as_of timestamptz,
    chosen_ids bigint[],
    known_topics text[],
    is_fresh boolean,
    out post_count integer,
    out feature_names text[],
    out topics text[],
    out post_ids bytea,
    out topic_codes bytea,
    out matrix bytea,
    out attributes jsonb
)
language plpgsql stable parallel safe
cost 10000
set search_path = pg_catalog, pg_temp
set extra_float_digits = 1
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
#variable_conflict use_column
declare
    v_basis text := (select left(md5(e.component_basis), 8) from pgfeed.embedders as e where e.is_active);
    v_prior_rate constant double precision := pgfeed._prior_like_rate(as_of);
    v_values text[];
    v_lists jsonb;
begin
    topics := coalesce(
        known_topics,
        array(select distinct p.topic from pgfeed.posts as p where p.topic is not null order by p.topic)
    );
    if is_fresh then
        topics := topics || array(
            select distinct p.topic
            from pgfeed.posts as p
            where p.post_id = any(chosen_ids) and p.topic <> all(known_topics)
            order by p.topic
        );
    end if;

    select array_agg(c.name order by c.number), array_agg(c.value order by c.number)
    into feature_names, v_values
    from (
        select
            c.number,
            'post.' || c.name as name,
            case
                -- post_features_as_of() made like_rate of them, with the weight of 100 views for the overall rate.
                when c.name = 'effective_view_count' and not is_fresh
                    then format(
                        'coalesce(greatest((f.like_count + %L::double precision) / nullif(f.like_rate, 0) - 100, 0), f.view_count)',
                        100 * v_prior_rate
                    )
                when not is_fresh then 'f.' || c.name
                when c.name in ('like_rate', 'decayed_like_rate_7d')
                    then format('%L::double precision', v_prior_rate)
                when c.name = 'age_days' then 'extract(epoch from $1 - p.created_at) / 86400'
                when c.name = 'days_since_event' then 'null'
                else '0'
            end as value
        from unnest(array[
            'view_count', 'like_count', 'effective_view_count', 'like_rate',
            'decayed_view_count_1h', 'decayed_view_count_6h', 'decayed_view_count_1d',
            'decayed_view_count_3d', 'decayed_view_count_7d', 'decayed_view_count_30d',
            'decayed_like_count_1h', 'decayed_like_count_6h', 'decayed_like_count_1d',
            'decayed_like_count_3d', 'decayed_like_count_7d', 'decayed_like_count_30d',
            'decayed_like_rate_7d', 'age_days', 'days_since_event'
        ]) with ordinality as c (name, number)
        union all
        select 100 + c.number, 'text.' || c.name, 'x.' || c.name
        from unnest(array['text_length', 'term_count', 'tfidf_sum', 'tfidf_mean', 'tfidf_max'])
        with ordinality as c (name, number)
        union all
        -- A model must not take the components of other axes for those that it was trained with.
        select 200 + c.number, format('text.component_%s@%s', c.number, v_basis), format('c.components[%s]', c.number)
        from generate_series(1, 25) as c (number)
        where v_basis is not null
        union all
        select 300 + a.number, a.name, a.value
        from pgfeed._attribute_columns() as a
    ) as c;

    execute format(
        'with ordered as (
            select f.post_id, coalesce(t.code, 0)::integer - 1 as topic_code, %s
            from %s as f
            inner join pgfeed.posts as p on p.post_id = f.post_id
            left join unnest($2) with ordinality as t (topic, code) on t.topic = p.topic
            left join %s as x on x.post_id = f.post_id
            left join (
                select c.post_id, c.components::real[] as components from pgfeed.post_components as c %s
            ) as c on c.post_id = f.post_id
            %s
            %s
            order by f.post_id
        )

        select
            count(*)::integer,
            coalesce(string_agg(int8send(r.post_id), ''''), ''''),
            coalesce(string_agg(int4send(r.topic_code), ''''), ''''),
            coalesce(%s, ''''),
            jsonb_build_object(%s)
        from ordered as r',
        (
            select string_agg(format('coalesce((%s)::real, ''NaN'') as v%s', v.value, v.number), ', ' order by v.number)
            from unnest(v_values) with ordinality as v (value, number)
        )
        || (
            select coalesce(string_agg(format(', %s as key%s', a.key, a.number), ''), '')
            from pgfeed._attribute_columns() as a
            where a.key is not null
        ),
        case
            when is_fresh then 'pgfeed.posts'
            when chosen_ids is not null and as_of = pgfeed._refresh_as_of() then 'pgfeed.post_features'
            else 'pgfeed.post_features_as_of($1, $3)'
        end,
        case when is_fresh then 'pgfeed._fresh_text_features($3)' else 'pgfeed.post_text_features' end,
        case when chosen_ids is not null then 'where c.post_id = any($3)' else '' end,
        (
            select
                string_agg(
                    case
                        when is_fresh then replace(a.source, 'pgfeed._own_feature_values(', 'pgfeed._own_feature_as_of(')
                        else a.source
                    end, '' order by a.number
                )
            from pgfeed._attribute_columns() as a
        ),
        case when chosen_ids is not null then 'where f.post_id = any($3)' else '' end,
        (
            select string_agg(format('string_agg(float4send(r.v%s), '''')', v.number), ' || ' order by v.number)
            from generate_subscripts(v_values, 1) as v (number)
        ),
        (
            select
                string_agg(
                    format(
                        -- Beside the others an aggregate with distinct would give them the rows in its own order.
                        '%1$L, (select jsonb_agg(distinct k.key%2$s) filter (where k.key%2$s is not null) from ordered as k)',
                        a.name, a.number
                    ), ', '
                )
            from pgfeed._attribute_columns() as a
            where a.key is not null
        )
    )
    into post_count, post_ids, topic_codes, matrix, v_lists
    using as_of, topics, chosen_ids;

    attributes := (
        select
            jsonb_build_object(
                'types', jsonb_object_agg(a.kind || '.' || a.name, a.type),
                'values', jsonb_strip_nulls(v_lists)
            )
        from (
            select a.kind, a.name, a.type from pgfeed.attributes as a
            union all
            select split_part(f.name, '.', 1), substr(f.name, 6), 'number' from pgfeed.own_features as f
        ) as a
        having count(*) > 0
    );
end;
$$;

alter function pgfeed._packed_posts(timestamptz, bigint[], text[], boolean) owner to pgfeed_owner;

comment on function pgfeed._packed_posts(timestamptz, bigint[], text[], boolean) is
    'The row of _post_pack(). is_fresh: of posts that came after as_of, as without events: no counts, and ages below 0; '
    'topics, own features and texts as the next refresh will have them; topics that are not known are put at the end';

revoke all on function pgfeed._packed_posts(timestamptz, bigint[], text[], boolean) from public;
