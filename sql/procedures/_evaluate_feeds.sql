create or replace procedure pgfeed._evaluate_feeds(pack_id bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_feed record;
begin
    for v_feed in
        select f.feed_id, f.name, f.filter, k.as_of
        from pgfeed.named_feeds as f
        inner join pgfeed.feature_packs as k on k.pack_id = _evaluate_feeds.pack_id
        where f.filter is not null
        order by f.feed_id
    loop
        begin
            insert into pgfeed.feed_posts (pack_id, feed_id, post_ids, moments)
            select _evaluate_feeds.pack_id, v_feed.feed_id, r.post_ids, r.moments
            from pgfeed._filtered_posts(v_feed.filter, 'posts', v_feed.as_of, v_feed.as_of) as r;
        exception when others then
            raise warning 'the filter of the feed % cannot be evaluated: %', v_feed.name, sqlerrm
                using hint = 'The feed goes on with the posts that passed before. Make it anew: see pgfeed.feeds';
            insert into pgfeed.feed_posts (pack_id, feed_id, post_ids, moments, problem)
            select _evaluate_feeds.pack_id, v_feed.feed_id, coalesce(b.post_ids, ''), coalesce(b.moments, ''), sqlerrm
            from (values (1)) as one
            left join (
                select p.post_ids, p.moments
                from pgfeed.feed_posts as p
                where p.feed_id = v_feed.feed_id
                order by p.pack_id desc
                limit 1
            ) as b on true;
        end;
    end loop;

    -- No foreign key: with one, nobody could truncate feature_packs.
    delete from pgfeed.feed_posts as p
    where not exists (select from pgfeed.feature_packs as k where k.pack_id = p.pack_id);
end;
$$;

alter procedure pgfeed._evaluate_feeds(bigint) owner to pgfeed_owner;

comment on procedure pgfeed._evaluate_feeds(bigint) is
    'Stores which posts pass the filters of the feeds as of a pack. Where one cannot be evaluated, a warning says so, and '
    'those that passed in the pack before do';

revoke all on procedure pgfeed._evaluate_feeds(bigint) from public;
