create or replace procedure pgfeed._check_recipe(
    variant text,
    recipe text
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_error text[] := pgfeed._recipe_error(variant, recipe);
begin
    if v_error is not null then
        raise exception '%', v_error[1] using errcode = '22023', hint = v_error[2];
    end if;
end;
$$;

alter procedure pgfeed._check_recipe(text, text) owner to pgfeed_owner;

comment on procedure pgfeed._check_recipe(text, text) is
    'Raises if no model of a variant can be trained by a recipe, a name or a text of TOML, by what the recipe says';

revoke all on procedure pgfeed._check_recipe(text, text) from public;
