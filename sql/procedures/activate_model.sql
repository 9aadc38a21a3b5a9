create or replace procedure pgfeed.activate_model(
    variant text,
    version integer,
    force boolean default false
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_model_id bigint;
    v_problems text[];
    v_refused pgfeed.model_decisions;
    v_active pgfeed.active_models;
    v_activation_id bigint;
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.activate_model'));
    v_model_id := pgfeed._model_id(variant, version);
    v_problems := pgfeed._model_problems(v_model_id);
    if cardinality(v_problems) > 0 then
        raise exception 'model % version % cannot serve: %', variant, version, array_to_string(v_problems, '; ')
            using errcode = '55000', hint = 'The active model goes on serving. Train a new one.';
    end if;

    -- Else a rollback would go back to the same model.
    select a.* into v_active from pgfeed.active_models as a where a.variant = activate_model.variant;
    if v_active.version = activate_model.version then
        return;
    end if;
    select d.* into v_refused
    from pgfeed.model_decisions as d
    where d.variant = activate_model.variant and d.challenger = activate_model.version
    order by d.decision_id desc
    limit 1;
    if v_refused.decision in ('refused', 'taken back') and not coalesce(force, false) then
        raise exception 'model % version % was %: %', variant, version, v_refused.decision, array_to_string(v_refused.reasons, '; ')
            using errcode = '55000',
            hint = format('Run, to let it serve all the same: call pgfeed.activate_model(%L, %s, force => true)', variant, version);
    end if;
    call pgfeed._activate(variant, version, v_active.activation_id, v_activation_id);
    if force then
        insert into pgfeed.model_decisions (variant, challenger, champion, decision, rule, reasons, figures, activation_id)
        values (
            activate_model.variant, activate_model.version, v_active.version, 'served', 'forced: none', '{}', '{}', v_activation_id
        );
    end if;
    -- The gate compares what it switched, and nothing else.
    call pgfeed._stop_gate(activate_model.variant);
--!include sql/_plain_errors.sql
end;
$$;

alter procedure pgfeed.activate_model(text, integer, boolean) owner to pgfeed_owner;

comment on procedure pgfeed.activate_model(text, integer, boolean) is
    'Makes a stored model serve its variant from the next call on, in all sessions. Refused unless its '
    'features exist here and its golden sample gets the trainer''s scores; and if the gate refused it or took it back, see '
    'model_decisions, unless force: that is written down there';

revoke all on procedure pgfeed.activate_model(text, integer, boolean) from public;
grant execute on procedure pgfeed.activate_model(text, integer, boolean) to pgfeed_operator;
