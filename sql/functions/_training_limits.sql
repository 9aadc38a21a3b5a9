create or replace function pgfeed._training_limits()
returns table (
    memory bigint,
    threads integer,
    nice integer
)
language plpgsql stable
cost 100 rows 1
set search_path = pg_catalog, pg_temp
as $$
declare
    v_memory text := coalesce(nullif(current_setting('pgfeed.training_memory', true), ''), '2GB');
    v_threads text := coalesce(nullif(current_setting('pgfeed.training_threads', true), ''), '0');
    v_nice text := coalesce(nullif(current_setting('pgfeed.training_nice', true), ''), '10');
begin
    begin
        memory := pg_size_bytes(v_memory);
    exception when data_exception then
        memory := 0;
    end;
    if memory < pg_size_bytes('512MB') then -- CatBoost alone needs 350 MB
        raise exception 'pgfeed.training_memory is %', quote_literal(v_memory)
            using errcode = '22023', hint = 'Write a size such as ''2GB'', at least 512MB.';
    end if;
    if v_threads !~ '^[0-9]{1,3}$' then
        raise exception 'pgfeed.training_threads is %', quote_literal(v_threads)
            using errcode = '22023', hint = 'Write a number; 0: as many as there are processors.';
    end if;
    if v_nice !~ '^1?[0-9]$' then
        raise exception 'pgfeed.training_nice is %', quote_literal(v_nice)
            using errcode = '22023', hint = 'Write a number from 0 to 19.';
    end if;
    threads := v_threads;
    nice := v_nice;
    return next;
end;
$$;

alter function pgfeed._training_limits() owner to pgfeed_owner;

comment on function pgfeed._training_limits() is
    'One row: what a training in the server may take, by the settings pgfeed.training_memory (bytes), '
    'pgfeed.training_threads (0: as many as there are processors) and pgfeed.training_nice';

revoke all on function pgfeed._training_limits() from public;
grant execute on function pgfeed._training_limits() to pgfeed_operator;
