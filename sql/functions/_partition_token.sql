create or replace function pgfeed._partition_token(
    since xid8,
    months timestamptz[],
    thin_partitions text[]
)
returns text
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
    return format('%s %s', since, md5(months::text || thin_partitions::text));
end;
$$;

alter function pgfeed._partition_token(xid8, timestamptz[], text[]) owner to pgfeed_owner;

comment on function pgfeed._partition_token(xid8, timestamptz[], text[]) is
    'Names copies of arrange_partitions(): the oldest transaction whose rows they may lack, and what they are of';

revoke all on function pgfeed._partition_token(xid8, timestamptz[], text[]) from public;
