create or replace function pgfeed._filtered_posts(
    filter jsonb,
    part text,
    ts timestamptz,
    as_of timestamptz,
    chosen_ids bigint[] default null
)
returns table (post_ids bytea, moments bytea)
language plpgsql stable
cost 10000 rows 1
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
--!include sql/_fixed_meaning.sql
as $$
declare
    v_condition constant text := (
        select coalesce(string_agg(format('(%s)', c.sql), ' and '), 'true')
        from jsonb_array_elements_text(filter -> part) as c (sql)
    );
    v_moments constant text := (
        select string_agg(
            format(
                'float8send((select case when v.v = ''NaN'' then ''Infinity'' else coalesce(v.v, ''NaN'') end '
                'from (select %s as v) as v))', m.moment ->> 'left'
            ), ' || ' order by m.number
        )
        from jsonb_array_elements(filter -> 'moments') with ordinality as m (moment, number)
        where part = 'posts'
    );
begin
    return query execute format(
        'select coalesce(string_agg(int8send(r.post_id), '''' order by r.number), ''''),
            coalesce(string_agg(r.moments, '''' order by r.number), '''')
        from (
            select i.number, i.post_id, case when %1$s then %2$s end as moments, %1$s as is_in %3$s
        ) as r
        where r.is_in',
        v_condition, coalesce(v_moments, '''''::bytea'),
        pgfeed._filter_rows(array(select jsonb_array_elements_text(filter -> 'columns')), as_of)
    ) using ts, as_of, coalesce(chosen_ids, array(select p.post_id from pgfeed.posts as p order by p.post_id));
end;
$$;

alter function pgfeed._filtered_posts(jsonb, text, timestamptz, timestamptz, bigint[]) owner to pgfeed_owner;

comment on function pgfeed._filtered_posts(jsonb, text, timestamptz, timestamptz, bigint[]) is
    'One row: those of some posts (null: of all) that pass the conditions of a part (posts or calls) of what _compiled_filter() gave, '
    'big-endian int8, in their order; and, of the part posts, the left sides of its moments for each of them, big-endian '
    'float8, NaN for null and infinity for NaN';

revoke all on function pgfeed._filtered_posts(jsonb, text, timestamptz, timestamptz, bigint[]) from public;
