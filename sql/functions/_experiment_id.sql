create or replace function pgfeed._experiment_id(
    experiment text
)
returns integer
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_id integer;
begin
    select e.experiment_id into v_id from pgfeed.experiments as e where e.name = experiment;
    if v_id is null then
        raise exception 'there is no experiment %', coalesce(experiment, 'null')
            using errcode = '22023', hint = 'See: select name, started_at, stopped_at from pgfeed.experiments';
    end if;
    return v_id;
end;
$$;

alter function pgfeed._experiment_id(text) owner to pgfeed_owner;

comment on function pgfeed._experiment_id(text) is 'The number of an experiment; an unknown name is an error';

revoke all on function pgfeed._experiment_id(text) from public;
