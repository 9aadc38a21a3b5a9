-- The truth behind a simulated network. Made by `pgfeed simulate`, not by a migration; no role of pgfeed can read it.
create schema if not exists simulation;
comment on schema simulation is
    'The truth behind a simulated network (pgfeed simulate); no role of pgfeed can read it';

create table if not exists simulation.worlds (
    seed bigint not null,
    user_count integer not null,
    post_count integer not null,
    version integer not null,
    created_at timestamptz not null default now()
);
-- A database of before there were several worlds holds this one.
alter table simulation.worlds add column if not exists name text not null default 'popularity';
alter table simulation.worlds add column if not exists life jsonb not null default '{}';
create unique index if not exists worlds_one_idx on simulation.worlds ((true));
comment on table simulation.worlds is 'One row: the simulated network that this database holds';
comment on column simulation.worlds.version is 'Of the behaviour, loader/simulation/world.py';
comment on column simulation.worlds.life is
    'How many posts and users come a day (new_posts, new_users), and from which days since the first one on tastes change '
    '(changes) and topics break out (outbreaks)';
comment on column simulation.worlds.name is 'By which mechanism users like: one of loader/simulation/worlds';

create table if not exists simulation.users (
    user_id bigint primary key,
    kind text,
    other_factor real,
    popular_factor real
);
alter table simulation.users
    alter column kind drop not null,
    alter column other_factor drop not null,
    alter column popular_factor drop not null;
comment on table simulation.users is 'One row per user of the network; null: not of this world';
comment on column simulation.users.kind is 'popularity: A likes popular posts, B the others; kinds: A to D';
comment on column simulation.users.other_factor is
    'popularity: like rate on posts that are not popular, all else at its mean';
comment on column simulation.users.popular_factor is 'popularity: like rate on popular posts, all else at its mean';

create table if not exists simulation.posts (
    post_id bigint primary key,
    level smallint not null,
    theme smallint not null,
    is_popular boolean,
    factor real
);
alter table simulation.posts alter column is_popular drop not null, alter column factor drop not null;
comment on table simulation.posts is
    'One row per post of the network, whether it came already or not; null: not of this world';
comment on column simulation.posts.level is '0: never viewed, 1 to 5: levels of views per post';
comment on column simulation.posts.theme is 'Number of the vocabulary within the topic, 0 to 5';
comment on column simulation.posts.factor is 'popularity: times the user''s factor the like rate, all else at its mean';

create table if not exists simulation.days (
    day_date date primary key,
    view_count bigint not null,
    like_count bigint not null,
    loaded_at timestamptz not null default now()
);
comment on table simulation.days is 'One row per simulated day (UTC) whose events are loaded';

-- Of the database's owner, whoever that is: a dump names no login then.
do $$
begin
    alter schema simulation owner to pg_database_owner;
    alter table simulation.worlds owner to pg_database_owner;
    alter table simulation.users owner to pg_database_owner;
    alter table simulation.posts owner to pg_database_owner;
    alter table simulation.days owner to pg_database_owner;
exception when insufficient_privilege then
    null;
end;
$$;
