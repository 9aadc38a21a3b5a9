create or replace function pgfeed._named_feed_probes()
returns setof pgfeed.probe
language plpgsql stable
cost 100000 rows 1
set search_path = pg_catalog, pg_temp
as $$
declare
    v_feeds record;
begin
    select
        count(*) as feed_count,
        array_agg(format('the filter of the feed %s cannot be evaluated: %s', f.name, p.problem) order by f.name)
        filter (where p.problem is not null) as problems,
        min(f.name) filter (where p.problem is not null) as first_failing
    into v_feeds
    from pgfeed.named_feeds as f
    cross join lateral (select pgfeed._feed_problem(f.feed_id) as problem) as p;
    if v_feeds.feed_count > 0 then
        return next pgfeed._probe(
            'feeds',
            v_feeds.problems,
            '{}',
            format('%s with a name', v_feeds.feed_count),
            format('call pgfeed.drop_feed(%L) -- and create_feed() with a filter that has a value for every post', v_feeds.first_failing),
            null
        );
    end if;
end;
$$;

alter function pgfeed._named_feed_probes() owner to pgfeed_owner;

comment on function pgfeed._named_feed_probes() is 'The row of health() about the feeds of create_feed(); none without any';

revoke all on function pgfeed._named_feed_probes() from public;
