create or replace procedure pgfeed.set_schedule(
    variant text,
    train interval default null,
    train_in text default 'worker',
    recipe text default null
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
    insert into pgfeed.schedules as s (variant, train_every, train_in, recipe)
    values (set_schedule.variant, train, set_schedule.train_in, set_schedule.recipe)
    on conflict (variant) do update
    set
        train_every = excluded.train_every, train_in = excluded.train_in, recipe = excluded.recipe,
        set_at = excluded.set_at, set_by = excluded.set_by;
end;
$$;

alter procedure pgfeed.set_schedule(text, interval, text, text) owner to pgfeed_owner;

comment on procedure pgfeed.set_schedule(text, interval, text, text) is
    'Lets tick() train a variant so often (train), by a worker or in its own session, by its own recipe or another one. All '
    'arguments are set anew; train null: it is trained no more';

revoke all on procedure pgfeed.set_schedule(text, interval, text, text) from public;
grant execute on procedure pgfeed.set_schedule(text, interval, text, text) to pgfeed_operator;
