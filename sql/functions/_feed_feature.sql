create or replace function pgfeed._feed_feature(
    name text,
    argument text
)
returns text
language plpgsql stable
cost 1000
set search_path = pg_catalog, pg_temp
as $$
declare
    v_type text;
begin
    select c.type into v_type
    from (
        select case f.name when 'topic' then 'topic' else f.alias || '.' || f.name end as name, f.type
        from pgfeed._filter_columns() as f
        where f.alias <> 'moment' and f.name not in ('post_id', 'key', 'created_at')
        union all
        values ('post.topic', 'text'), ('post.view_ratio', 'real'), ('post.quality', 'real')
    ) as c
    where c.name = _feed_feature.name;
    if v_type is null then
        raise exception '% has %, which is no feature of posts', argument, name
            using errcode = '22023', hint = 'Name topic, or post.NAME or text.NAME as models do.';
    end if;
    return v_type;
end;
$$;

alter function pgfeed._feed_feature(text, text) owner to pgfeed_owner;

comment on function pgfeed._feed_feature(text, text) is
    'The type of a feature that create_feed() was told in an argument; an error if there is none';

revoke all on function pgfeed._feed_feature(text, text) from public;
