create or replace procedure pgfeed._apply_partition_changes(
    parent text,
    months timestamptz[],
    thin_partitions text[],
    token text,
    inout is_done boolean default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
-- Few rows of tables without statistics: by their keys.
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    v_most constant integer := 200;
    v_changes constant text := format('_next_%s_changes', parent);
    v_key text;
    v_same text;
    v_ids bigint[];
    v_is_empty boolean;
    v_copy record;
begin
    is_done := null;
    if not pgfeed._is_partition_token(parent, months, thin_partitions, token) then
        return;
    end if;
    select
        string_agg(quote_ident(a.attname), ', ' order by a.attnum),
        string_agg(format('r.%1$I = c.%1$I', a.attname), ' and ' order by a.attnum)
    into v_key, v_same
    from pg_index as i
    inner join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey[:i.indnkeyatts - 1])
    where i.indrelid = format('pgfeed.%I', parent)::regclass and i.indisprimary;
    execute format(
        'select array_agg(c.change_id), coalesce(bool_or(c.user_id is null), false) '
        'from (select * from pgfeed.%I order by change_id limit %s) as c', v_changes, v_most
    )
    into v_ids, v_is_empty;
    if v_is_empty then
        return;
    end if;
    is_done := coalesce(cardinality(v_ids), 0) < v_most;
    if v_ids is null then
        return;
    end if;
    for v_copy in
        select distinct c.target from pgfeed._partition_copies(parent, months, thin_partitions) as c
    loop
        execute format(
            'delete from pgfeed.%I as r using pgfeed.%I as c where c.change_id = any($1) and %s', v_copy.target, v_changes, v_same
        ) using v_ids;
    end loop;
    for v_copy in
        select c.source, c.target, c.condition from pgfeed._partition_copies(parent, months, thin_partitions) as c
    loop
        execute format(
            'insert into pgfeed.%I select s.* from (select distinct %s from pgfeed.%I where change_id = any($1)) as c '
            'inner join pgfeed.%I as s on %s where %s',
            v_copy.target, v_key, v_changes, v_copy.source, replace(v_same, 'r.', 's.'), v_copy.condition
        ) using v_ids;
    end loop;
    execute format('delete from pgfeed.%I where change_id = any($1)', v_changes) using v_ids;
end;
$$;

alter procedure pgfeed._apply_partition_changes(text, timestamptz[], text[], text, boolean) owner to pgfeed_owner;

comment on procedure pgfeed._apply_partition_changes(text, timestamptz[], text[], text, boolean) is
    'Makes the oldest 200 logged changes of rows in the copies of _copy_partitions(). is_done: these were all; null: the '
    'copies are of no use any more, as another session made others or somebody emptied a partition';

revoke all on procedure pgfeed._apply_partition_changes(text, timestamptz[], text[], text, boolean) from public;
grant execute on procedure pgfeed._apply_partition_changes(text, timestamptz[], text[], text, boolean) to pgfeed_operator;
