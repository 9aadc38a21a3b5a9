create or replace function pgfeed._partition_token(
    parent text,
    months timestamptz[],
    thin_partitions text[]
)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
begin
    return (
        select md5(concat_ws(' ', months, thin_partitions, array_agg(i.inhrelid order by i.inhrelid)))
        from pg_inherits as i
        where i.inhparent = to_regclass(format('pgfeed.%I', parent))
    );
end;
$$;

alter function pgfeed._partition_token(text, timestamptz[], text[]) owner to pgfeed_owner;

comment on function pgfeed._partition_token(text, timestamptz[], text[]) is
    'A digest of moves between partitions and of the partitions that there are: it differs once one came or went';

revoke all on function pgfeed._partition_token(text, timestamptz[], text[]) from public;
