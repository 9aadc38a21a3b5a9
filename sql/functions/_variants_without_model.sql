create or replace function pgfeed._variants_without_model()
returns text[]
language sql immutable parallel safe
return array['popular', 'random'];

alter function pgfeed._variants_without_model() owner to pgfeed_owner;

comment on function pgfeed._variants_without_model() is
    'Variants that rank without a model: by the decayed like rate, by lot';

revoke all on function pgfeed._variants_without_model() from public;
grant execute on function pgfeed._variants_without_model() to pgfeed_reader, pgfeed_writer, pgfeed_operator;
