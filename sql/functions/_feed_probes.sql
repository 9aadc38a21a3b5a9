create or replace function pgfeed._feed_probes()
returns setof pgfeed.probe
language plpgsql stable
cost 100000 rows 3
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_feed record := pgfeed._feed_clock();
    v_age double precision := extract(epoch from v_feed.clock_at - v_feed.newest_at);
    v_age_level text := pgfeed._level('events_max_age', v_age);
    v_posts bigint := (select count(*) from pgfeed.posts);
    v_most_posts bigint := (
        select max(r.post_count)
        from (
            select w.post_count
            from pgfeed.feature_refreshes as w
            where w.finished_at > now() - interval '7 days'
            union all
            (select w.post_count from pgfeed.feature_refreshes as w order by w.refresh_id desc limit 1)
        ) as r
    );
    v_loss double precision := case when v_most_posts > v_posts then 1 - v_posts::double precision / v_most_posts else 0 end;
    v_loss_level text := pgfeed._level('catalogue_max_loss', v_loss);
    v_loss_sentence text;
    v_newest_day date := (select max(d.day) from pgfeed.rollup_days as d where d.event_count > 0 and d.day <= now()::date);
    v_unknown_ids bigint[];
begin
    return next pgfeed._partition_probe();

    return next pgfeed._probe(
        'events',
        array[case when v_age_level = 'fail' then pgfeed._since('no event for', v_age) end],
        array[case when v_age_level = 'warn' then pgfeed._since('no event for', v_age) end],
        case
            when v_feed.newest_at is null then 'none rolled up yet'
            when v_feed.is_live then 'the newest is of ' || to_char(v_feed.newest_at, 'YYYY-MM-DD HH24:MI')
            else 'the feed ended at ' || to_char(v_feed.newest_at, 'YYYY-MM-DD HH24:MI')
        end,
        format(
            'see why nothing is written to pgfeed.feed_events; if the feed has ended: alter database %I set pgfeed.events_max_age = ''off''',
            current_database()
        ),
        jsonb_build_object('events_age_seconds', extract(epoch from now() - v_feed.newest_at))
    );

    v_loss_sentence := case
        when v_posts = 0 then 'there are no posts: nothing can be recommended'
        else format('%s%% of the posts are gone, there were %s', floor(100 * v_loss), to_char(v_most_posts, 'FM999,999,999'))
    end;
    -- Citus joins no table that is spread with one that is not.
    v_unknown_ids := array(
        select distinct c.post_id
        from pgfeed.post_days as c
        where
            c.day > v_newest_day - 7
            and not exists (select from pgfeed.posts as p where p.post_id = c.post_id)
    );
    v_unknown_ids := array(
        select u.post_id
        from unnest(v_unknown_ids) as u (post_id)
        where not exists (select from pgfeed.deleted_posts as d where d.post_id = u.post_id)
        order by u.post_id
    );
    return next pgfeed._probe(
        'catalogue',
        array[case when v_loss_level = 'fail' or v_posts = 0 and pgfeed._is_loaded() then v_loss_sentence end],
        array[
            case
                when v_posts = 0 and not pgfeed._is_loaded() then 'nothing is loaded yet'
                when v_posts > 0 and v_loss_level = 'warn' then v_loss_sentence
            end,
            case
                when v_posts > 0 and v_unknown_ids <> '{}' then format(
                    'events of the last 7 days name posts that are not there, %s in all, such as post %s',
                    cardinality(v_unknown_ids), v_unknown_ids[1]
                )
            end
        ],
        to_char(v_posts, 'FM999,999,990') || ' posts',
        case
            when v_posts > 0 and v_loss_level is null and v_unknown_ids <> '{}'
                then 'select c.post_id, max(c.day) as day, sum(c.view_count) as views, sum(c.like_count) as likes '
                'from pgfeed.post_days as c where not exists (select from pgfeed.posts as p where p.post_id = c.post_id) '
                'group by c.post_id order by day desc -- then insert these posts, or mend what writes their events'
            when v_posts > 0 and v_most_posts > 0
                then format(
                    'pgfeed ingest FILE..., or restore a backup; if it was meant: alter database %I set pgfeed.catalogue_max_loss = ''off''',
                    current_database()
                )
            else 'pgfeed ingest FILE...'
        end,
        jsonb_build_object('posts', v_posts, 'catalogue_loss_ratio', v_loss)
    );
end;
$$;

alter function pgfeed._feed_probes() owner to pgfeed_owner;

comment on function pgfeed._feed_probes() is 'The rows of health() about the partitions, what comes in, and the catalogue';

revoke all on function pgfeed._feed_probes() from public;
