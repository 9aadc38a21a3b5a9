create or replace procedure pgfeed.conclude_experiment(
    experiment text,
    winner text
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_id integer := pgfeed._experiment_id(experiment);
    v_arms text;
begin
    select string_agg(a.arm, ', ' order by a.number) into v_arms
    from pgfeed.experiment_arms as a
    where a.experiment_id = v_id
    having bool_and(a.arm is distinct from conclude_experiment.winner);
    if v_arms is not null then
        raise exception 'experiment % has no arm %', experiment, coalesce(winner, 'null')
            using errcode = '22023', hint = format('Its arms: %s.', v_arms);
    end if;
    update pgfeed.experiments as e
    set
        stopped_at = coalesce(e.stopped_at, now()),
        concluded_at = now(),
        winner = conclude_experiment.winner
    where e.experiment_id = v_id and e.started_at is not null and e.concluded_at is null;
    if not found then
        raise exception 'experiment % never ran or is concluded', experiment
            using errcode = '55000', hint = 'See: select name, started_at, winner from pgfeed.experiments';
    end if;
    if not exists (select 1 from pgfeed.exposures as x where x.experiment_id = v_id) then
        raise warning 'experiment % has no exposures: nothing that pgfeed logged says who won', experiment;
    end if;
end;
$$;

alter procedure pgfeed.conclude_experiment(text, text) owner to pgfeed_owner;

comment on procedure pgfeed.conclude_experiment(text, text) is
    'Stops an experiment if it runs and records which arm won; warns if no exposure was logged. What serves afterwards is the setting '
    'pgfeed.default_variant, which this does not change';

revoke all on procedure pgfeed.conclude_experiment(text, text) from public;
grant execute on procedure pgfeed.conclude_experiment(text, text) to pgfeed_operator;
