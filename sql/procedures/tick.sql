create or replace procedure pgfeed.tick(
    at timestamptz default now(),
    inout steps text[] default null
)
language plpgsql
as $$
declare
    v_is_committed boolean;
    v_step text;
    v_is_alone boolean;
    v_is_done boolean;
    v_move_count integer;
    v_batch_id bigint;
    v_schedule record;
    v_version integer;
begin
    if not coalesce(isfinite(at), false) then
        raise exception 'tick() cannot be at %', coalesce(at::text, 'null')
            using errcode = '22023', hint = 'Give a moment, or nothing: now.';
    end if;
    if pg_catalog.current_setting('transaction_read_only')::boolean then
        raise exception 'tick() writes, and nothing can be written here'
            using errcode = '25006', hint = 'Call it on the primary, outside of a read-only transaction.';
    end if;
    call pgfeed._commit(v_is_committed);
    if not v_is_committed then
        raise exception 'tick() commits as it goes, and cannot inside a transaction block'
            using errcode = '25001', hint = 'End the transaction first; with a driver switch autocommit on.';
    end if;
    steps := '{}';
    -- By functions of pg_catalog: anybody's operator for text[] would be taken before one for any array.
    foreach v_step in array pg_catalog.array_append(
        array(select d.step from pgfeed._due_steps(at) as d (step)), 'tick'::text
    ) loop
        call pgfeed._begin_step(v_step, at, v_is_alone);
        commit;
        if v_is_alone and v_step = 'arrange' then
            call pgfeed.arrange_partitions(v_move_count);
        elsif v_is_alone and v_step = 'recommend' then
            call pgfeed.refresh_recommendations(batch_id => v_batch_id);
        elsif v_is_alone and v_step like 'train %' then
            select s.variant, s.recipe into v_schedule
            from pgfeed.schedules as s
            where 'train ' || s.variant = v_step and s.train_in = 'server';
            if found then
                commit;
                call pgfeed.train_model(v_schedule.variant, v_schedule.recipe, version => v_version);
            end if;
        end if;
        if v_is_alone then
            call pgfeed._do_step(v_step, at, v_is_done);
            commit;
        end if;
        if not v_is_alone or v_is_done is null then
            raise notice 'another session is at tick()';
            return;
        end if;
        if v_is_done and v_step <> 'tick' then
            steps := pg_catalog.array_append(steps, v_step);
        end if;
    end loop;
end;
$$;

alter procedure pgfeed.tick(timestamptz, text[]) owner to pgfeed_owner;

comment on procedure pgfeed.tick(timestamptz, text[]) is
    'Does what is due by set_upkeep() and set_schedule(), each step in transactions of its own, and gives the steps that it '
    'did: rolls up, refreshes, asks for embedding and training or trains, fills recommendations, drops old months. A step that fails '
    'keeps no other from being done, is in health(), and is tried again after an hour; one that was interrupted, by the next call '
    '(arrange, recommend and training in the server: after an hour). '
    'Where another session is at it, it does nothing. at: for tests, the moment that it takes for now. Not inside a transaction block';

revoke all on procedure pgfeed.tick(timestamptz, text[]) from public;
grant execute on procedure pgfeed.tick(timestamptz, text[]) to pgfeed_operator;
