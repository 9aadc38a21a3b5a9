create materialized view pgfeed.post_features as
select
    f.post_id,
    f.view_count,
    f.like_count,
    f.like_rate,
    f.decayed_view_count_1h,
    f.decayed_view_count_6h,
    f.decayed_view_count_1d,
    f.decayed_view_count_3d,
    f.decayed_view_count_7d,
    f.decayed_view_count_30d,
    f.decayed_like_count_1h,
    f.decayed_like_count_6h,
    f.decayed_like_count_1d,
    f.decayed_like_count_3d,
    f.decayed_like_count_7d,
    f.decayed_like_count_30d,
    f.decayed_like_rate_7d,
    f.age_days,
    f.days_since_event
from pgfeed.post_features_as_of(pgfeed._refresh_as_of()) as f
with no data;

create unique index on pgfeed.post_features (post_id);

alter materialized view pgfeed.post_features owner to pgfeed_owner;

comment on materialized view pgfeed.post_features is
    'One row per post: post_features_as_of() at the cut-off of the last refresh';

grant select on pgfeed.post_features to pgfeed_reader;
