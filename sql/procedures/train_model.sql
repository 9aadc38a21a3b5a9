create or replace procedure pgfeed.train_model(
    variant text,
    recipe text default null,
    until date default null,
    seed integer default null,
    inout version integer default null
)
language plpgsql
as $$
declare
    v_error text[];
begin
    if variant is null then
        raise exception 'no variant is named'
            using errcode = '22004', hint = 'Run: call pgfeed.train_model(''control'')';
    end if;
    if not pg_catalog.isfinite(until) then
        raise exception 'nothing can be learned until %', until
            using errcode = '22023', hint = 'Give a day; nothing: all days.';
    end if;
    call pgfeed._train_model(variant, recipe, until, seed, version, v_error);
    if v_error is not null and v_error[3] is null then
        raise exception using errcode = v_error[1], message = v_error[2];
    elsif v_error is not null then
        raise exception using errcode = v_error[1], message = v_error[2], hint = v_error[3];
    end if;
end;
$$;

alter procedure pgfeed.train_model(text, text, date, integer, integer) owner to pgfeed_owner;

comment on procedure pgfeed.train_model(text, text, date, integer, integer) is
    'Trains a variant as pgfeed train does, by the server''s own Python, stores the model, inactive, and gives its version. recipe: '
    'control, test, test_fresh, negatives or a text of TOML; null: the variant''s own, else that of its newest version, else the one '
    'that suits the feed. until: learns from days before it only. seed: of the trees. One training at a time, in a process that the '
    'settings pgfeed.training_memory, pgfeed.training_threads and pgfeed.training_nice limit. It commits as it goes: not inside a '
    'transaction block. Notices and health() say how far it is';

revoke all on procedure pgfeed.train_model(text, text, date, integer, integer) from public;
grant execute on procedure pgfeed.train_model(text, text, date, integer, integer) to pgfeed_operator;
