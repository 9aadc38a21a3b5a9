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
    v_replaced_id bigint;
    v_activation_id bigint;
    v_champion integer;
    v_champion_id bigint;
    v_time constant interval := coalesce(
        (select s.champion_time from pgfeed.schedules as s where s.variant = _watch.variant), '7 days'
    );
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
    -- Versions that served one after the other may have one experiment.
    if
        at > v_time + (select min(d.decided_at) from pgfeed.model_decisions as d where d.experiment_id = v_experiment.experiment_id)
    then
        update pgfeed.experiments as e
        set stopped_at = now(), concluded_at = now(), winner = 'challenger'
        where e.experiment_id = v_experiment.experiment_id;
        v_experiment := null;
    end if;
    if at > v_decision.decided_at + v_time then
        return;
    end if;
    v_champion := v_decision.champion;

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
            select a.version into v_champion
            from pgfeed.experiment_arms as a
            where a.experiment_id = v_experiment.experiment_id and a.arm = 'champion';
        end if;
    end if;
    -- What a feed's fallback answers has no version: new users are there before and after.
    select
        count(x.is_fallback) filter (where w.is_after) as answer_count,
        avg(x.is_fallback) filter (where w.is_after) as fallback_ratio,
        coalesce(avg(x.is_fallback) filter (where not w.is_after), 0) as fallback_ratio_before
    into v_answers
    from (
        values
        (true, v_decision.decided_at, _watch.at),
        (false, v_decision.decided_at - interval '7 days', v_decision.decided_at)
    ) as w (is_after, from_at, until_at)
    cross join lateral (
        select (l.source not in ('model', 'cold_start'))::integer as is_fallback
        from pgfeed.exposures as l
        where
            l.variant = _watch.variant
            and l.served_at >= w.from_at
            and l.served_at <= w.until_at
            and (
                not w.is_after
                or (
                    coalesce(l.model_version, v_decision.challenger) = v_decision.challenger
                    and (l.experiment_id = v_decision.experiment_id and l.arm = 'champion') is not true
                )
            )
        order by l.served_at desc
        limit 1000
    ) as x;
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
    where m.variant = v_decision.variant and m.version = v_champion and m.deleted_at is null;
    if v_champion_id is null or cardinality(pgfeed._model_problems(v_champion_id)) > 0 then
        raise exception '% version % is to be taken back (%), and the champion, version %, cannot serve any more: see rollback_model()',
            v_decision.variant, v_decision.challenger, array_to_string(v_reasons, '; '), v_champion
            using errcode = '55000', hint = format('Run: call pgfeed.rollback_model(%L)', v_decision.variant);
    end if;

    update pgfeed.experiments as e set stopped_at = now() where e.experiment_id = v_experiment.experiment_id;
    -- A rollback then goes back to what the champion had replaced.
    select a.replaced_activation_id into v_replaced_id
    from pgfeed.model_activations as a
    where a.variant = v_decision.variant and a.version = v_champion and a.activation_id < v_decision.activation_id
    order by a.activation_id desc
    limit 1;
    call pgfeed._activate(v_decision.variant, v_champion, v_replaced_id, v_activation_id);
    insert into pgfeed.model_decisions (
        variant, challenger, champion, decision, rule, reasons, figures, activation_id, experiment_id
    )
    values (
        v_decision.variant, v_decision.challenger, v_champion, 'taken back',
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
