create or replace view pgfeed.model_versions as
select
    m.variant,
    m.version,
    m.created_at,
    m.trained_from,
    m.trained_until,
    a.activation_id is not null as is_active,
    length(m.artifact) as artifact_bytes,
    m.sha256,
    cardinality(m.feature_names) as feature_count,
    m.parameters,
    m.metrics,
    m.evaluated_from,
    m.evaluated_until,
    m.note,
    m.tags
from pgfeed.models as m
left join pgfeed.active_models as a on a.model_id = m.model_id
where m.deleted_at is null;

alter view pgfeed.model_versions owner to pgfeed_owner;

comment on view pgfeed.model_versions is 'One row per stored model that was not deleted, without its artifacts';
comment on column pgfeed.model_versions.evaluated_from is
    'Evaluations measure a copy that saw no event at or after it. Null: they measure what serves, from trained_until on';
comment on column pgfeed.model_versions.evaluated_until is 'End of the days that the held_out metrics are of';
comment on column pgfeed.model_versions.note is 'As describe_model() wrote it; null: none';
comment on column pgfeed.model_versions.tags is 'As describe_model() wrote them, in order';

grant select on pgfeed.model_versions to pgfeed_reader, pgfeed_operator;
