create or replace procedure pgfeed._infer_attributes()
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
as $$
declare
    v_kind text;
    v_types jsonb;
    v_name text;
begin
    for v_kind in
        select k.kind
        from unnest(array['user', 'post']) as k (kind)
        where not exists (select from pgfeed.attached_tables as t where t.kind = k.kind || 's')
    loop
        execute format(
            'select coalesce(jsonb_object_agg(n.name, n.type), ''{}'')
            from (
                select
                    a.key as name,
                    case
                        when bool_and(jsonb_typeof(a.value) = ''number'')
                            then case when a.key ~ ''(^|_)id$'' then ''category'' else ''number'' end
                        when bool_and(jsonb_typeof(a.value) = ''boolean'') then ''boolean''
                        when bool_and(jsonb_typeof(a.value) = ''array'') then ''tags''
                        when bool_and(jsonb_typeof(a.value) = ''string'' and a.value #>> ''{}'' ~ ''^\d{4}-\d\d-\d\d([T ]|$)'')
                            then ''date''
                        else ''category''
                    end as type
                from pgfeed.%s as r
                cross join lateral jsonb_each(r.attributes) as a
                where jsonb_typeof(r.attributes) = ''object'' and jsonb_typeof(a.value) <> ''null''
                group by a.key
            ) as n',
            v_kind || 's'
        ) into v_types;
        for v_name in select t.key from jsonb_each_text(v_types) as t where t.value = 'date' loop
            begin
                execute format(
                    'select count((r.attributes ->> $1)::timestamptz) from pgfeed.%s as r', v_kind || 's'
                ) using v_name;
            exception when data_exception then -- not all of them are dates
                v_types := v_types || jsonb_build_object(v_name, 'category');
            end;
        end loop;
        call pgfeed._register_attributes(v_kind, v_types);
    end loop;
end;
$$;

alter procedure pgfeed._infer_attributes() owner to pgfeed_owner;

comment on procedure pgfeed._infer_attributes() is
    'Registers the features that users.attributes and posts.attributes hold, with types found from their values, where no '
    'table is attached that says so';

revoke all on procedure pgfeed._infer_attributes() from public;
