create or replace function pgfeed._helpful_index(attached pgfeed.attached_tables)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_names text[] := case
        when attached.kind <> 'events' then array[attached.settings ->> 'key']
        when attached.sync = 'trigger' then array[attached.settings ->> 'at']
        else array[attached.settings ->> 'user_key', attached.settings ->> 'at']
    end;
    v_numbers smallint[] := '{}';
    v_name text;
    v_relkind constant text := (select c.relkind from pg_class as c where c.oid = attached.relation);
begin
    if v_relkind not in ('r', 'p', 'm') then
        return null;
    end if;
    foreach v_name in array v_names loop
        v_numbers := v_numbers || (
            select a.attnum
            from pg_attribute as a
            where a.attrelid = attached.relation and quote_ident(a.attname) = v_name and a.attnum > 0 and not a.attisdropped
        );
    end loop;
    if
        array_position(v_numbers, null) is not null
        or exists (
            select
            from pg_index as i
            where
                i.indrelid = attached.relation
                and i.indisvalid
                and i.indpred is null
                and i.indnkeyatts >= cardinality(v_numbers)
                and (i.indkey::smallint[])[0:cardinality(v_numbers) - 1] = v_numbers
        )
    then
        return null;
    end if;
    -- A partitioned table has no index made concurrently.
    return format(
        'create index %son %s (%s);', case when v_relkind <> 'p' then 'concurrently ' end, attached.relation,
        array_to_string(v_names, ', ')
    );
end;
$$;

alter function pgfeed._helpful_index(pgfeed.attached_tables) owner to pgfeed_owner;

comment on function pgfeed._helpful_index(pgfeed.attached_tables) is
    'The statement for an index that an attached table should have: of its key; of the time of events, by which a refresh '
    'reads the last week; of user and time of those whose new rows calls read, by pull or mixed. Null: it has it, or the expression is no column';

revoke all on function pgfeed._helpful_index(pgfeed.attached_tables) from public;
