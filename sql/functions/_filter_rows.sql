create or replace function pgfeed._filter_rows(
    columns text[],
    as_of timestamptz
)
returns text
language plpgsql stable
cost 1000
set search_path = pg_catalog, pg_temp
as $$
declare
    v_sources constant text[] := array(
        select distinct c.source
        from pgfeed._filter_columns() as c
        where c.source is not null and c.alias || '.' || c.name = any(columns)
        order by c.source
    );
    v_source text;
    v_alias text;
    v_rows text := ' from unnest($3) with ordinality as i (post_id, number) left join pgfeed.posts as p on p.post_id = i.post_id';
begin
    foreach v_source in array v_sources loop
        v_rows := v_rows || case v_source
            when 'f' then format(
                ' left join %s as f on f.post_id = p.post_id',
                case when as_of = pgfeed._refresh_as_of() then 'pgfeed.post_features' else 'pgfeed.post_features_as_of($2, $3)' end
            )
            when 'x' then ' left join pgfeed.post_text_features as x on x.post_id = p.post_id'
            else format(
                ' left join pgfeed._own_feature_values(%1$L, $2, $3) as o%2$s on o%2$s.id = p.post_id',
                v_source, array_position(v_sources, v_source)
            )
        end;
    end loop;
    foreach v_alias in array array['moment', 'post', 'text'] loop
        v_rows := v_rows || (
            select format(
                ' cross join lateral (select %s) as %s',
                coalesce(
                    string_agg(
                        format(
                            '%s as %I',
                            replace(c.value, 'o.value', format('o%s.value', array_position(v_sources, c.source))), c.name
                        ), ', '
                    ), '1 as "no column"'
                ),
                v_alias
            )
            from pgfeed._filter_columns() as c
            where c.alias = v_alias and c.alias || '.' || c.name = any(columns)
        );
    end loop;
    return v_rows;
end;
$$;

alter function pgfeed._filter_rows(text[], timestamptz) owner to pgfeed_owner;

comment on function pgfeed._filter_rows(text[], timestamptz) is
    'SQL that begins with from: one row per post of $3 (i.number its place) with those columns, ALIAS.NAME, that a filter '
    'says, at the moment $1; features as of $2, which is as_of. A post that is gone has nulls';

revoke all on function pgfeed._filter_rows(text[], timestamptz) from public;
