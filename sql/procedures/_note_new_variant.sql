create or replace procedure pgfeed._note_new_variant(variant text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_recipes constant text := 'loader/learning/recipes/(.*)[.]toml';
    v_known text[];
begin
    if exists (select from pgfeed.models as m where m.variant = _note_new_variant.variant) then
        return;
    end if;
    select array_agg(k.name order by k.name) into v_known
    from (
        select m.variant as name from pgfeed.models as m
        union
        select substring(t.path from v_recipes) from json_object_keys(pgfeed._learning()::json) as t (path) where t.path ~ v_recipes
    ) as k;
    if variant <> all(v_known) then
        raise notice '% will begin as a new variant: known ones are %', quote_literal(variant), array_to_string(v_known, ', ');
    end if;
end;
$$;

alter procedure pgfeed._note_new_variant(text) owner to pgfeed_owner;

comment on procedure pgfeed._note_new_variant(text) is
    'A notice if no model of a variant was ever stored and no recipe has its name, which may be mistyped';

revoke all on procedure pgfeed._note_new_variant(text) from public;
