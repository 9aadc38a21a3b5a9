create table pgfeed.post_vectors (
    post_id bigint primary key references pgfeed.posts (post_id) on delete cascade,
    factors public.vector(16) not null
);
comment on table pgfeed.post_vectors is
    'One row per post as of the last refresh: its vector of the factor model of likes; nearly 0: nobody liked it';
create table pgfeed.user_vectors (
    user_id bigint primary key,
    factors public.vector(16) not null
);
comment on table pgfeed.user_vectors is
    'One row per user with a like among the newest 1,000,000 as of the last refresh: the vector whose product '
    'with a post''s is near 1 for what the user would like. recommend_posts makes its own from the likes until ts';
alter table pgfeed.post_vectors owner to pgfeed_owner;
alter table pgfeed.user_vectors owner to pgfeed_owner;
grant select on pgfeed.post_vectors, pgfeed.user_vectors to pgfeed_reader, pgfeed_operator;
