create or replace procedure pgfeed.define_action(
    action text,
    sign integer default null,
    weight real default null,
    hides boolean default null,
    undoes text default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_old pgfeed.actions;
    v_new pgfeed.actions;
    v_has_events boolean := false;
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.roll_up_events'));
    select a.* into v_old from pgfeed.actions as a where a.action = define_action.action;
    v_new.action := action;
    v_new.undoes := coalesce(define_action.undoes, v_old.undoes);
    v_new.sign := coalesce(define_action.sign, v_old.sign, case when v_new.undoes is null then 1 else 0 end);
    v_new.weight := coalesce(define_action.weight, v_old.weight, 1);
    v_new.hides := coalesce(define_action.hides, v_old.hides, v_new.sign <> 0);
    if v_new.action is null or v_new.action !~ '^[^[:space:][:cntrl:]]([^[:cntrl:]]{0,38}[^[:space:][:cntrl:]])?$' or v_new.action <> lower(v_new.action) then
        raise exception 'the action is %', coalesce(quote_literal(action), 'null')
            using errcode = '22023', hint = 'Give a name of 1 to 40 small letters, such as save.';
    elsif v_new.sign not in (-1, 0, 1) then
        raise exception 'the sign of % is %', action, v_new.sign
            using errcode = '22023', hint = '1: a like, -1: a dislike, 0: neither.';
    elsif v_new.weight is null or not v_new.weight between 0 and 1000 then
        raise exception 'the weight of % is %', action, v_new.weight
            using errcode = '22023', hint = 'Give a number from 0 to 1000: 1 is that of a view.';
    elsif action = 'view' and (v_new.sign <> 0 or v_new.undoes is not null) then
        raise exception 'a view is neither a like nor a dislike'
            using errcode = '22023', hint = 'Its target says whether it was liked.';
    elsif v_new.undoes is not null and (v_new.sign <> 0 or not exists (
        select from pgfeed.actions as a where a.action = v_new.undoes and a.sign <> 0
    )) then
        raise exception '% cannot undo %', action, v_new.undoes
            using errcode = '22023', hint = 'What undoes has the sign 0, and undoes an action with the sign 1 or -1.';
    elsif v_new.sign = 0 and exists (select 1 from pgfeed.actions as a where a.undoes = v_new.action) then
        raise exception 'another action undoes %', action
            using errcode = '22023', hint = 'Remove that one first, by remove_action().';
    end if;
    if v_old.action is not null then
        v_has_events := (v_old.sign, v_old.hides, coalesce(v_old.undoes, ''))
            is distinct from (v_new.sign, v_new.hides, coalesce(v_new.undoes, ''));
    end if;
    insert into pgfeed.actions as a (action, sign, weight, hides, undoes)
    values (v_new.action, v_new.sign, v_new.weight, v_new.hides, v_new.undoes)
    on conflict (action) do update
    set sign = excluded.sign, weight = excluded.weight, hides = excluded.hides, undoes = excluded.undoes;
    if v_old.action is null or v_has_events then
        call pgfeed._check_actions();
    end if;
    if v_has_events then
        call pgfeed._recount_likes();
    end if;
end;
$$;

alter procedure pgfeed.define_action(text, integer, real, boolean, text) owner to pgfeed_owner;

comment on procedure pgfeed.define_action(text, integer, real, boolean, text) is
    'Lets events have an action, or changes one. sign: 1 is a like, -1 a dislike, 0 neither. weight: of an impression '
    'that it follows, in training. hides: whether it keeps the post out of the user''s lists; of view, whether a true '
    'target does. undoes: another action that it takes back. Null: as it is, for a new one sign 1, weight 1, and it hides '
    'unless its sign is 0. What counts as a like changes for all events there are, in the next roll-up';

revoke all on procedure pgfeed.define_action(text, integer, real, boolean, text) from public;
grant execute on procedure pgfeed.define_action(text, integer, real, boolean, text) to pgfeed_operator;
