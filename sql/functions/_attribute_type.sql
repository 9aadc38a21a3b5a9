create or replace function pgfeed._attribute_type(
    name text,
    type text
)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_type regtype;
    v_group text;
    v_type_of_feature text;
begin
    if type in ('number', 'boolean', 'category', 'tags', 'date') then
        return type;
    end if;
    v_type := to_regtype(type);
    select t.typcategory::text into v_group from pg_type as t where t.oid = v_type;
    v_type_of_feature := case
        when v_group = 'N' and v_type not in ('money'::regtype, 'oid'::regtype)
            then case when name ~ '(^|_)id$' then 'category' else 'number' end
        when v_group = 'B' then 'boolean'
        when v_group in ('S', 'E') or v_type = 'uuid'::regtype then 'category'
        when v_group = 'A' then 'tags'
        when v_type in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) then 'date'
    end;
    if v_type_of_feature is null then
        raise exception 'the feature % cannot be of type %', name, coalesce(type, 'null')
            using errcode = '42804', hint = 'Cast it to a number, boolean, text, date or array of texts.';
    end if;
    return v_type_of_feature;
end;
$$;

alter function pgfeed._attribute_type(text, text) owner to pgfeed_owner;

comment on function pgfeed._attribute_type(text, text) is
    'How a feature of this name and SQL type is used: number, boolean, category, tags or date';

revoke all on function pgfeed._attribute_type(text, text) from public;
