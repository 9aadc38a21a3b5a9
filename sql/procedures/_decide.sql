create or replace procedure pgfeed._decide(
    variant text,
    version integer,
    trial jsonb,
    inout decision text default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_model_id bigint;
    v_active pgfeed.active_models;
    v_champion integer;
    v_schedule pgfeed.schedules;
    v_margin double precision;
    v_figures jsonb;
    v_reasons text[];
    v_experiment_id integer;
    v_activation_id bigint;
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.activate_model'));
    select d.decision into _decide.decision
    from pgfeed.model_decisions as d
    where d.variant = _decide.variant and d.challenger = _decide.version
    order by d.decision_id desc
    limit 1;
    if found then
        return;
    end if;
    v_model_id := pgfeed._model_id(variant, version);
    select a.* into v_active from pgfeed.active_models as a where a.variant = _decide.variant;
    v_champion := v_active.version;
    if v_champion = version then
        decision := 'served';
        return;
    end if;
    -- One that cannot serve is no champion: it would keep out what can for ever.
    if (case when v_champion is not null then cardinality(pgfeed._model_problems(pgfeed._model_id(variant, v_champion))) > 0 end) then
        v_champion := null;
    end if;
    -- Somebody let another one serve since: it is to be measured against that.
    if v_champion is distinct from (trial ->> 'champion')::integer then
        return;
    end if;
    select s.* into v_schedule from pgfeed.schedules as s where s.variant = _decide.variant;
    v_margin := coalesce(v_schedule.margin, 0.02);

    v_figures := coalesce(trial, '{}') || jsonb_build_object(
        'problems', to_jsonb(pgfeed._model_problems(v_model_id)), 'champion', v_champion
    );
    if v_figures -> 'problems' = '[]' then
        v_figures := v_figures || jsonb_build_object(
            'lists', jsonb_build_object(
                'challenger', pgfeed._list_figures(variant, version),
                'champion', case when v_champion is not null then pgfeed._list_figures(variant, v_champion) end
            )
        );
    end if;
    v_reasons := pgfeed._gate_reasons(v_figures, v_margin);
    decision := case when v_reasons = '{}' then 'served' else 'refused' end;
    if decision = 'served' then
        call pgfeed._activate(variant, version, v_active.activation_id, v_activation_id);
        call pgfeed._keep_champion(variant, version, v_champion, v_experiment_id);
    end if;
    insert into pgfeed.model_decisions (
        variant, challenger, champion, decision, rule, reasons, figures, activation_id, experiment_id
    )
    values (
        _decide.variant, version, v_champion, decision,
        format('not clearly behind by more than %s%% of the champion''s AUC (logged), NDCG@10 (full) or likes per list (off-policy), and no guardrail', 100 * v_margin),
        v_reasons, v_figures, v_activation_id, v_experiment_id
    );
end;
$$;

alter procedure pgfeed._decide(text, integer, jsonb, text) owner to pgfeed_owner;

comment on procedure pgfeed._decide(text, integer, jsonb, text) is
    'Lets a version serve or not, by what was measured where it was trained (trial, see loader/measuring/gate.py) and by the lists '
    'that it would give, and writes the decision down. A version is decided on once. decision null: another champion serves than in trial';

revoke all on procedure pgfeed._decide(text, integer, jsonb, text) from public;
