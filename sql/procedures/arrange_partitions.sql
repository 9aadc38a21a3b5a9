create or replace procedure pgfeed.arrange_partitions(
    inout move_count integer default null
)
language plpgsql
as $$
declare
    v_tries constant integer := 80;
    v_parent text;
    v_moves record;
    v_token text;
    v_copied_at timestamptz;
    v_is_done boolean;
begin
    call pgfeed._commit(v_is_done);
    if not v_is_done then
        raise exception 'arrange_partitions() commits as it goes, and cannot inside a transaction block'
            using errcode = '25001', hint = 'End the transaction first; with a driver switch autocommit on.';
    end if;
    move_count := 0;
    foreach v_parent in array array['feed_events', 'exposures'] loop
        loop
            select m.months, m.thin_partitions into v_moves from pgfeed._partition_moves(v_parent) as m;
            exit when cardinality(v_moves.months) + cardinality(v_moves.thin_partitions) = 0;
            v_token := null;
            call pgfeed._copy_partitions(v_parent, v_moves.months, v_moves.thin_partitions, v_token);
            commit;
            v_copied_at := clock_timestamp();
            for v_try in 1..v_tries loop
                v_is_done := false;
                call pgfeed._swap_partitions(
                    v_parent, v_moves.months, v_moves.thin_partitions, v_token, v_copied_at, v_is_done
                );
                commit;
                exit when v_is_done is distinct from false;
                perform pg_sleep(0.06);
                commit;
            end loop;
            call pgfeed._drop_partition_copies(v_parent);
            commit;
            exit when v_is_done is distinct from true;
            move_count := move_count + cardinality(v_moves.months) + cardinality(v_moves.thin_partitions);
        end loop;
    end loop;
end;
$$;

alter procedure pgfeed.arrange_partitions(integer) owner to pgfeed_owner;

comment on procedure pgfeed.arrange_partitions(integer) is
    'Gives months of feed_events and exposures that have become large in the default partition one of their own, puts small '
    'months that are over together into it, and gives how many months moved. Nobody waits for more than about 100 ms: where long '
    'transactions are running it leaves all as it is, for the next call. Not inside a transaction block';

revoke all on procedure pgfeed.arrange_partitions(integer) from public;
grant execute on procedure pgfeed.arrange_partitions(integer) to pgfeed_operator;
