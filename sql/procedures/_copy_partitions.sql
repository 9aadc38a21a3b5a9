create or replace procedure pgfeed._copy_partitions(
    parent text,
    months timestamptz[],
    thin_partitions text[],
    token text
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_key text;
    v_month timestamptz;
    v_copy record;
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.create_event_partitions'));
    if not pgfeed._is_partition_token(parent, months, thin_partitions, token) then
        return;
    end if;
    v_key := pgfeed._partition_key(parent);
    execute format('create table pgfeed.%I (like pgfeed.%I including all)', format('_next_%s_default', parent), parent);
    execute format('create index on pgfeed.%I (%I)', format('_next_%s_default', parent), v_key);
    foreach v_month in array months loop
        execute format(
            'create table pgfeed.%1$I (like pgfeed.%2$I including all, constraint month check (%3$I >= %4$L and %3$I < %5$L))',
            format('_next_%s_%s', parent, to_char(v_month, '"y"YYYY"m"MM')), parent,
            v_key, v_month, v_month + interval '1 month'
        );
    end loop;
    execute format(
        'alter table pgfeed.%I add constraint no_month check (%s)',
        format('_next_%s_default', parent), pgfeed._no_month(parent, months, thin_partitions)
    );

    for v_copy in
        select c.source, c.target, c.condition from pgfeed._partition_copies(parent, months, thin_partitions) as c
    loop
        execute format('insert into pgfeed.%I select * from pgfeed.%I as s where %s', v_copy.target, v_copy.source, v_copy.condition);
    end loop;
end;
$$;

alter procedure pgfeed._copy_partitions(text, timestamptz[], text[], text) owner to pgfeed_owner;

comment on procedure pgfeed._copy_partitions(text, timestamptz[], text[], text) is
    'Copies rows into the tables that will be partitions, without a lock that others wait for';

revoke all on procedure pgfeed._copy_partitions(text, timestamptz[], text[], text) from public;
grant execute on procedure pgfeed._copy_partitions(text, timestamptz[], text[], text) to pgfeed_operator;
