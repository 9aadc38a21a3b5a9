create materialized view pgfeed.post_text_features as
select
    p.post_id,
    s.text_length,
    s.term_count,
    s.tfidf_sum,
    s.tfidf_mean,
    s.tfidf_max
from pgfeed.posts as p
left join pgfeed._text_statistics as s on s.lexeme = '' and s.post_id = p.post_id
with no data;

create unique index on pgfeed.post_text_features (post_id);

alter materialized view pgfeed.post_text_features owner to pgfeed_owner;

comment on materialized view pgfeed.post_text_features is
    'One row per post: what its text says, as of the last refresh. TF-IDF as in scikit-learn''s '
    'TfidfVectorizer: tf * (ln((1 + n) / (1 + df)) + 1), each post scaled to length 1, over the lexemes '
    'of the text search configuration russian, which stems Russian and English words';
comment on column pgfeed.post_text_features.text_length is 'Characters; null: no text';
comment on column pgfeed.post_text_features.term_count is 'Distinct lexemes; null: none';

grant select on pgfeed.post_text_features to pgfeed_reader;
