create or replace procedure pgfeed._begin_step(
    step text,
    at timestamptz,
    inout is_alone boolean default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
begin
    is_alone := pg_try_advisory_xact_lock(hashtext('pgfeed.tick'));
    if is_alone then
        insert into pgfeed.tick_steps as t (step, begun_at)
        values (_begin_step.step, _begin_step.at)
        on conflict (step) do update set begun_at = excluded.begun_at;
    end if;
end;
$$;

alter procedure pgfeed._begin_step(text, timestamptz, boolean) owner to pgfeed_owner;

comment on procedure pgfeed._begin_step(text, timestamptz, boolean) is
    'Writes down that tick() begins a step, and says whether no other session is at one';

revoke all on procedure pgfeed._begin_step(text, timestamptz, boolean) from public;
grant execute on procedure pgfeed._begin_step(text, timestamptz, boolean) to pgfeed_operator;
