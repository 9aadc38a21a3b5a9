"""The call of recommend_for() that the verb recommend and the gateway make."""

# What a call may wish for beside the user, the moment, how many posts and the variant.
WISHES = ("candidates", "exclude", "hide_viewed", "max_per_topic", "feed", "after")
# Posts that have integer keys are shown by their ids, as numbers.
RECOMMEND = """
    select
        r.rank, case when i.post_id::text = r.post_key then to_jsonb(i.post_id) else to_jsonb(r.post_key) end as id,
        r.topic, r.source, r.score, r.text, r.cursor, r.variant
    from pgfeed.recommend_for(
        %(id)s::text, coalesce(%(time)s::timestamptz, now()), %(limit)s, %(variant)s,
        candidates => %(candidates)s::text[], exclude => %(exclude)s::text[], hide_viewed => %(hide_viewed)s::interval,
        max_per_topic => %(max_per_topic)s, feed => %(feed)s, after => %(after)s
    ) as r
    cross join pgfeed.post_id_of(r.post_key) as i (post_id)
    order by r.rank
"""
