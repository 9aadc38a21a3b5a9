create or replace view pgfeed.feeds as
select
    f.name,
    f.settings ->> 'filter' as filter,
    f.settings -> 'max_per' as max_per,
    (f.settings ->> 'diversity')::real as diversity,
    f.settings -> 'boosts' as boosts,
    (f.settings ->> 'hide_viewed')::interval as hide_viewed,
    case
        when f.settings ? 'fallbacks' then array(select jsonb_array_elements_text(f.settings -> 'fallbacks'))
    end as fallbacks,
    octet_length(p.post_ids) / 8 as post_count,
    p.problem,
    f.created_at,
    f.created_by,
    coalesce(f.settings ->> 'explore', 'off') as explore,
    coalesce((f.settings ->> 'explore_baseline')::boolean, false) as explore_baseline
from pgfeed.named_feeds as f
left join (
    select n.feed_id, n.post_ids, n.problem
    from pgfeed.feed_posts as n
    inner join pgfeed.feature_packs as k on k.pack_id = n.pack_id
    where k.as_of = (select r.as_of from pgfeed.feature_refreshes as r order by r.refresh_id desc limit 1)
) as p on p.feed_id = f.feed_id;

alter view pgfeed.feeds owner to pgfeed_owner;

comment on view pgfeed.feeds is 'One row per feed: what create_feed() was told, and what the last refresh found';
comment on column pgfeed.feeds.post_count is
    'Posts that pass what of the filter does not depend on ts; null: there is no filter, or no refresh yet';
comment on column pgfeed.feeds.problem is
    'Why the last refresh could not evaluate the filter: the posts that passed before go on; null: it could';
comment on column pgfeed.feeds.name is 'As recommend_posts() takes it';
comment on column pgfeed.feeds.filter is 'Which posts it may show; null: all';
comment on column pgfeed.feeds.max_per is 'At most so many of a value, by column; null: no cap';
comment on column pgfeed.feeds.diversity is '0 to 1; null: none';
comment on column pgfeed.feeds.boosts is 'Weights by column; null: none';
comment on column pgfeed.feeds.hide_viewed is 'How long a viewed post stays out; null: it does not';
comment on column pgfeed.feeds.fallbacks is 'What fills a list that would be short; null: as by default';
comment on column pgfeed.feeds.created_at is 'When it was made';
comment on column pgfeed.feeds.created_by is 'By whom';
comment on column pgfeed.feeds.explore is 'off, careful or normal';
comment on column pgfeed.feeds.explore_baseline is 'Whether users of an experiment''s pinned baseline explore, too';

grant select on pgfeed.feeds to pgfeed_reader, pgfeed_writer, pgfeed_operator;
