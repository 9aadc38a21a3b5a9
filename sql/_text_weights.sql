-- One row per post with terms (post_id, lexeme, term_frequency): their weights by inverse_frequencies.
select
    t.post_id,
    count(*) as term_count,
    sum(t.term_frequency * f.inverse_document_frequency) as weight_sum,
    max(t.term_frequency * f.inverse_document_frequency) as weight_max,
    sqrt(sum((t.term_frequency * f.inverse_document_frequency) ^ 2)) as weight_norm
from terms as t
inner join inverse_frequencies as f on f.lexeme = t.lexeme
group by t.post_id
