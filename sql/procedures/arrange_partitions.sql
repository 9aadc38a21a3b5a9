create or replace procedure pgfeed.arrange_partitions(
    inout move_count integer default null
)
language plpgsql
as $$
declare
    v_tries constant integer := 80;
    v_try integer;
    v_parent text;
    v_months timestamptz[];
    v_thin_partitions text[];
    v_token text;
    v_is_busy boolean;
    v_copied_at timestamptz;
    v_is_done boolean;
    v_is_dropped boolean;
begin
    call pgfeed._commit(v_is_done);
    if not v_is_done then
        raise exception 'arrange_partitions() commits as it goes, and cannot inside a transaction block'
            using errcode = '25001', hint = 'End the transaction first; with a driver switch autocommit on.';
    end if;
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'months cannot be arranged at the isolation level %', current_setting('transaction_isolation')
            using errcode = '25001', hint = 'First: set default_transaction_isolation = ''read committed''.';
    end if;
    move_count := 0;
    foreach v_parent in array array['feed_events', 'exposures'] loop
        v_try := 0;
        while v_try < v_tries loop
            call pgfeed._watch_partitions(v_parent, v_months, v_thin_partitions, v_token, v_is_busy);
            commit;
            exit when cardinality(v_months) + cardinality(v_thin_partitions) = 0;
            if v_token is null then
                -- Another session is waited for, however long it moves months.
                v_try := v_try + (not v_is_busy)::integer;
                perform pg_sleep(0.06);
                commit;
                continue;
            end if;
            call pgfeed._copy_partitions(v_parent, v_months, v_thin_partitions, v_token);
            commit;
            v_copied_at := clock_timestamp();
            loop
                v_is_done := false;
                while not v_is_done loop
                    call pgfeed._apply_partition_changes(v_parent, v_months, v_thin_partitions, v_token, v_is_done);
                    commit;
                end loop;
                call pgfeed._swap_partitions(
                    v_parent, v_months, v_thin_partitions, v_token, v_copied_at, v_is_done
                );
                commit;
                v_try := v_try + 1;
                exit when v_is_done is distinct from false or v_try >= v_tries;
                perform pg_sleep(0.06);
                commit;
            end loop;
            for v_drop_try in 1..v_tries loop
                call pgfeed._drop_partition_copies(v_parent, v_token, v_is_dropped);
                commit;
                exit when v_is_dropped;
                perform pg_sleep(0.06);
                commit;
            end loop;
            if v_is_done then
                move_count := move_count + cardinality(v_months) + cardinality(v_thin_partitions);
                v_try := 0;
            end if;
        end loop;
    end loop;
end;
$$;

alter procedure pgfeed.arrange_partitions(integer) owner to pgfeed_owner;

comment on procedure pgfeed.arrange_partitions(integer) is
    'Gives months of feed_events and exposures that have become large in the default partition one of their own, puts small '
    'months that are over together into it, and gives how many months moved. Nobody waits for more than about 100 ms: where long '
    'transactions are running it leaves all as it is, for the next call; where another session arranges it waits for that. '
    'Not inside a transaction block';

revoke all on procedure pgfeed.arrange_partitions(integer) from public;
grant execute on procedure pgfeed.arrange_partitions(integer) to pgfeed_operator;
