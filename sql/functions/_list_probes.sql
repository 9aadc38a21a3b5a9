create or replace function pgfeed._list_probes()
returns setof pgfeed.probe
language plpgsql stable
cost 100000 rows 1
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_from timestamptz := coalesce((select c.clock_at from pgfeed._feed_clock() as c), now()) - interval '7 days';
    v_percent double precision;
    v_lists bigint;
    v_posts bigint;
    v_places bigint;
    v_places_of_ten bigint;
    v_again double precision;
begin
    -- A row has about 200 bytes. Of more than some 50,000 lists a sample is read.
    select least(100, 100 * 50000 * 200 / sum(pg_relation_size(i.inhrelid))) into v_percent
    from pg_inherits as i
    inner join pg_class as c on c.oid = i.inhrelid
    where
        i.inhparent = 'pgfeed.exposures'::regclass
        and (c.relname = 'exposures_default' or c.relname >= 'exposures_' || to_char(v_from, '"y"YYYY"m"MM'))
    having sum(pg_relation_size(i.inhrelid)) > 0;
    if v_percent is null then
        return;
    end if;

    with lists as materialized (
        select
            x.exposure_id,
            x.user_id,
            x.served_at,
            x.post_ids
        from pgfeed.exposures as x tablesample system (v_percent)
        where x.served_at >= v_from
    ),

    posts as (
        select
            p.post_id,
            count(*) as place_count
        from lists as l
        cross join lateral unnest(l.post_ids) as p (post_id)
        group by p.post_id
        order by place_count desc
    ),

    some_lists as (
        select
            l.user_id,
            l.served_at,
            l.post_ids[1:20] as post_ids
        from lists as l
        order by hashtextextended(l.exposure_id::text, 0)
        limit 200
    )

    select
        (select count(*) from lists),
        (select count(*) from posts),
        (select sum(p.place_count) from posts as p),
        (select sum(p.place_count) from (select w.place_count from posts as w limit 10) as p),
        (
            select sum(a.again_count)::double precision / nullif(sum(cardinality(s.post_ids)), 0)
            from some_lists as s
            cross join lateral (
                select count(*) as again_count
                from unnest(s.post_ids) as p (post_id)
                where p.post_id in (
                    select unnest(e.post_ids[1:20])
                    from (
                        select x.post_ids
                        from pgfeed.exposures as x
                        where
                            x.user_id = s.user_id
                            and x.served_at < s.served_at - pgfeed._like_window()
                            and x.served_at >= s.served_at - interval '90 days'
                        order by x.served_at desc
                        limit 100
                    ) as e
                )
            ) as a
        )
    into v_lists, v_posts, v_places, v_places_of_ten, v_again;
    if v_lists = 0 then
        return;
    end if;

    return next pgfeed._probe(
        'lists',
        null,
        null,
        format(
            'in 7 days %s %s of the posts, the ten most served take %s of the places, %s of the places show a post again',
            to_char(v_lists, 'FM999,999,990') || case when v_percent < 100 then ' lists, a sample, hold' else ' lists hold' end,
            round(100.0 * v_posts / greatest((select count(*) from pgfeed.posts), v_posts), 1) || '%',
            round(100.0 * v_places_of_ten / v_places, 1) || '%',
            round((100 * v_again)::numeric, 1) || '%'
        ),
        null,
        jsonb_build_object(
            'served_lists', v_lists,
            'served_posts', v_posts,
            'catalogue_served_ratio', v_posts / greatest((select count(*) from pgfeed.posts), v_posts)::double precision,
            'ten_most_served_ratio', v_places_of_ten::double precision / v_places,
            'shown_again_ratio', v_again
        )
    );
end;
$$;

alter function pgfeed._list_probes() owner to pgfeed_owner;

comment on function pgfeed._list_probes() is
    'The row of health() about the lists of serve_posts() in the last 7 days, none if there are no lists. Of more than some '
    '50,000 lists a sample; shown again is counted in 200 of them, by the 100 lists before each of its user, and not within an hour';

revoke all on function pgfeed._list_probes() from public;
