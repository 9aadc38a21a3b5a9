create or replace function pgfeed._fresh_text_features(post_ids bigint[])
returns table (
    post_id bigint,
    text_length integer,
    term_count integer,
    tfidf_sum real,
    tfidf_mean real,
    tfidf_max real
)
language plpgsql stable
cost 100000 rows 10
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
    return query
    with documents as materialized (
        select
            t.post_id,
            length(t.text) as text_length,
            to_tsvector('pg_catalog.russian', left(t.text, 200000)) as lexemes
        from pgfeed._post_texts(_fresh_text_features.post_ids) as t
    ),

    terms as materialized (
        select
            d.post_id,
            t.lexeme,
            cardinality(t.positions)::double precision as term_frequency
        from documents as d
        cross join lateral unnest(d.lexemes) as t
    ),

    totals as (
        select count(d.text_length) + coalesce(
            (select s.document_count from pgfeed._text_statistics as s where s.lexeme <> '' limit 1), 0
        ) as document_count
        from documents as d
    ),

    inverse_frequencies as (
        select
            f.lexeme,
            ln((1 + d.document_count) / (1 + f.frequency + coalesce(s.frequency, 0))) + 1 as inverse_document_frequency
        from (select t.lexeme, count(*) as frequency from terms as t group by t.lexeme) as f
        cross join totals as d
        left join pgfeed._text_statistics as s on s.lexeme = f.lexeme and s.post_id = 0
    ),

    weights as (
--!include sql/_text_weights.sql
    )

    select
        d.post_id,
        d.text_length,
        w.term_count::integer,
        (w.weight_sum / w.weight_norm)::real,
        (w.weight_sum / w.weight_norm / w.term_count)::real,
        (w.weight_max / w.weight_norm)::real
    from documents as d
    left join weights as w on w.post_id = d.post_id;
exception when others then
    -- An attached table that cannot be read, see _post_rows(): the posts come without these.
    raise warning 'the texts of new posts cannot be read: %', sqlerrm;
end;
$$;

alter function pgfeed._fresh_text_features(bigint[]) owner to pgfeed_owner;

comment on function pgfeed._fresh_text_features(bigint[]) is
    'The columns of post_text_features for posts that came after the last refresh, as it would have made them: with the '
    'frequencies of that refresh and of these posts';

revoke all on function pgfeed._fresh_text_features(bigint[]) from public;
