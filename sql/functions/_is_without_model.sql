create or replace function pgfeed._is_without_model(variant text)
returns boolean
language sql immutable parallel safe
return variant = any(pgfeed._variants_without_model())
    or variant ~ '^trending:(1h|6h|1d|3d|7d)$'
    or variant ~ '^popular_by:user[.].';

alter function pgfeed._is_without_model(text) owner to pgfeed_owner;

comment on function pgfeed._is_without_model(text) is
    'Whether a variant ranks without a model. popular: by the decayed like rate; popular_by:user.NAME: by that among users '
    'with the user''s value of the feature, popular_by:user.NAME=VALUE: with this one; newest; trending, trending:6h: by '
    'the rise of the like rate, with a half-life of a day, or this one; random: by lot';

revoke all on function pgfeed._is_without_model(text) from public;
grant execute on function pgfeed._is_without_model(text) to pgfeed_reader, pgfeed_writer, pgfeed_operator;
