create or replace procedure pgfeed.stop_experiment(
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
    update pgfeed.experiments as e
    set stopped_at = now()
    where e.experiment_id = v_id and e.started_at is not null and e.stopped_at is null;
    if not found then
        raise exception 'experiment % is not running', experiment
            using errcode = '55000', hint = 'See: select name, started_at, stopped_at from pgfeed.experiments';
    end if;
end;
$$;

alter procedure pgfeed.stop_experiment(text) owner to pgfeed_owner;

comment on procedure pgfeed.stop_experiment(text) is
    'Ends an experiment: from the next call on everybody gets the default variant. Its exposures stay';

revoke all on procedure pgfeed.stop_experiment(text) from public;
grant execute on procedure pgfeed.stop_experiment(text) to pgfeed_operator;
