create or replace procedure pgfeed.train_model(
    variant text,
    recipe text default null,
    until date default null,
    seed integer default null,
    inout version integer default null
)
language plpython3u
as $$
--!include plpy/train_model.py


return train_model(plpy, GD, variant, recipe, until, seed)
$$;

alter procedure pgfeed.train_model(text, text, date, integer, integer) owner to pgfeed_owner;

comment on procedure pgfeed.train_model(text, text, date, integer, integer) is
    'Trains a variant as pgfeed train does, by the server''s own Python, stores the model, inactive, and gives its version. recipe: '
    'control, test, test_fresh, negatives or a text of TOML; null: the variant''s own, else that of its newest version, else the one '
    'that suits the feed. until: learns from days before it only. seed: of the trees. One training at a time, in a process that the '
    'settings pgfeed.training_memory, pgfeed.training_threads and pgfeed.training_nice limit. It commits as it goes: not inside a '
    'transaction block. health() says how far it is';

revoke all on procedure pgfeed.train_model(text, text, date, integer, integer) from public;
grant execute on procedure pgfeed.train_model(text, text, date, integer, integer) to pgfeed_operator;
