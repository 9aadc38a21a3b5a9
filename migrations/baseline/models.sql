create table pgfeed.models (
    model_id bigint generated always as identity primary key,
    variant text not null check (variant ~ '^[a-z][a-z0-9_]{0,39}$'),
    version integer not null check (version > 0),
    created_at timestamptz not null default now(),
    artifact bytea not null check (length(artifact) <= 268435456),
    sha256 text not null,
    feature_names text[] not null,
    encoders jsonb not null,
    trained_from timestamptz,
    trained_until timestamptz,
    parameters jsonb not null,
    metrics jsonb not null,
    golden_matrix bytea not null,
    golden_scores double precision[] not null,
    unique (variant, version)
);
alter table pgfeed.models alter column artifact set storage external;
alter table pgfeed.models add check (variant not in ('popular', 'random')) not valid;
comment on table pgfeed.models is 'One row per trained model; which one serves is in active_models';
comment on column pgfeed.models.artifact is 'Native CatBoost format (.cbm), at most 256 MB';
comment on column pgfeed.models.feature_names is 'In the order of the model''s input';
comment on column pgfeed.models.encoders is 'Codes of categories by feature name';
comment on column pgfeed.models.trained_until is 'No event at or after it was seen in training';
comment on column pgfeed.models.golden_matrix is 'A sample of inputs: big-endian float4, row after row';
comment on column pgfeed.models.golden_scores is 'What the trainer''s CatBoost gave for golden_matrix';

create table pgfeed.model_activations (
    activation_id bigint generated always as identity primary key,
    variant text not null,
    version integer not null,
    activated_at timestamptz not null default now(),
    activated_by text not null default session_user,
    replaced_activation_id bigint references pgfeed.model_activations (activation_id),
    foreign key (variant, version) references pgfeed.models (variant, version)
);
create index on pgfeed.model_activations (variant, activation_id desc);
comment on table pgfeed.model_activations is
    'One row per activation or rollback: the newest of a variant is what serves';
comment on column pgfeed.model_activations.replaced_activation_id is 'Where rollback_model() goes back to';

create table pgfeed.evaluations (
    evaluation_id bigint generated always as identity primary key,
    evaluated_at timestamptz not null default now(),
    protocol text not null check (protocol in ('logged', 'live', 'full')),
    method text not null,
    variant text,
    model_version integer,
    metric text not null,
    value double precision not null,
    low double precision,
    high double precision,
    sample_count integer not null,
    parameters jsonb not null
);
comment on table pgfeed.evaluations is 'One row per evaluation, method and metric';
comment on column pgfeed.evaluations.method is 'model, or a baseline such as random, most popular, best like rate';
comment on column pgfeed.evaluations.low is 'Lower end of the 95% bootstrap interval over users';
comment on column pgfeed.evaluations.sample_count is 'What the metric is a mean over: user-days, requests or users';

create type pgfeed.recommendation as (
    rank integer,
    post_id bigint,
    topic text,
    text text,
    score double precision,
    variant text,
    source text,
    model_version integer,
    features_as_of timestamptz
);
comment on type pgfeed.recommendation is 'One row per recommended post';
comment on column pgfeed.recommendation.score is
    'The model''s raw value, log-odds of a like relative to an average impression; without a model '
    'the log-odds of the decayed like rate';
comment on column pgfeed.recommendation.source is
    'model; cold_start: the user has neither profile nor history; popular: no usable model, or the variant '
    'popular; random: the variant random';
comment on column pgfeed.recommendation.features_as_of is 'No later event is in the features of the posts';

alter table pgfeed.models owner to pgfeed_owner;
alter table pgfeed.model_activations owner to pgfeed_owner;
alter table pgfeed.evaluations owner to pgfeed_owner;
alter type pgfeed.recommendation owner to pgfeed_owner;
grant select on pgfeed.model_activations, pgfeed.evaluations to pgfeed_reader, pgfeed_operator;
