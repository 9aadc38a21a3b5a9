create or replace function pgfeed._attach_again(attached pgfeed.attached_tables)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_settings jsonb := attached.settings;
    v_arguments text := quote_literal(attached.relation::text);
    v_renamed record;
    v_word text;
    v_name text;
begin
    for v_renamed in
        select e.key as old_name, a.attname as new_name
        from jsonb_each(v_settings -> 'columns') as e
        inner join pg_attribute as a on a.attrelid = attached.relation and a.attnum = (e.value ->> 0)::smallint
        where a.attname <> e.key and not a.attisdropped
    loop
        v_word := format('[[:<:]]%s[[:>:]]', v_renamed.old_name);
        select jsonb_object_agg(
            s.key,
            case
                when s.key = 'features' then (
                    select coalesce(jsonb_object_agg(f.key, regexp_replace(f.value, v_word, v_renamed.new_name, 'g')), '{}')
                    from jsonb_each_text(s.value) as f
                )
                when jsonb_typeof(s.value) = 'string' then to_jsonb(
                    regexp_replace(s.value #>> '{}', v_word, v_renamed.new_name, 'g')
                )
                else s.value
            end
        ) into v_settings
        from jsonb_each(v_settings) as s;
    end loop;
    foreach v_name in array array[
        'key', 'user_key', 'post_key', 'text', 'topic', 'created_at', 'available', 'at', 'action', 'target', 'condition'
    ] loop
        if v_settings ? v_name then
            v_arguments := v_arguments || format(', %s => %L', v_name, v_settings ->> v_name);
        end if;
    end loop;
    if v_settings -> 'features' <> '{}' then
        v_arguments := v_arguments || format(', features => %L', jsonb_build_array(v_settings -> 'features'));
    end if;
    return format(
        'call pgfeed.detach(%L, %s); call pgfeed.attach_%s(%s, sync => %L)', attached.relation,
        coalesce(quote_literal(v_settings ->> 'action'), 'kind => ' || quote_literal(attached.kind)), attached.kind, v_arguments,
        attached.sync
    );
end;
$$;

alter function pgfeed._attach_again(pgfeed.attached_tables) owner to pgfeed_owner;

comment on function pgfeed._attach_again(pgfeed.attached_tables) is
    'The statements that attach a table anew as it was attached, with the names that its columns have now';

revoke all on function pgfeed._attach_again(pgfeed.attached_tables) from public;
