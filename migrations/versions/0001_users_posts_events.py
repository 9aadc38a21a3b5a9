"""Users, posts and the events of the feed."""

from migrations.objects import execute, install

revision = "0001"
down_revision = None


def upgrade() -> None:
    execute("""
        create extension if not exists plpython3u;
        create extension if not exists vector with schema public;
    """)
    install("roles", "b692b3f22976")
    execute("""
        create schema if not exists simulation;
        revoke all on schema simulation from public;
        comment on schema simulation is
            'The truth behind a simulated network (pgfeed simulate); no role of pgfeed can read it';

        revoke all on schema pgfeed from public;
        grant usage, create on schema pgfeed to pgfeed_owner;
        grant usage on schema pgfeed to pgfeed_reader, pgfeed_writer, pgfeed_operator;
        comment on schema pgfeed is 'A post recommender inside PostgreSQL';

        create table pgfeed.users (
            user_id bigint primary key,
            gender smallint,
            age smallint,
            country text,
            city text,
            exp_group smallint,
            os text,
            source text
        );
        comment on table pgfeed.users is 'One row per user with a known profile; users without one are served too';
        comment on column pgfeed.users.gender is 'Code of the source; null: unknown';
        comment on column pgfeed.users.age is 'Years; null: unknown';
        comment on column pgfeed.users.exp_group is 'Group that the source assigned, 0-4 in the seed''s data';
        comment on column pgfeed.users.source is 'How the user came: ads or organic in the seed''s data';

        create table pgfeed.posts (
            post_id bigint primary key,
            text text,
            topic text,
            created_at timestamptz check (isfinite(created_at))
        );
        comment on table pgfeed.posts is 'One row per post that can be recommended: the catalogue';
        comment on column pgfeed.posts.text is 'Null: not loaded, or known only from events';
        comment on column pgfeed.posts.topic is 'Null: unknown';
        comment on column pgfeed.posts.created_at is 'Null: unknown, then the post was always there and its age counts from its first event';

        create table pgfeed.feed_events (
            event_at timestamptz not null,
            user_id bigint not null,
            post_id bigint not null,
            recorded_at timestamptz not null default now(),
            action text not null check (action in ('view', 'like')),
            target boolean,
            primary key (user_id, event_at, post_id, action),
            check (event_at >= '1970-01-01 00:00+00' and event_at < '2100-01-01 00:00+00')
        ) partition by range (event_at);
        create index on pgfeed.feed_events using brin (event_at) with (pages_per_range = 32);
        create index on pgfeed.feed_events using brin (recorded_at) with (pages_per_range = 32);
        comment on table pgfeed.feed_events is
            'One row per view or like. Partitioned by month: create_event_partitions() makes what is missing';
        comment on column pgfeed.feed_events.recorded_at is
            'When the row was written or its target changed; roll_up_events() finds changed days by it';
        comment on column pgfeed.feed_events.target is
            'Of a view: whether a like followed; null: the source does not say. Of a like: without meaning';

        create table pgfeed.ingest_files (
            ingest_id bigint generated always as identity primary key,
            source_name text not null,
            sha256 text,
            kind text not null check (kind in ('users', 'posts', 'events')),
            started_at timestamptz not null default now(),
            finished_at timestamptz,
            read_count bigint not null default 0,
            loaded_count bigint not null default 0,
            duplicate_count bigint not null default 0,
            rejected_count bigint not null default 0
        );
        comment on table pgfeed.ingest_files is 'One row per file or table that pgfeed ingest read';
        comment on column pgfeed.ingest_files.sha256 is 'Of the file''s bytes; null: a table of another server';
        comment on column pgfeed.ingest_files.finished_at is 'Null: interrupted or still running';

        create table pgfeed.ingest_rejects (
            reject_id bigint generated always as identity primary key,
            ingest_id bigint not null references pgfeed.ingest_files (ingest_id) on delete cascade,
            source_name text not null,
            line bigint,
            reason text not null,
            content text,
            rejected_at timestamptz not null default now()
        );
        create index on pgfeed.ingest_rejects (ingest_id);
        comment on table pgfeed.ingest_rejects is 'One row per source row that could not be loaded';
        comment on column pgfeed.ingest_rejects.line is
            'Line of a CSV file where the row starts; number of the row in Parquet files and tables';
        comment on column pgfeed.ingest_rejects.content is 'The row as it was read, shortened';

        alter table pgfeed.users owner to pgfeed_owner;
        alter table pgfeed.posts owner to pgfeed_owner;
        alter table pgfeed.feed_events owner to pgfeed_owner;
        alter table pgfeed.ingest_files owner to pgfeed_owner;
        alter table pgfeed.ingest_rejects owner to pgfeed_owner;
        grant select on pgfeed.posts to pgfeed_reader;
        grant select, insert, update on pgfeed.users, pgfeed.posts to pgfeed_writer;
        grant delete on pgfeed.posts to pgfeed_writer;
        grant insert (event_at, user_id, post_id, action, target) on pgfeed.feed_events to pgfeed_writer;
        grant select on pgfeed.alembic_version to pgfeed_owner, pgfeed_reader, pgfeed_writer, pgfeed_operator;
        grant select on pgfeed.ingest_files, pgfeed.ingest_rejects to pgfeed_operator;
    """)
    install("functions/_like_window", "e493c503c8b7")
    install("views/impressions", "64b2e08d73be")
    install("views/_counted_events", "1dea0d34e175")
    install("views/likes", "e8728abdedce")
    install("procedures/create_event_partitions", "6673149604c2")


def downgrade() -> None:
    execute("""
        drop procedure pgfeed.create_event_partitions(timestamptz, timestamptz);
        drop view pgfeed.likes;
        drop view pgfeed._counted_events;
        drop view pgfeed.impressions;
        drop function pgfeed._like_window();
        drop table pgfeed.ingest_rejects;
        drop table pgfeed.ingest_files;
        drop table pgfeed.feed_events;
        drop table pgfeed.posts;
        drop table pgfeed.users;
        drop table if exists simulation.days, simulation.posts, simulation.users, simulation.worlds;
        drop schema simulation;
        revoke all on pgfeed.alembic_version from pgfeed_owner, pgfeed_reader, pgfeed_writer, pgfeed_operator;
        revoke all on schema pgfeed from pgfeed_owner, pgfeed_reader, pgfeed_writer, pgfeed_operator;
        comment on schema pgfeed is null;
    """)
