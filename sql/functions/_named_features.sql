create or replace function pgfeed._named_features(features jsonb)
returns table (name text, expression text)
language plpgsql immutable parallel safe
cost 100 rows 10
set search_path = pg_catalog, pg_temp
as $$
declare
    v_hint constant text := 'Write a JSON array of columns and names with expressions: ["plan", {"age": "2026 - birth_year"}]';
    v_item jsonb;
    v_names text[] := '{}';
begin
    if features is null then
        return;
    end if;
    if jsonb_typeof(features) <> 'array' then
        raise exception 'features is not an array' using errcode = '22023', hint = v_hint;
    end if;
    for v_item in select a.value from jsonb_array_elements(features) as a loop
        if jsonb_typeof(v_item) = 'string' then
            v_item := jsonb_build_object(v_item #>> '{}', quote_ident(v_item #>> '{}'));
        end if;
        if
            jsonb_typeof(v_item) <> 'object'
            or exists (select from jsonb_each(v_item) as e where jsonb_typeof(e.value) <> 'string')
        then
            raise exception 'features has %', v_item using errcode = '22023', hint = v_hint;
        end if;
        for name, expression in select e.key, e.value from jsonb_each_text(v_item) as e loop
            if name !~ '^[[:alpha:]_][[:alnum:]_]{0,62}$' then
                raise exception '% cannot be the name of a feature', quote_literal(name)
                    using errcode = '42602', hint = 'A name has letters, digits and _ and begins with a letter.';
            end if;
            if name = any(v_names) then
                raise exception 'two features are called %', name using errcode = '42710', hint = v_hint;
            end if;
            v_names := v_names || name;
            return next;
        end loop;
    end loop;
end;
$$;

alter function pgfeed._named_features(jsonb) owner to pgfeed_owner;

comment on function pgfeed._named_features(jsonb) is
    'One row per feature that attach_users() or attach_posts() was told: its name and its SQL expression';

revoke all on function pgfeed._named_features(jsonb) from public;
