create or replace function pgfeed._due_steps(at timestamptz)
returns setof text
language plpgsql stable
cost 1000 rows 10
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select s.step
    from pgfeed._step_times(at) as s
    where s.due_at <= at
    order by s.number, s.step;
end;
$$;

alter function pgfeed._due_steps(timestamptz) owner to pgfeed_owner;

comment on function pgfeed._due_steps(timestamptz) is 'One row per step that tick() is to do at a moment, in order';

revoke all on function pgfeed._due_steps(timestamptz) from public;
grant execute on function pgfeed._due_steps(timestamptz) to pgfeed_operator;
