create or replace function pgfeed._feature_words()
returns text
language sql immutable parallel safe
return '
#user.view_count posts that the user viewed
#user.like_count posts that the user liked
%user.like_rate likes of the user per view
@user.days_since_active last active
%user_topic.view_share share of {topic} in what the user views
%user_topic.like_rate likes of the user per view of {topic}
%taste.like_rate likes per view of what the user likes
.taste.view_count_ratio views of what the user likes, beside what the user views
.taste.popularity_like_rate how the user likes posts as popular as this one, beside others
#taste.like_count posts that the user liked
@taste.days_since_like last like of the user
%taste.popularity how popular the posts are that the user likes
@taste.age_days age of the posts that the user likes
#post.view_count views of the post
#post.like_count likes of the post
%post.like_rate likes of the post per view
@post.age_days age of the post
@post.days_since_event last viewed or liked
.post.quality likes to be expected, beside the mean
.post.view_ratio views of the post, beside the mean
#post.effective_view_count views of the post, less those in poor places
%post.decayed_like_rate_7d likes of the post per view of late (half-life 7 days)
.text.tfidf_sum rare words of the text, sum
.text.tfidf_mean rare words of the text, mean
.text.tfidf_max the rarest word of the text
#text.text_length characters of the text
#text.term_count different words of the text
.match.factors liked by those who like the same
.match.text likeness to the texts liked before
.match.text_last likeness to the texts liked last
.match.preference what the user prefers
.match.appeal how much everybody likes the post
.match.score how much everybody likes the post, and what the user prefers
@fresh.age_days age of the post
@fresh.days_since_event last viewed or liked
%fresh.like_total likes of the post ever, beside the post with the most
#pair.view_count views of the post by the user
.pair.co_like liked together with what the user liked
.pair.co_like_7d liked together with what the user liked of late
.pair.co_like_last liked together with the last like of the user
.pair.co_like_last_3 liked together with the last three likes of the user
.pair.co_like_day liked on one day with what the user liked last
.pair.ease what else the likes of the user suggest
#time.hour hour of the day, UTC
#time.weekday day of the week, Monday is 1
';

alter function pgfeed._feature_words() owner to pgfeed_owner;

comment on function pgfeed._feature_words() is
    'What features are called in explanations, a line each: a sign for how its values are told (# a whole number, % a share, @ days, . '
    'three digits), its name and its words';

revoke all on function pgfeed._feature_words() from public;
grant execute on function pgfeed._feature_words() to pgfeed_reader, pgfeed_writer, pgfeed_operator;
