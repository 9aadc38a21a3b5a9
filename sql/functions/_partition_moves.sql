create or replace function pgfeed._partition_moves(
    parent text,
    out months timestamptz[],
    out thin_partitions text[]
)
language plpgsql stable strict
security definer
cost 100000
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
#variable_conflict use_column
declare
    v_own_month_rows constant bigint := 10000;
    v_thin_rows constant bigint := 5000;
    -- Attaching a month reads the whole default partition, under a lock.
    v_default_rows constant bigint := 300000;
    -- They are attached and detached under one lock.
    v_own_months constant integer := 12;
    v_thin_partitions constant integer := 5;
    v_rest bigint;
    v_name text;
    v_rows bigint;
begin
    thin_partitions := '{}';
    select
        coalesce((array_agg(m.month order by m.row_count desc, m.month) filter (where m.is_moved))[:v_own_months], '{}'),
        coalesce(sum(m.row_count) filter (where not m.is_moved), 0)
    into _partition_moves.months, v_rest
    from (
        select
            d.month,
            d.row_count,
            d.row_count >= v_own_month_rows
            or sum(d.row_count) over (order by d.row_count, d.month) > v_default_rows as is_moved
        from pgfeed._default_months(parent) as d
        where to_regclass('pgfeed.' || parent || to_char(d.month, '"_y"YYYY"m"MM')) is null
    ) as m;

    -- On Citus rows stay where they are: what is not attached is not spread either.
    if to_regclass('pg_catalog.pg_dist_partition') is not null then
        months := '{}';
        return;
    end if;
    for v_name in
        select c.relname
        from pg_inherits as i
        inner join pg_class as c on c.oid = i.inhrelid
        where
            i.inhparent = format('pgfeed.%I', parent)::regclass
            and c.relname ~ '_y[0-9]{4}m[0-9]{2}$'
            and to_date(right(c.relname, 7), 'YYYY"m"MM')::timestamptz
            not between now() - interval '1 month' and now() + interval '1 year'
        order by c.relname
    loop
        execute format('select count(*) from (select from pgfeed.%I limit %s) as r', v_name, v_thin_rows)
        into v_rows;
        exit when cardinality(thin_partitions) = v_thin_partitions or v_rest + v_rows > v_default_rows * 2 / 3;
        if v_rows < v_thin_rows then
            thin_partitions := thin_partitions || v_name;
            v_rest := v_rest + v_rows;
        end if;
    end loop;
end;
$$;

alter function pgfeed._partition_moves(text) owner to pgfeed_owner;

comment on function pgfeed._partition_moves(text) is
    'What arrange_partitions() has to do next for a table: at most 12 months that leave the default partition for one of their own, '
    'having 10,000 rows or, the largest first, because all together have more than 300,000; and partitions of '
    'months that are over, or more than a year from now, and have fewer than 5,000 rows, which go into it';

revoke all on function pgfeed._partition_moves(text) from public;
grant execute on function pgfeed._partition_moves(text) to pgfeed_operator;
