create table pgfeed.experiments (
    experiment_id integer generated always as identity primary key,
    name text not null unique check (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    salt text not null,
    slot_count integer not null check (slot_count in (100, 10000)),
    expected_lift double precision not null check (expected_lift > 0 and expected_lift <= 10),
    created_at timestamptz not null default now(),
    created_by text not null default session_user,
    started_at timestamptz,
    stopped_at timestamptz check (stopped_at is null or started_at is not null),
    concluded_at timestamptz check (concluded_at is null or stopped_at is not null),
    winner text
);
create unique index on pgfeed.experiments ((true)) where started_at is not null and stopped_at is null;
comment on table pgfeed.experiments is
    'One row per experiment; at most one runs at a time: started_at is not null and stopped_at is null';
comment on column pgfeed.experiments.salt is
    'Splits the users: experiments with different salts split them independently';
comment on column pgfeed.experiments.slot_count is
    '100 if all weights are whole percents, else 10000: what the hash of a user is divided by';
comment on column pgfeed.experiments.expected_lift is
    'Relative gain worth finding, 0.05: 5%. The sequential test is most powerful there';
comment on column pgfeed.experiments.winner is 'The arm that conclude_experiment() named; null: none yet';

create table pgfeed.experiment_arms (
    experiment_id integer not null references pgfeed.experiments (experiment_id),
    number integer not null check (number > 0),
    arm text not null check (arm ~ '^[a-z][a-z0-9_]{0,39}$'),
    variant text not null check (variant ~ '^[a-z][a-z0-9_]{0,39}$'),
    version integer check (version is null or (version > 0 and variant not in ('popular', 'random'))),
    weight integer not null check (weight between 1 and 10000),
    slots int4range not null,
    primary key (experiment_id, arm),
    unique (experiment_id, number)
);
comment on table pgfeed.experiment_arms is
    'One row per arm of an experiment: number 1 is the baseline that the others are compared with';
comment on column pgfeed.experiment_arms.variant is
    'A model''s variant; popular: the best decayed like rates; random: by lot';
comment on column pgfeed.experiment_arms.version is 'The pinned version; null: the one that is active';
comment on column pgfeed.experiment_arms.weight is 'Share of the users in hundredths of a percent';
comment on column pgfeed.experiment_arms.slots is
    'The users with a hash (modulo slot_count) in here, see experiment_arm()';

create table pgfeed.exposures (
    exposure_id uuid not null default gen_random_uuid(),
    served_at timestamptz not null,
    user_id bigint not null,
    experiment_id integer,
    arm text check ((arm is null) = (experiment_id is null)),
    variant text not null,
    source text not null,
    model_version integer,
    features_as_of timestamptz not null,
    post_ids bigint[] not null,
    primary key (user_id, served_at, exposure_id)
) partition by range (served_at);
create index on pgfeed.exposures (experiment_id, served_at) where experiment_id is not null;
comment on table pgfeed.exposures is
    'One row per answer of serve_posts(). Partitioned by month, made on demand; drop_exposures() drops old ones';
comment on column pgfeed.exposures.served_at is 'The ts that the posts were asked for';
comment on column pgfeed.exposures.experiment_id is 'The experiment that was running; null: none';
comment on column pgfeed.exposures.source is 'As in recommendation';
comment on column pgfeed.exposures.post_ids is 'In the order in which they were served';

alter table pgfeed.experiments owner to pgfeed_owner;
alter table pgfeed.experiment_arms owner to pgfeed_owner;
alter table pgfeed.exposures owner to pgfeed_owner;
grant select on pgfeed.experiments, pgfeed.experiment_arms to pgfeed_reader, pgfeed_writer, pgfeed_operator;
grant select on pgfeed.exposures to pgfeed_operator;
