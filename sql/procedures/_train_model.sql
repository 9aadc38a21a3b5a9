create or replace procedure pgfeed._train_model(
    variant text,
    recipe text,
    until date,
    seed integer,
    inout version integer default null,
    inout error text[] default null
)
language plpython3u
as $$
--!include plpy/train_model.py


return _train_model(plpy, GD, variant, recipe, until, seed)
$$;

alter procedure pgfeed._train_model(text, text, date, integer, integer, text[]) owner to pgfeed_owner;

comment on procedure pgfeed._train_model(text, text, date, integer, integer, text[]) is
    'Does what train_model() says. error: the code, message and hint of what ended it; null: nothing did. It does not raise '
    'them, as PL/Python would put its own words before and its stack behind, and what catches errors cannot commit';

revoke all on procedure pgfeed._train_model(text, text, date, integer, integer, text[]) from public;
grant execute on procedure pgfeed._train_model(text, text, date, integer, integer, text[]) to pgfeed_operator;
