create or replace function pgfeed._require_moves(
    parent text,
    months timestamptz[],
    thin_partitions text[]
)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
    if
        parent is null
        or months is null
        or thin_partitions is null
        or exists (
            select
            from unnest(months) as m (month)
            group by m.month
            having
                count(*) > 1
                or m.month is null
                or m.month not between '1970-01-01' and '2099-12-01'
                or m.month <> date_trunc('month', m.month)
                or to_regclass(format('pgfeed.%I', parent || to_char(m.month, '"_y"YYYY"m"MM'))) is not null
        )
        or exists (
            select
            from unnest(thin_partitions) as t (name)
            group by t.name
            having
                count(*) > 1
                or t.name is null
                or not exists (
                    select
                    from pg_inherits as i
                    inner join pg_class as c on c.oid = i.inhrelid
                    where
                        i.inhparent = format('pgfeed.%I', parent)::regclass
                        and c.relname = t.name
                        and c.relname ~ '_y\d{4}m\d\d$'
                )
        )
    then
        raise exception 'these are no moves of partitions of %', coalesce(parent, 'a table')
            using errcode = '22023', hint = 'arrange_partitions() finds out which there are.';
    end if;
end;
$$;

alter function pgfeed._require_moves(text, timestamptz[], text[]) owner to pgfeed_owner;

comment on function pgfeed._require_moves(text, timestamptz[], text[]) is
    'Refuses what is no answer of _partition_moves(): months that are there already or no months, '
    'partitions that are not there';

revoke all on function pgfeed._require_moves(text, timestamptz[], text[]) from public;
