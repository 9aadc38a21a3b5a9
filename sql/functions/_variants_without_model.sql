create or replace function pgfeed._variants_without_model()
returns text[]
language sql immutable parallel safe
return array['popular', 'random', 'newest', 'trending'];

alter function pgfeed._variants_without_model() owner to pgfeed_owner;

comment on function pgfeed._variants_without_model() is
    'Names that no model can have: variants that rank without one, see _is_without_model()';

revoke all on function pgfeed._variants_without_model() from public;
grant execute on function pgfeed._variants_without_model() to pgfeed_reader, pgfeed_writer, pgfeed_operator;
