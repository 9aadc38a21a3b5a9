create or replace procedure pgfeed.rollback_model(
    variant text,
    inout version integer default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_replaced_activation_id bigint;
    v_activation_id bigint;
begin
    perform pg_advisory_xact_lock(hashtext('pgfeed.activate_model'));
    with recursive earlier as (
        select a.replaced_activation_id as activation_id, 1 as distance
        from pgfeed.active_models as c
        inner join pgfeed.model_activations as a on a.activation_id = c.activation_id
        where c.variant = rollback_model.variant
        union all
        select a.replaced_activation_id, e.distance + 1
        from earlier as e
        inner join pgfeed.model_activations as a on a.activation_id = e.activation_id
    )

    select a.version, a.replaced_activation_id into rollback_model.version, v_replaced_activation_id
    from earlier as e
    inner join pgfeed.model_activations as a on a.activation_id = e.activation_id
    inner join pgfeed.models as m on m.variant = a.variant and m.version = a.version
    where
        m.deleted_at is null
        and m.model_id is distinct from (
            select c.model_id from pgfeed.active_models as c where c.variant = rollback_model.variant
        )
    order by e.distance
    limit 1;
    if not found then
        raise exception '%', case
            when exists (select from pgfeed.active_models as a where a.variant = rollback_model.variant)
                then format('no model was active for %s before the present one', variant)
            else format('no model is active for %s', coalesce(quote_literal(variant), 'null'))
        end
            using errcode = '55000', hint = 'See: select * from pgfeed.model_activations';
    end if;

    call pgfeed._activate(variant, version, v_replaced_activation_id, v_activation_id);
    -- The gate compares what it switched, and nothing else.
    call pgfeed._stop_gate(rollback_model.variant);
end;
$$;

alter procedure pgfeed.rollback_model(text, integer) owner to pgfeed_owner;

comment on procedure pgfeed.rollback_model(text, integer) is
    'Makes the model serve again that was active before the present one, and gives its version; '
    'once more goes back one more. Deleted models are passed over';

revoke all on procedure pgfeed.rollback_model(text, integer) from public;
grant execute on procedure pgfeed.rollback_model(text, integer) to pgfeed_operator;
