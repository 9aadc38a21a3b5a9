create or replace procedure pgfeed._watch(
    variant text,
    at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_decision pgfeed.model_decisions;
    v_experiment pgfeed.experiments;
    v_report record;
    v_answers record;
    v_is_active boolean;
    v_reasons text[] := '{}';
    v_activation_id bigint;
    v_champion_id bigint;
    v_time interval := (select s.champion_time from pgfeed.schedules as s where s.variant = _watch.variant);
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.activate_model'));
    select d.* into v_decision
    from pgfeed.model_decisions as d
    where d.variant = _watch.variant and d.decision in ('served', 'taken back')
    order by d.decision_id desc
    limit 1;
    if v_decision.decision is distinct from 'served' or v_decision.champion is null then
        return;
    end if;
    v_is_active := exists (select from pgfeed.active_models as a where a.activation_id = v_decision.activation_id);
    select e.* into v_experiment
    from pgfeed.experiments as e
    where e.experiment_id = v_decision.experiment_id and e.stopped_at is null;
    if not v_is_active then
        -- Somebody let another version serve: there is nothing to compare any more.
        update pgfeed.experiments as e set stopped_at = now() where e.experiment_id = v_experiment.experiment_id;
        return;
    end if;
    if at > v_decision.decided_at + coalesce(v_time, '7 days') then
        if v_experiment.experiment_id is not null then
            update pgfeed.experiments as e
            set stopped_at = now(), concluded_at = now(), winner = 'challenger'
            where e.experiment_id = v_experiment.experiment_id;
        end if;
        return;
    end if;

    if v_experiment.experiment_id is not null then
        select r.value, r.lift, r.sequential_low, r.sequential_high, r.sequential_p_value, r.user_count, r.exposure_count
        into v_report
        from pgfeed.experiment_report(v_experiment.name, until => _watch.at) as r
        where r.metric = 'hit rate' and r.arm = 'challenger';
        if v_report.sequential_high < 0 then
            v_reasons := v_reasons || format(
                'its hit rate is clearly below the champion''s: %s%% (%s%% to %s%%, valid at every look)',
                round((100 * v_report.lift)::numeric, 1), round((100 * v_report.sequential_low)::numeric, 1),
                round((100 * v_report.sequential_high)::numeric, 1)
            );
        end if;
    end if;
    -- What a feed's fallback answers has no version: new users are there before and after.
    select w.*, coalesce(b.fallback_ratio, 0) as fallback_ratio_before
    into v_answers
    from (
        select
            count(*) as answer_count,
            avg((x.source not in ('model', 'cold_start'))::integer) as fallback_ratio
        from (
            select x.source
            from pgfeed.exposures as x
            where
                x.variant = _watch.variant
                and x.served_at >= v_decision.decided_at
                and x.served_at <= _watch.at
                and coalesce(x.model_version, v_decision.challenger) = v_decision.challenger
                and (x.experiment_id = v_decision.experiment_id and x.arm = 'champion') is not true
            order by x.served_at desc
            limit 1000
        ) as x
    ) as w
    cross join (
        select avg((x.source not in ('model', 'cold_start'))::integer) as fallback_ratio
        from (
            select x.source
            from pgfeed.exposures as x
            where
                x.variant = _watch.variant
                and x.served_at < v_decision.decided_at
                and x.served_at >= v_decision.decided_at - interval '7 days'
            order by x.served_at desc
            limit 1000
        ) as x
    ) as b;
    if v_answers.answer_count >= 50 and v_answers.fallback_ratio > v_answers.fallback_ratio_before + 0.2 then
        v_reasons := v_reasons || format(
            '%s%% of its answers are a fallback, of those before it %s%%',
            round(100 * v_answers.fallback_ratio), round(100 * v_answers.fallback_ratio_before)
        );
    end if;
    if v_reasons = '{}' then
        return;
    end if;

    select m.model_id into v_champion_id
    from pgfeed.models as m
    where m.variant = v_decision.variant and m.version = v_decision.champion and m.deleted_at is null;
    if v_champion_id is null or cardinality(pgfeed._model_problems(v_champion_id)) > 0 then
        raise exception '% version % is to be taken back (%), and the champion, version %, cannot serve any more: see rollback_model()',
            v_decision.variant, v_decision.challenger, array_to_string(v_reasons, '; '), v_decision.champion
            using errcode = '55000', hint = format('Run: call pgfeed.rollback_model(%L)', v_decision.variant);
    end if;

    update pgfeed.experiments as e set stopped_at = now() where e.experiment_id = v_experiment.experiment_id;
    insert into pgfeed.model_activations (variant, version, activated_by, replaced_activation_id)
    select v_decision.variant, v_decision.champion, session_user, c.replaced_activation_id
    from pgfeed.model_activations as a
    left join pgfeed.model_activations as c on c.activation_id = a.replaced_activation_id
    where a.activation_id = v_decision.activation_id
    returning activation_id into v_activation_id;
    insert into pgfeed.model_decisions (
        variant, challenger, champion, decision, rule, reasons, figures, activation_id, experiment_id
    )
    values (
        v_decision.variant, v_decision.challenger, v_decision.champion, 'taken back',
        'hit rate not clearly below the champion''s by a test that is valid at every look, at most 20% more of 50 or more answers a fallback than before',
        v_reasons, jsonb_strip_nulls(jsonb_build_object('report', to_jsonb(v_report), 'answers', to_jsonb(v_answers))),
        v_activation_id, v_decision.experiment_id
    );
end;
$$;

alter procedure pgfeed._watch(text, timestamptz) owner to pgfeed_owner;

comment on procedure pgfeed._watch(text, timestamptz) is
    'Takes back the model that the gate let serve last, if it turned out to be worse than the champion or its answers are a '
    'fallback; ends the experiment of the two when its time is over';

revoke all on procedure pgfeed._watch(text, timestamptz) from public;
