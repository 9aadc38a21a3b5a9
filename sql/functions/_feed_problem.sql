create or replace function pgfeed._feed_problem(feed_id integer)
returns text
language plpgsql stable
cost 100000
set search_path = pg_catalog, pg_temp
as $$
declare
    v_feed record;
begin
    select f.filter, p.problem, k.as_of into v_feed
    from pgfeed.named_feeds as f
    left join pgfeed.feature_packs as k on k.as_of = pgfeed._refresh_as_of()
    left join pgfeed.feed_posts as p on p.pack_id = k.pack_id and p.feed_id = f.feed_id
    where f.feed_id = _feed_problem.feed_id;
    if v_feed.problem is not null or v_feed.filter is null then
        return v_feed.problem;
    end if;
    perform pgfeed._filter_moments(v_feed.filter, now());
    if v_feed.filter -> 'calls' <> '[]' and v_feed.as_of is not null and not pgfeed._is_large() then
        perform r.post_ids from pgfeed._filtered_posts(v_feed.filter, 'calls', now(), v_feed.as_of) as r;
    end if;
    return null;
exception when others then
    return sqlerrm;
end;
$$;

alter function pgfeed._feed_problem(integer) owner to pgfeed_owner;

comment on function pgfeed._feed_problem(integer) is
    'Why the filter of a feed could not be evaluated by the last refresh, or cannot now; null: it can';

revoke all on function pgfeed._feed_problem(integer) from public;
