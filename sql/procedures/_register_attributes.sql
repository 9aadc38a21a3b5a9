create or replace procedure pgfeed._register_attributes(
    kind text,
    attributes jsonb
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_kind constant text := kind;
    v_name text;
    v_type text;
    v_before text;
    v_types text[] := '{}';
    v_names text[] := '{}';
begin
    if coalesce(v_kind, '') not in ('user', 'post') then
        raise exception 'features are of a user or a post, not of %', coalesce(v_kind, 'null')
            using errcode = '22023', hint = 'Say user or post.';
    end if;

    for v_name, v_type in select a.key, a.value from jsonb_each_text(coalesce(attributes, '{}')) as a order by a.key loop
        call pgfeed._require_new_feature(v_kind, v_name);
        v_names := v_names || v_name;
        v_types := v_types || pgfeed._attribute_type(v_name, v_type);
    end loop;

    select string_agg(concat_ws(' ', a.name, a.type), ',' order by a.name) into v_before
    from pgfeed.attributes as a
    where a.kind = v_kind;
    delete from pgfeed.attributes as a where a.kind = v_kind;
    insert into pgfeed.attributes (kind, name, type)
    select v_kind, t.name, t.type from unnest(v_names, v_types) as t (name, type);
    -- Packs of past moments are made again when they are asked for; the one that serves stays until the next refresh.
    if
        v_before is distinct from (
            select string_agg(concat_ws(' ', a.name, a.type), ',' order by a.name)
            from pgfeed.attributes as a
            where a.kind = v_kind
        )
    then
        delete from pgfeed.feature_packs as k where k.as_of is distinct from pgfeed._refresh_as_of();
    end if;
end;
$$;

alter procedure pgfeed._register_attributes(text, jsonb) owner to pgfeed_owner;

comment on procedure pgfeed._register_attributes(text, jsonb) is
    'Says which features users.attributes (kind user) or posts.attributes (post) hold from now on: type by name. A type is '
    'number, boolean, category, tags or date, or an SQL type as format_type() names it: numbers called id or ..._id are '
    'categories';

revoke all on procedure pgfeed._register_attributes(text, jsonb) from public;
