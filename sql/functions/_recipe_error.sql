create or replace function pgfeed._recipe_error(
    variant text,
    recipe text
)
returns text[]
language plpython3u stable strict
cost 10000
set search_path = pg_catalog, pg_temp
as $$
--!include plpy/recipe_error.py


return _recipe_error(plpy, variant, recipe)
$$;

alter function pgfeed._recipe_error(text, text) owner to pgfeed_owner;

comment on function pgfeed._recipe_error(text, text) is
    'The message and hint of what is wrong with a recipe, as training reads it; null: nothing is. What CatBoost says of its '
    'parameters is seen when it trains';

revoke all on function pgfeed._recipe_error(text, text) from public;
