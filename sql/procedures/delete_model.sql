create or replace procedure pgfeed.delete_model(
    variant text,
    version integer
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_model_id bigint;
    v_experiment text;
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.activate_model'));
    perform pg_advisory_xact_lock(hashtext('pgfeed.start_experiment'));
    v_model_id := pgfeed._model_id(variant, version);
    if exists (select from pgfeed.active_models as a where a.model_id = v_model_id) then
        raise exception 'model % version % is active', variant, version
            using errcode = '55000',
            hint = format('Run, to let the one before it serve: call pgfeed.rollback_model(%L)', variant);
    end if;
    select e.name into v_experiment
    from pgfeed.experiment_arms as a
    inner join pgfeed.experiments as e on e.experiment_id = a.experiment_id
    where
        a.variant = delete_model.variant
        and a.version = delete_model.version
        and e.started_at is not null
        and e.stopped_at is null;
    if v_experiment is not null then
        raise exception 'model % version % serves an arm of the running experiment %', variant, version, v_experiment
            using errcode = '55000', hint = format('Run: call pgfeed.stop_experiment(%L)', v_experiment);
    end if;

    -- The row stays, so that the number of a version is never given again.
    update pgfeed.models as m
    set
        deleted_at = now(), artifact = '', trees = null, evaluation_artifact = null, encoders = '{}', golden_matrix = '',
        golden_scores = '{}'
    where m.model_id = v_model_id;
end;
$$;

alter procedure pgfeed.delete_model(text, integer) owner to pgfeed_owner;

comment on procedure pgfeed.delete_model(text, integer) is
    'Deletes a stored model: what is left is that there was one, its metrics and its evaluations. Refused while it is '
    'active or an arm of the running experiment. rollback_model() passes over it';

revoke all on procedure pgfeed.delete_model(text, integer) from public;
grant execute on procedure pgfeed.delete_model(text, integer) to pgfeed_operator;
