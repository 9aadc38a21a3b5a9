create or replace function pgfeed._is_partition_token(
    parent text,
    months timestamptz[],
    thin_partitions text[],
    token text
)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        token = obj_description(to_regclass(format('pgfeed.%I', '_next_' || parent || '_changes')), 'pg_class')
        and current_setting('transaction_isolation') = 'read committed'
        and split_part(token, ' ', 3) = pgfeed._partition_token(parent, months, thin_partitions),
        false
    );
end;
$$;

alter function pgfeed._is_partition_token(text, timestamptz[], text[], text) owner to pgfeed_owner;

comment on function pgfeed._is_partition_token(text, timestamptz[], text[], text) is
    'Whether the moves that _watch_partitions() planned are still those: no other session began anew, and no partition came or went';

revoke all on function pgfeed._is_partition_token(text, timestamptz[], text[], text) from public;
