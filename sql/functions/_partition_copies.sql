create or replace function pgfeed._partition_copies(
    parent text,
    months timestamptz[],
    thin_partitions text[]
)
returns table (
    source text,
    target text,
    condition text
)
language plpgsql stable strict
cost 100 rows 10
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
#variable_conflict use_column
declare
    v_key constant text := pgfeed._partition_key(parent);
begin
    return query
    with own as (
        select
            m.month,
            format('s.%1$I >= %2$L and s.%1$I < %3$L', v_key, m.month, m.month + interval '1 month') as condition
        from unnest(months) as m (month)
    )

    select
        parent || '_default',
        format('_next_%s_%s', parent, to_char(o.month, '"y"YYYY"m"MM')),
        o.condition
    from own as o
    union all
    select
        parent || '_default',
        format('_next_%s_default', parent),
        coalesce((select string_agg(format('not (%s)', o.condition), ' and ') from own as o), 'true')
    union all
    select
        t.name,
        format('_next_%s_default', parent),
        'true'
    from unnest(thin_partitions) as t (name);
end;
$$;

alter function pgfeed._partition_copies(text, timestamptz[], text[]) owner to pgfeed_owner;

comment on function pgfeed._partition_copies(text, timestamptz[], text[]) is
    'One row per copy that the moves of _partition_moves() need: from which partition, into which new table, which rows (s)';

revoke all on function pgfeed._partition_copies(text, timestamptz[], text[]) from public;
