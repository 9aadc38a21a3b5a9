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

alter table pgfeed.ingest_files owner to pgfeed_owner;
alter table pgfeed.ingest_rejects owner to pgfeed_owner;
grant select on pgfeed.ingest_files, pgfeed.ingest_rejects to pgfeed_operator;
