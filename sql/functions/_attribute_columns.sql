create or replace function pgfeed._attribute_columns()
returns table (number bigint, name text, value text, key text, source text)
language plpgsql stable parallel safe
cost 100 rows 10
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        row_number() over (order by a.name),
        'post.' || a.name,
        case a.type
            when 'number' then format(
                'case when jsonb_typeof(p.attributes -> %1$L) = ''number'' '
                'then round(least(greatest((p.attributes ->> %1$L)::numeric, -3e38), 3e38), 30) end',
                a.name
            )
            when 'boolean' then format(
                'case p.attributes -> %L when ''true'' then 1 when ''false'' then 0 end', a.name
            )
            when 'date' then format(
                'extract(epoch from $1 - pgfeed._date_of(p.attributes ->> %L)) / 86400',
                a.name
            )
            else format('case when %1$s is not null then dense_rank() over (order by %1$s) - 1 end', k.key)
        end,
        k.key,
        null
    from pgfeed.attributes as a
    cross join lateral (
        select
            case a.type
                when 'category' then format('left(p.attributes ->> %L, 200) collate "C"', a.name)
                when 'tags' then format(
                    'case when length(p.attributes ->> %1$L) <= 2000 then (p.attributes -> %1$L)::text end collate "C"', a.name
                )
            end as key
    ) as k
    where a.kind = 'post'
    union all
    select
        1000 + o.number,
        o.name,
        format('o%s.value', o.number),
        null,
        format(' left join pgfeed._own_feature_values(%1$L, $1, $3) as o%2$s on o%2$s.id = f.post_id', o.name, o.number)
    from (
        select f.name, row_number() over (order by f.name) as number
        from pgfeed.own_features as f
        where f.name like 'post.%'
    ) as o;
end;
$$;

alter function pgfeed._attribute_columns() owner to pgfeed_owner;

comment on function pgfeed._attribute_columns() is
    'One row per own feature of posts, for _post_pack(): value is SQL over posts as p that gives its number at $1; of '
    'categories and tags the place of key, the value as text (tags: a JSON array of at most 2,000 characters), among all, from 0. source: what is to be '
    'joined for it with posts as f, of which $3 are chosen';

revoke all on function pgfeed._attribute_columns() from public;
