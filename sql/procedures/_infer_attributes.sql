create or replace procedure pgfeed._infer_attributes()
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_kind text;
    v_found record;
    v_types jsonb;
    v_is_spread constant boolean := exists (select from pg_extension as e where e.extname = 'citus');
    v_xid constant bigint := pg_current_xact_id()::text::bigint;
    v_newest bigint;
    v_basis jsonb;
begin
    for v_kind in
        select k.kind
        from unnest(array['user', 'post']) as k (kind)
        where not exists (select from pgfeed.attached_tables as t where t.kind = k.kind || 's')
    loop
        -- Rows that were written since have a transaction from xid on; on the nodes of Citus, others count.
        if not v_is_spread then
            execute format(
                'select
                    jsonb_build_object(
                        ''rows'', count(*), ''xid'', pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
                        ''system'', (select c.system_identifier from pg_control_system() as c),
                        ''names'', (
                            select md5(string_agg(t.name, '','' order by t.name))
                            from (
                                select f.name from pgfeed.own_features as f
                                union all
                                select c.attname from pg_attribute as c where c.attrelid = ''pgfeed.%1$s_features''::regclass
                            ) as t
                        )
                    ),
                    $1 - min(age(r.xmin))
                from pgfeed.%1$ss as r
                where r.attributes is not null',
                v_kind
            ) into v_basis, v_newest using v_xid;
            continue when exists (
                select
                from pgfeed.attributes as a
                where
                    a.kind = v_kind
                    and a.inferred_from - 'xid' = v_basis - 'xid'
                    and (a.inferred_from ->> 'xid')::bigint between v_newest + 1 and v_xid
            );
        end if;
        v_types := '{}';
        for v_found in
            execute format(
                'select
                    a.key as name,
                    case
                        when avg((jsonb_typeof(a.value) = ''number'')::integer) > 0.9
                            then case when a.key ~ ''(^|_)id$'' then ''category'' else ''number'' end
                        when avg((jsonb_typeof(a.value) = ''boolean'')::integer) > 0.9 then ''boolean''
                        when avg((jsonb_typeof(a.value) = ''array'')::integer) > 0.9 then ''tags''
                        when avg((a.value #>> ''{}'' ~ ''^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]|$)'')::integer) > 0.9 then ''date''
                        else ''category''
                    end as type
                from pgfeed.%s as r
                cross join lateral jsonb_each(r.attributes) as a
                where jsonb_typeof(r.attributes) = ''object'' and jsonb_typeof(a.value) <> ''null''
                group by a.key
                order by count(*) desc, a.key
                limit 200',
                v_kind || 's'
            )
        loop
            begin
                call pgfeed._require_new_feature(v_kind, v_found.name);
                v_types := v_types || jsonb_build_object(v_found.name, v_found.type);
            exception when invalid_name or duplicate_object then
                raise warning '%', sqlerrm || format(': %ss.attributes with this name are not used', v_kind);
            end;
        end loop;
        call pgfeed._register_attributes(v_kind, v_types);
        update pgfeed.attributes as a
        set inferred_from = v_basis
        where a.kind = v_kind;
    end loop;
end;
$$;

alter procedure pgfeed._infer_attributes() owner to pgfeed_owner;

comment on procedure pgfeed._infer_attributes() is
    'Registers the features that users.attributes and posts.attributes hold, the 200 with the most values, where no table '
    'is attached that says so; their types are those of nine tenths of their values. Names that no feature can have are '
    'left out, with a warning. Where as many rows have values as the last time and none was written since, nothing is read again';

revoke all on procedure pgfeed._infer_attributes() from public;
