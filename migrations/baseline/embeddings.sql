create table pgfeed.embedders (
    embedder_id integer generated always as identity primary key,
    name text not null,
    checkpoint text not null,
    dimensions smallint not null check (dimensions between 2 and 4000),
    is_active boolean not null default false,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    fitted_at timestamptz,
    fitted_post_count integer,
    component_basis bytea,
    explained_variance double precision,
    unique (name, checkpoint),
    unique (embedder_id, dimensions)
);
create unique index on pgfeed.embedders (is_active) where is_active;
comment on table pgfeed.embedders is
    'One row per model that turned post texts into vectors: the active one, and one being built beside it';
comment on column pgfeed.embedders.checkpoint is 'Which weights: a package''s version or a digest';
comment on column pgfeed.embedders.finished_at is
    'When pgfeed embed ended; null: it is at work or was interrupted';
comment on column pgfeed.embedders.fitted_at is
    'When the principal axes were fitted: from then on a component has the same meaning';
comment on column pgfeed.embedders.component_basis is
    'The mean embedding and 25 principal axes: big-endian float4, 26 rows of `dimensions` numbers';
comment on column pgfeed.embedders.explained_variance is
    'Share of the embeddings'' variance that the 25 components keep; null: no variance';

create table pgfeed.post_embeddings (
    embedder_id integer not null,
    dimensions smallint not null check (public.vector_dims(embedding) = dimensions),
    post_id bigint not null references pgfeed.posts (post_id) on delete cascade,
    text_digest uuid not null,
    embedding public.halfvec not null check (public.l2_norm(embedding) between 0.99 and 1.01),
    primary key (embedder_id, post_id),
    foreign key (embedder_id, dimensions)
    references pgfeed.embedders (embedder_id, dimensions) on delete cascade
);
create index on pgfeed.post_embeddings (post_id);
comment on table pgfeed.post_embeddings is
    'One row per embedder and post with a text, as of the last pgfeed embed';
comment on column pgfeed.post_embeddings.text_digest is 'MD5 of the text that was embedded';
comment on column pgfeed.post_embeddings.embedding is 'Of length 1';

create table pgfeed.post_components (
    post_id bigint primary key references pgfeed.posts (post_id) on delete cascade,
    components public.vector(25) not null
);
comment on table pgfeed.post_components is
    'One row per post with an embedding of the active embedder, as of the last pgfeed embed';
comment on column pgfeed.post_components.components is
    'The 25 principal components of the embedding, largest variance first; those without variance are 0';

create type pgfeed.similar_post as (
    rank integer,
    post_id bigint,
    topic text,
    text text,
    similarity double precision
);
comment on type pgfeed.similar_post is 'One row per neighbour of a post or of a search text';
comment on column pgfeed.similar_post.similarity is 'Cosine of the embeddings, -1 to 1; 1: the same';

alter table pgfeed.embedders owner to pgfeed_owner;
alter table pgfeed.post_embeddings owner to pgfeed_owner;
alter table pgfeed.post_components owner to pgfeed_owner;
alter type pgfeed.similar_post owner to pgfeed_owner;
grant select on pgfeed.embedders, pgfeed.post_embeddings, pgfeed.post_components
to pgfeed_reader, pgfeed_operator;
