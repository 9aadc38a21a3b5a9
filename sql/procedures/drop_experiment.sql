create or replace procedure pgfeed.drop_experiment(
    experiment text
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_id integer := pgfeed._experiment_id(experiment);
begin
    perform from pgfeed.experiments as e where e.experiment_id = v_id and e.started_at is null for update;
    if not found then
        raise exception 'experiment % was started: it stays, with its exposures', experiment
            using errcode = '55000', hint = 'Only an experiment that was never started can be dropped.';
    end if;
    delete from pgfeed.experiment_arms as a where a.experiment_id = v_id;
    delete from pgfeed.experiments as e where e.experiment_id = v_id;
end;
$$;

alter procedure pgfeed.drop_experiment(text) owner to pgfeed_owner;

comment on procedure pgfeed.drop_experiment(text) is 'Deletes an experiment that was never started';

revoke all on procedure pgfeed.drop_experiment(text) from public;
grant execute on procedure pgfeed.drop_experiment(text) to pgfeed_operator;
