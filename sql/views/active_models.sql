create or replace view pgfeed.active_models as
select distinct on (a.variant)
    a.variant,
    a.version,
    m.model_id,
    a.activation_id,
    a.activated_at,
    a.activated_by,
    m.trained_until,
    m.metrics
from pgfeed.model_activations as a
inner join pgfeed.models as m on m.variant = a.variant and m.version = a.version
order by a.variant, a.activation_id desc;

alter view pgfeed.active_models owner to pgfeed_owner;

comment on view pgfeed.active_models is 'One row per variant: the model that serves it now';

grant select on pgfeed.active_models to pgfeed_reader, pgfeed_operator;
