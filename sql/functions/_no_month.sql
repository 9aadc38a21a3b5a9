create or replace function pgfeed._no_month(
    parent text,
    months timestamptz[],
    thin_partitions text[]
)
returns text
language plpgsql stable strict
cost 1000
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_key constant text := pgfeed._partition_key(parent);
begin
    -- Months in a row are one range: PostgreSQL compares each range with each partition.
    return coalesce(
        (
            select string_agg(format('(%1$I < %2$L or %1$I >= %3$L)', v_key, r.first_month, r.last_month + interval '1 month'), ' and ')
            from (
                select
                    min(n.month) as first_month,
                    max(n.month) as last_month
                from (
                    select
                        m.month,
                        m.month - row_number() over (order by m.month) * interval '1 month' as before_row
                    from (
                        select to_date(right(c.relname, 7), 'YYYY"m"MM')::timestamptz as month
                        from pg_inherits as i
                        inner join pg_class as c on c.oid = i.inhrelid
                        where
                            i.inhparent = format('pgfeed.%I', parent)::regclass
                            and c.relname ~ '_y[0-9]{4}m[0-9]{2}$'
                            and c.relname <> all(thin_partitions)
                        union all
                        select o.month from unnest(months) as o (month)
                    ) as m
                ) as n
                group by n.before_row
            ) as r
        ),
        'true'
    );
end;
$$;

alter function pgfeed._no_month(text, timestamptz[], text[]) owner to pgfeed_owner;

comment on function pgfeed._no_month(text, timestamptz[], text[]) is
    'The condition that a row of the next default partition is of none of the months that there will be: with it '
    'as a constraint PostgreSQL need not read the rows when the partition is attached';

revoke all on function pgfeed._no_month(text, timestamptz[], text[]) from public;
