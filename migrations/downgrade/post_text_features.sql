create materialized view pgfeed.post_text_features as
with documents as materialized (
    select
        t.post_id,
        length(t.text) as text_length,
        to_tsvector('pg_catalog.russian', left(t.text, 200000)) as lexemes
    from pgfeed.posts as t
),

terms as (
    select
        d.post_id,
        t.lexeme,
        cardinality(t.positions)::double precision as term_frequency
    from documents as d
    cross join lateral unnest(d.lexemes) as t
),

totals as (
    select count(d.text_length)::double precision as document_count
    from documents as d
),

inverse_frequencies as (
    select
        t.lexeme,
        ln((1 + d.document_count) / (1 + count(*))) + 1 as inverse_document_frequency
    from terms as t
    cross join totals as d
    group by t.lexeme, d.document_count
),

weights as (
    select
        t.post_id,
        count(*) as term_count,
        sum(t.term_frequency * f.inverse_document_frequency) as weight_sum,
        max(t.term_frequency * f.inverse_document_frequency) as weight_max,
        sqrt(sum((t.term_frequency * f.inverse_document_frequency) ^ 2)) as weight_norm
    from terms as t
    inner join inverse_frequencies as f on f.lexeme = t.lexeme
    group by t.post_id
)

select
    p.post_id,
    d.text_length,
    w.term_count::integer as term_count,
    (w.weight_sum / w.weight_norm)::real as tfidf_sum,
    (w.weight_sum / w.weight_norm / w.term_count)::real as tfidf_mean,
    (w.weight_max / w.weight_norm)::real as tfidf_max
from pgfeed.posts as p
left join documents as d on d.post_id = p.post_id
left join weights as w on w.post_id = p.post_id
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
