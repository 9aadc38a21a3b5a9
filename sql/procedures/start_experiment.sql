create or replace procedure pgfeed.start_experiment(
    experiment text
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_id integer := pgfeed._experiment_id(experiment);
    v_running text;
    v_problem text;
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.start_experiment'));
    if exists (select from pgfeed.experiments as e where e.experiment_id = v_id and e.started_at is not null) then
        raise exception 'experiment % was started before', experiment
            using errcode = '55000', hint = 'Create a new one; with the same salt it splits the users the same way.';
    end if;
    -- That in which a champion keeps a share makes way.
    call pgfeed._stop_gate();
    select e.name into v_running
    from pgfeed.experiments as e
    where e.started_at is not null and e.stopped_at is null;
    if v_running is not null then
        raise exception 'experiment % is running', v_running
            using errcode = '55000', hint = format('One at a time. Run: call pgfeed.stop_experiment(%L)', v_running);
    end if;

    v_problem := pgfeed._arm_problems(v_id);
    if v_problem is not null then
        raise exception 'experiment % cannot start: %', experiment, v_problem
            using errcode = '55000',
            hint = format(
                'Run, if the features lack something: call pgfeed.refresh_features() -- '
                'to give it up: call pgfeed.drop_experiment(%L)', experiment
            );
    end if;

    update pgfeed.experiments as e set started_at = now() where e.experiment_id = v_id;
end;
$$;

alter procedure pgfeed.start_experiment(text) owner to pgfeed_owner;

comment on procedure pgfeed.start_experiment(text) is
    'From the next call on, recommend_posts and serve_posts follow the arms of the experiment, in all sessions. '
    'Refused while another one runs (that of a gate ends), after it was started once, and if a model of an arm cannot serve';

revoke all on procedure pgfeed.start_experiment(text) from public;
grant execute on procedure pgfeed.start_experiment(text) to pgfeed_operator;
