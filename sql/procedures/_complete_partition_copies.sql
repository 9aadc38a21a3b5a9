create or replace procedure pgfeed._complete_partition_copies(
    parent text,
    months timestamptz[],
    thin_partitions text[],
    since xid8
)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
    v_same constant text := (
        select string_agg(format('t.%1$I = s.%1$I', a.attname), ' and ')
        from pg_index as i
        inner join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey[:i.indnkeyatts - 1])
        where i.indrelid = format('pgfeed.%I', parent)::regclass and i.indisprimary
    );
    v_age constant integer := age(since::xid);
    v_copy record;
    v_target text;
    v_count bigint;
    v_difference bigint := 0;
begin
    for v_copy in
        select
            c.source,
            c.target,
            format('%s and age(s.xmin) <= %s', c.condition, v_age) as condition
        from pgfeed._partition_copies(parent, months, thin_partitions) as c
    loop
        execute format(
            'delete from pgfeed.%I as t using pgfeed.%I as s where %s and %s', v_copy.target, v_copy.source, v_copy.condition, v_same
        );
        execute format('insert into pgfeed.%I select * from pgfeed.%I as s where %s', v_copy.target, v_copy.source, v_copy.condition);
    end loop;

    for v_copy in
        select
            c.source as name,
            1 as sign
        from pgfeed._partition_copies(parent, months, thin_partitions) as c
        group by c.source
        union all
        select
            c.target,
            -1
        from pgfeed._partition_copies(parent, months, thin_partitions) as c
        group by c.target
    loop
        execute format('select count(*) from pgfeed.%I', v_copy.name) into v_count;
        v_difference := v_difference + v_copy.sign * v_count;
    end loop;
    if v_difference = 0 then
        return;
    end if;
    for v_target in
        select distinct c.target from pgfeed._partition_copies(parent, months, thin_partitions) as c
    loop
        execute format(
            'delete from pgfeed.%I as t where not exists (select from pgfeed.%I as s where %s)', v_target, parent, v_same
        );
    end loop;
end;
$$;

alter procedure pgfeed._complete_partition_copies(text, timestamptz[], text[], xid8) owner to pgfeed_owner;

comment on procedure pgfeed._complete_partition_copies(text, timestamptz[], text[], xid8) is
    'Makes the copies of _copy_partitions() what their sources are now: rows that came, changed or went since';

revoke all on procedure pgfeed._complete_partition_copies(text, timestamptz[], text[], xid8) from public;
