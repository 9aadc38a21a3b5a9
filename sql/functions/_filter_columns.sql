create or replace function pgfeed._filter_columns()
returns table (number bigint, alias text, name text, type text, value text, source text)
language plpgsql stable parallel safe
cost 100 rows 50
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        row_number() over (order by c.place, c.number, c.name), c.alias, c.name, c.type, c.value, c.source
    from (
        values
        (0, 1, 'moment', 'ts', 'timestamptz', '$1::timestamptz', null),
        (1, 1, 'post', 'post_id', 'bigint', 'p.post_id', null),
        (1, 2, 'post', 'key', 'text', 'coalesce(p.key, p.post_id::text)', null),
        (1, 3, 'post', 'topic', 'text', 'p.topic', null),
        (1, 4, 'post', 'created_at', 'timestamptz', 'p.created_at', null)
        union all
        select
            case r.alias when 'post' then 2 else 5 end, a.attnum, r.alias, a.attname::text, format_type(a.atttypid, null),
            format('%s.%I', r.short, a.attname), r.short
        from (
            values
            ('post', 'pgfeed.post_features'::regclass, 'f'),
            ('text', 'pgfeed.post_text_features'::regclass, 'x')
        ) as r (alias, relation, short)
        inner join pg_attribute as a on a.attrelid = r.relation and a.attnum > 0 and not a.attisdropped
        where a.attname <> 'post_id'
        union all
        select
            3,
            0,
            'post',
            a.name,
            case a.type
                when 'number' then 'double precision' when 'boolean' then 'boolean' when 'date' then 'timestamptz'
                when 'tags' then 'text[]' else 'text'
            end,
            format(
                case a.type
                    when 'number' then 'case when jsonb_typeof(p.attributes -> %1$L) = ''number'' '
                        'then least(greatest((p.attributes ->> %1$L)::numeric, -3e38), 3e38)::double precision end'
                    when 'boolean' then 'case p.attributes -> %1$L when ''true'' then true when ''false'' then false end'
                    when 'date' then 'pgfeed._date_of(p.attributes ->> %1$L)'
                    when 'tags' then 'case jsonb_typeof(p.attributes -> %1$L) '
                        'when ''array'' then array(select t.tag from jsonb_array_elements_text(p.attributes -> %1$L) as t (tag)) '
                        'when ''null'' then null else array[p.attributes ->> %1$L] end'
                    else 'p.attributes ->> %1$L'
                end,
                a.name
            ),
            null
        from pgfeed.attributes as a
        where a.kind = 'post' and a.name not in ('key', 'created_at', 'ts')
        union all
        select 4, 0, 'post', substr(o.name, 6), 'double precision', 'o.value::double precision', o.name
        from pgfeed.own_features as o
        where o.name like 'post.%' and substr(o.name, 6) not in ('key', 'created_at', 'ts')
    ) as c (place, number, alias, name, type, value, source);
end;
$$;

alter function pgfeed._filter_columns() owner to pgfeed_owner;

comment on function pgfeed._filter_columns() is
    'One row per name that a feed''s filter may say, ALIAS.NAME: its type, and as value SQL over posts as p and what '
    '_filter_rows() joins as source: f, post_features; x, post_text_features; the name of an own feature, as o';

revoke all on function pgfeed._filter_columns() from public;
