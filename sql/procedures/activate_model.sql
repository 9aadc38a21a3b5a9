create or replace procedure pgfeed.activate_model(
    variant text,
    version integer
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_model_id bigint;
    v_problems text[];
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.activate_model'));
    v_model_id := pgfeed._model_id(variant, version);
    v_problems := pgfeed._model_problems(v_model_id);
    if cardinality(v_problems) > 0 then
        raise exception 'model % version % cannot serve: %', variant, version, array_to_string(v_problems, '; ')
            using errcode = '55000', hint = 'The active model goes on serving. Train a new one.';
    end if;

    -- Else a rollback would go back to the same model.
    if exists (
        select
        from pgfeed.active_models as a
        where a.variant = activate_model.variant and a.version = activate_model.version
    ) then
        return;
    end if;
    insert into pgfeed.model_activations (variant, version, activated_by, replaced_activation_id)
    values (
        activate_model.variant,
        activate_model.version,
        session_user,
        (select a.activation_id from pgfeed.active_models as a where a.variant = activate_model.variant)
    );
--!include sql/_plain_errors.sql
end;
$$;

alter procedure pgfeed.activate_model(text, integer) owner to pgfeed_owner;

comment on procedure pgfeed.activate_model(text, integer) is
    'Makes a stored model serve its variant from the next call on, in all sessions. Refused unless its '
    'features exist here and its golden sample gets the trainer''s scores';

revoke all on procedure pgfeed.activate_model(text, integer) from public;
grant execute on procedure pgfeed.activate_model(text, integer) to pgfeed_operator;
