create or replace function pgfeed._due_steps(at timestamptz)
returns setof text
language plpgsql stable
cost 1000 rows 10
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
begin
    return query
    select w.step
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
    left join pgfeed.tick_steps as t on t.step = w.step
    where
        -- The tick of a day may begin some seconds earlier than that of the day before.
        coalesce(greatest(t.done_at, w.made_at) + w.every - least(w.every / 10, interval '1 hour') <= at, true)
        -- What was interrupted goes on at once, what failed waits.
        and (t.error is null or w.every = interval '0' or t.begun_at + interval '1 hour' <= at)
        -- What fails in the session of tick() ends it, and would at each call.
        and (w.number < 10 and w.step not in ('arrange', 'recommend') or coalesce(t.done_at >= t.begun_at or t.begun_at + interval '1 hour' <= at, t.step is null))
    order by w.number, w.step;
end;
$$;

alter function pgfeed._due_steps(timestamptz) owner to pgfeed_owner;

comment on function pgfeed._due_steps(timestamptz) is 'One row per step that tick() is to do at a moment, in order';

revoke all on function pgfeed._due_steps(timestamptz) from public;
grant execute on function pgfeed._due_steps(timestamptz) to pgfeed_operator;
