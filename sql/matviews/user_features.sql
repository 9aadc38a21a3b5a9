create materialized view pgfeed.user_features as
select
    f.user_id,
    f.gender,
    f.age,
    f.country,
    f.city,
    f.exp_group,
    f.os,
    f.source,
    f.view_count,
    f.like_count,
    f.like_rate,
    f.days_since_active
from pgfeed.user_features_as_of(pgfeed._refresh_as_of()) as f
with no data;

create unique index on pgfeed.user_features (user_id);

alter materialized view pgfeed.user_features owner to pgfeed_owner;

comment on materialized view pgfeed.user_features is
    'One row per user with a profile or an event: user_features_as_of() at the cut-off of the last refresh';

grant select on pgfeed.user_features to pgfeed_reader, pgfeed_operator;
