create extension if not exists plpython3u;
create extension if not exists vector with schema public;

create schema if not exists simulation;
revoke all on schema simulation from public;
comment on schema simulation is
    'The truth behind a simulated network (pgfeed simulate); no role of pgfeed can read it';

revoke all on schema pgfeed from public;
grant usage, create on schema pgfeed to pgfeed_owner;
grant usage on schema pgfeed to pgfeed_reader, pgfeed_writer, pgfeed_operator;
comment on schema pgfeed is 'A post recommender inside PostgreSQL';

grant select on pgfeed.alembic_version to pgfeed_owner, pgfeed_reader, pgfeed_writer, pgfeed_operator;
