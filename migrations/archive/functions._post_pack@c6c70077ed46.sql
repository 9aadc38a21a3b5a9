create or replace function pgfeed._post_pack(as_of timestamptz)
returns table (
    post_count integer,
    feature_names text[],
    topics text[],
    post_ids bytea,
    topic_codes bytea,
    matrix bytea
)
language plpgsql stable parallel safe
cost 10000 rows 1
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with topics as (
        select
            t.topic,
            row_number() over (order by t.topic)::integer - 1 as code
        from (select distinct p.topic from pgfeed.posts as p where p.topic is not null) as t
    ),

    ordered as (
        select
            f.post_id,
            coalesce(t.code, -1) as topic_code,
            f.view_count::real as post_view_count,
            f.like_count::real as post_like_count,
            f.like_rate::real as post_like_rate,
            f.decayed_view_count_1h::real as post_decayed_view_count_1h,
            f.decayed_view_count_6h::real as post_decayed_view_count_6h,
            f.decayed_view_count_1d::real as post_decayed_view_count_1d,
            f.decayed_view_count_3d::real as post_decayed_view_count_3d,
            f.decayed_view_count_7d::real as post_decayed_view_count_7d,
            f.decayed_view_count_30d::real as post_decayed_view_count_30d,
            f.decayed_like_count_1h::real as post_decayed_like_count_1h,
            f.decayed_like_count_6h::real as post_decayed_like_count_6h,
            f.decayed_like_count_1d::real as post_decayed_like_count_1d,
            f.decayed_like_count_3d::real as post_decayed_like_count_3d,
            f.decayed_like_count_7d::real as post_decayed_like_count_7d,
            f.decayed_like_count_30d::real as post_decayed_like_count_30d,
            f.decayed_like_rate_7d::real as post_decayed_like_rate_7d,
            f.age_days::real as post_age_days,
            f.days_since_event::real as post_days_since_event,
            x.text_length::real as text_text_length,
            x.term_count::real as text_term_count,
            x.tfidf_sum::real as text_tfidf_sum,
            x.tfidf_mean::real as text_tfidf_mean,
            x.tfidf_max::real as text_tfidf_max
        from pgfeed.post_features_as_of(_post_pack.as_of) as f
        inner join pgfeed.posts as p on p.post_id = f.post_id
        left join topics as t on t.topic = p.topic
        left join pgfeed.post_text_features as x on x.post_id = f.post_id
        order by f.post_id
    )

    select
        count(*)::integer,
        array[
            'post.view_count',
            'post.like_count',
            'post.like_rate',
            'post.decayed_view_count_1h',
            'post.decayed_view_count_6h',
            'post.decayed_view_count_1d',
            'post.decayed_view_count_3d',
            'post.decayed_view_count_7d',
            'post.decayed_view_count_30d',
            'post.decayed_like_count_1h',
            'post.decayed_like_count_6h',
            'post.decayed_like_count_1d',
            'post.decayed_like_count_3d',
            'post.decayed_like_count_7d',
            'post.decayed_like_count_30d',
            'post.decayed_like_rate_7d',
            'post.age_days',
            'post.days_since_event',
            'text.text_length',
            'text.term_count',
            'text.tfidf_sum',
            'text.tfidf_mean',
            'text.tfidf_max'
        ],
        array(select t.topic from topics as t order by t.code),
        coalesce(string_agg(int8send(r.post_id), ''), ''),
        coalesce(string_agg(int4send(r.topic_code), ''), ''),
        coalesce(
            string_agg(float4send(coalesce(r.post_view_count, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_like_count, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_like_rate, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_decayed_view_count_1h, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_decayed_view_count_6h, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_decayed_view_count_1d, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_decayed_view_count_3d, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_decayed_view_count_7d, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_decayed_view_count_30d, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_decayed_like_count_1h, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_decayed_like_count_6h, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_decayed_like_count_1d, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_decayed_like_count_3d, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_decayed_like_count_7d, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_decayed_like_count_30d, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_decayed_like_rate_7d, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_age_days, 'NaN')), '')
            || string_agg(float4send(coalesce(r.post_days_since_event, 'NaN')), '')
            || string_agg(float4send(coalesce(r.text_text_length, 'NaN')), '')
            || string_agg(float4send(coalesce(r.text_term_count, 'NaN')), '')
            || string_agg(float4send(coalesce(r.text_tfidf_sum, 'NaN')), '')
            || string_agg(float4send(coalesce(r.text_tfidf_mean, 'NaN')), '')
            || string_agg(float4send(coalesce(r.text_tfidf_max, 'NaN')), ''),
            ''
        )
    from ordered as r;
end;
$$;

alter function pgfeed._post_pack(timestamptz) owner to pgfeed_owner;

comment on function pgfeed._post_pack(timestamptz) is
    'One row: the features of all posts as of a moment, for numpy. post_ids ascending, big-endian int8; '
    'topic_codes big-endian int4, -1 for none; matrix big-endian float4, one feature after the other';

revoke all on function pgfeed._post_pack(timestamptz) from public;
