create materialized view pgfeed.user_topic_features as
select
    f.user_id,
    f.topic,
    f.view_count,
    f.like_count,
    f.view_share,
    f.like_rate,
    f.last_active_date
from pgfeed.user_topic_features_as_of(pgfeed._refresh_as_of()) as f
with no data;

create unique index on pgfeed.user_topic_features (user_id, topic);

alter materialized view pgfeed.user_topic_features owner to pgfeed_owner;

comment on materialized view pgfeed.user_topic_features is
    'One row per user and topic seen: user_topic_features_as_of() at the cut-off of the last refresh';

grant select on pgfeed.user_topic_features to pgfeed_reader;
