create or replace procedure pgfeed.ask_for_training(
    variant text,
    recipe text default null,
    switch boolean default false,
    inout job_id integer default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_settings constant jsonb := jsonb_strip_nulls(jsonb_build_object('recipe', recipe, 'switch', nullif(switch, false)));
begin
    if ask_for_training.variant is null or ask_for_training.variant !~ '^[a-z][a-z0-9_]{0,39}$'
        or pgfeed._is_without_model(ask_for_training.variant)
    then
        raise exception 'no model can be of variant %', coalesce(quote_literal(ask_for_training.variant), 'null')
            using errcode = '22023', hint = 'Name one that is trained: call pgfeed.ask_for_training(''control'')';
    end if;
    call pgfeed._check_recipe(ask_for_training.variant, ask_for_training.recipe);
    call pgfeed._note_new_variant(ask_for_training.variant);
    perform pg_advisory_xact_lock(hashtext('pgfeed.ask_for_job'));
    select j.job_id into ask_for_training.job_id
    from pgfeed.jobs as j
    where
        j.kind = 'train'
        and j.variant = ask_for_training.variant
        and j.settings = v_settings
        and j.finished_at is null
    limit 1;
    if not found then
        insert into pgfeed.jobs (kind, variant, settings)
        values ('train', ask_for_training.variant, v_settings)
        returning job_id into ask_for_training.job_id;
    end if;
end;
$$;

alter procedure pgfeed.ask_for_training(text, text, boolean, integer) owner to pgfeed_owner;

comment on procedure pgfeed.ask_for_training(text, text, boolean, integer) is
    'Asks a worker (pgfeed worker) to train a variant as pgfeed train does, by its own recipe or another one, and gives the '
    'job. switch: the gate then lets the new version serve, or not, see model_decisions. The same job if that is asked for already. See jobs and health()';

revoke all on procedure pgfeed.ask_for_training(text, text, boolean, integer) from public;
grant execute on procedure pgfeed.ask_for_training(text, text, boolean, integer) to pgfeed_operator;
