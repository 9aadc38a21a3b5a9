create or replace procedure pgfeed._activate(
    variant text,
    version integer,
    replaced_activation_id bigint,
    inout activation_id bigint default null
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into pgfeed.model_activations (variant, version, activated_by, replaced_activation_id)
    values (_activate.variant, _activate.version, session_user, _activate.replaced_activation_id)
    returning model_activations.activation_id into _activate.activation_id;
end;
$$;

alter procedure pgfeed._activate(text, integer, bigint, bigint) owner to pgfeed_owner;

comment on procedure pgfeed._activate(text, integer, bigint, bigint) is
    'Lets a version serve its variant from the next call on. replaced_activation_id: what a rollback goes back to';

revoke all on procedure pgfeed._activate(text, integer, bigint, bigint) from public;
