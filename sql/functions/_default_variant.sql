create or replace function pgfeed._default_variant()
returns text
language sql immutable parallel safe
return 'control';

alter function pgfeed._default_variant() owner to pgfeed_owner;

comment on function pgfeed._default_variant() is
    'The variant of a call that names none, outside of an experiment, where the setting pgfeed.default_variant is empty';

revoke all on function pgfeed._default_variant() from public;
