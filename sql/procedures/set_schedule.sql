create or replace procedure pgfeed.set_schedule(
    variant text,
    train interval default null,
    train_in text default 'worker',
    recipe text default null,
    switch boolean default true,
    margin real default 0.02,
    champion_share real default 0.05,
    champion_time interval default '7 days'
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
begin
    if set_schedule.variant is null or set_schedule.variant !~ '^[a-z][a-z0-9_]{0,39}$'
        or pgfeed._is_without_model(set_schedule.variant)
    then
        raise exception 'no model can be of variant %', coalesce(quote_literal(set_schedule.variant), 'null')
            using errcode = '22023', hint = 'Name one that is trained: call pgfeed.set_schedule(''control'', train => ''1 day'')';
    end if;
    if train is null then
        delete from pgfeed.schedules as s where s.variant = set_schedule.variant;
        return;
    end if;
    if train < interval '1 hour' then
        raise exception 'a variant cannot be trained every %', train
            using errcode = '22023', hint = 'Give an hour or more, such as ''1 day''; null ends it.';
    end if;
    if coalesce(set_schedule.train_in not in ('worker', 'server'), true) then
        raise exception 'nothing can be trained in %', coalesce(quote_literal(set_schedule.train_in), 'null')
            using errcode = '22023', hint = 'Give ''worker'' (pgfeed worker) or ''server'' (the session of tick()).';
    end if;
    if coalesce(set_schedule.margin not between 0 and 1, true) or coalesce(set_schedule.champion_share not between 0 and 0.5, true)
        or coalesce(set_schedule.champion_time <= interval '0', true)
    then
        raise exception 'margin %, champion_share %, champion_time % cannot be', coalesce(set_schedule.margin::text, 'null'),
            coalesce(set_schedule.champion_share::text, 'null'), coalesce(set_schedule.champion_time::text, 'null')
            using errcode = '22023', hint = 'Give a margin from 0 to 1, a share from 0 to 0.5, and a time such as ''7 days''.';
    end if;
    if set_schedule.champion_share > 0 and set_schedule.champion_share < 0.01 then
        raise exception 'a champion is never compared with % of the users', set_schedule.champion_share
            using errcode = '22023', hint = 'Give 0.01 (1%) to 0.5, or 0: it keeps none.';
    end if;
    if switch is null then
        raise exception 'switch is null' using errcode = '22023', hint = 'Give true, or false: then you switch.';
    end if;
    call pgfeed._check_recipe(set_schedule.variant, set_schedule.recipe);
    call pgfeed._note_new_variant(set_schedule.variant);
    insert into pgfeed.schedules as s (variant, train_every, train_in, recipe, is_switching, margin, champion_share, champion_time)
    values (
        set_schedule.variant, train, set_schedule.train_in, set_schedule.recipe, switch, set_schedule.margin,
        set_schedule.champion_share, set_schedule.champion_time
    )
    on conflict (variant) do update
    set
        train_every = excluded.train_every, train_in = excluded.train_in, recipe = excluded.recipe,
        is_switching = excluded.is_switching, margin = excluded.margin, champion_share = excluded.champion_share,
        champion_time = excluded.champion_time,
        set_at = excluded.set_at, set_by = excluded.set_by;
end;
$$;

alter procedure pgfeed.set_schedule(text, interval, text, text, boolean, real, real, interval) owner to pgfeed_owner;

comment on procedure pgfeed.set_schedule(text, interval, text, text, boolean, real, real, interval) is
    'Lets tick() train a variant so often (train), by a worker or in its own session (then a worker compares), by its own recipe or another one. '
    'switch: the gate lets a new version serve if it is not clearly behind the active one by more than margin and trips no '
    'guardrail, see model_decisions; then the champion keeps champion_share of the users for champion_time, and a clearly worse '
    'model is taken back. All arguments are set anew; train null: it is trained no more';

revoke all on procedure pgfeed.set_schedule(text, interval, text, text, boolean, real, real, interval) from public;
grant execute on procedure pgfeed.set_schedule(text, interval, text, text, boolean, real, real, interval) to pgfeed_operator;
