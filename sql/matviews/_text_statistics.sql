create materialized view pgfeed._text_statistics as
with documents as materialized (
    select
        t.post_id,
        length(t.text) as text_length,
        to_tsvector('pg_catalog.russian', left(t.text, 200000)) as lexemes
    from pgfeed._post_texts() as t
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

inverse_frequencies as materialized (
    select
        t.lexeme,
        count(*) as frequency,
        d.document_count,
        ln((1 + d.document_count) / (1 + count(*))) + 1 as inverse_document_frequency
    from terms as t
    cross join totals as d
    group by t.lexeme, d.document_count
),

weights as (
--!include sql/_text_weights.sql
)

select
    '' as lexeme,
    d.post_id,
    d.text_length,
    w.term_count::integer as term_count,
    (w.weight_sum / w.weight_norm)::real as tfidf_sum,
    (w.weight_sum / w.weight_norm / w.term_count)::real as tfidf_mean,
    (w.weight_max / w.weight_norm)::real as tfidf_max,
    null::bigint as frequency,
    null::double precision as document_count
from documents as d
left join weights as w on w.post_id = d.post_id
union all
select f.lexeme, 0, null, null, null, null, null, f.frequency, f.document_count
from inverse_frequencies as f
with no data;

create unique index on pgfeed._text_statistics (lexeme, post_id);

alter materialized view pgfeed._text_statistics owner to pgfeed_owner;

comment on materialized view pgfeed._text_statistics is
    'As of the last refresh, two kinds of rows from one reading of the texts: one per post with a text, lexeme empty, for '
    'post_text_features; and one per lexeme, in how many texts it is and how many texts there are, for posts that come later';
