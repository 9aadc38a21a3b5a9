-- A small community site as an application would have it: its own keys, columns and row security.
create schema app;
comment on schema app is 'The simulated site of pgfeed demo --own-tables';

create table app.members (
    id uuid primary key,
    name text not null,
    plan text not null,
    lang text not null,
    born date,
    joined_at timestamptz not null
);
create table app.articles (
    slug text primary key,
    title text not null,
    body text not null,
    section text not null,
    author_id integer not null,
    lang text not null,
    price numeric(6, 2) not null,
    is_hidden boolean not null default false,
    published_at timestamptz not null,
    expires_at timestamptz
);
create table app.reads (
    id bigint generated always as identity primary key,
    member_id uuid not null references app.members on delete cascade,
    slug text not null references app.articles on delete cascade on update cascade,
    at timestamptz not null,
    seconds integer not null
);
create index on app.reads (member_id, at);
create table app.hearts (
    member_id uuid not null references app.members on delete cascade,
    slug text not null references app.articles on delete cascade on update cascade,
    at timestamptz not null,
    primary key (member_id, slug)
);

alter table app.members enable row level security;
create policy own_row on app.members using (id::text = current_setting('app.member', true));
alter table app.articles enable row level security;
create policy shown on app.articles for select using (not is_hidden);
