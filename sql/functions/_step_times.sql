create or replace function pgfeed._step_times(at timestamptz)
returns table (
    step text,
    number integer,
    due_at timestamptz
)
language plpgsql stable
cost 1000 rows 10
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
begin
    return query
    select
        w.step,
        w.number,
        greatest(
            -- The tick of a day may begin some seconds earlier than that of the day before.
            coalesce(greatest(t.done_at, w.made_at) + w.every - least(w.every / 10, interval '1 hour'), '-infinity'),
            -- What was interrupted goes on at once, what failed waits. What fails in the session of tick() ends it, and would
            -- at each call.
            case
                when
                    (t.error is not null and w.every > interval '0')
                    or ((w.number = 10 or w.step in ('arrange', 'recommend')) and coalesce(t.done_at < t.begun_at, t.step is not null))
                    then t.begun_at + interval '1 hour'
            end
        )
    from (
        select 1, 'roll_up', interval '0', null::timestamptz
        union all
        select 2, 'arrange', u.refresh_every, null from pgfeed.upkeep as u
        union all
        select 3, 'refresh', u.refresh_every, null from pgfeed.upkeep as u
        union all
        select 4, 'embed', u.refresh_every, null
        from pgfeed.upkeep as u
        where u.is_embedding and exists (select from pgfeed.embedders as e where e.is_active)
        union all
        -- A version that somebody trained meanwhile counts.
        select case s.train_in when 'worker' then 5 else 10 end, 'train ' || s.variant, s.train_every, (select max(m.created_at) from pgfeed.models as m where m.variant = s.variant)
        from pgfeed.schedules as s
        union all
        -- The experiment of a schedule that was ended is ended, too, when its time is over.
        select distinct 6, 'watch ' || d.variant, interval '0', null::timestamptz
        from pgfeed.model_decisions as d
        left join pgfeed.schedules as s on s.variant = d.variant
        left join pgfeed.experiments as e on e.experiment_id = d.experiment_id
        where
            d.decision = 'served'
            and d.champion is not null
            and (at <= d.decided_at + s.champion_time or (e.started_at is not null and e.stopped_at is null))
        union all
        select 7, 'drop_events', interval '1 day', null from pgfeed.upkeep as u where u.keep_events is not null
        union all
        select 8, 'drop_exposures', interval '1 day', null from pgfeed.upkeep as u where u.keep_exposures is not null
        union all
        select 9, 'recommend', u.recommend_every, null from pgfeed.upkeep as u where u.recommend_every is not null
    ) as w (number, step, every, made_at)
    left join pgfeed.tick_steps as t on t.step = w.step;
end;
$$;

alter function pgfeed._step_times(timestamptz) owner to pgfeed_owner;

comment on function pgfeed._step_times(timestamptz) is
    'One row per step that tick() has to do at a moment or later, in order of number, and from when it is due; -infinity: it was '
    'never done';

revoke all on function pgfeed._step_times(timestamptz) from public;
grant execute on function pgfeed._step_times(timestamptz) to pgfeed_reader, pgfeed_operator;
