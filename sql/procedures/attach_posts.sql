create or replace procedure pgfeed.attach_posts(
    relation text,
    key text,
    text text default null,
    topic text default null,
    created_at text default null,
    available text default null,
    features jsonb default null,
    sync text default null
)
language plpgsql
as $$
begin
    call pgfeed._attach(
        'posts',
        relation,
        pg_catalog.jsonb_build_object(
            'key', coalesce(key, ''), 'text', text, 'topic', topic, 'created_at', created_at, 'available', available,
            'features', features
        ),
        sync
    );
end;
$$;

alter procedure pgfeed.attach_posts(text, text, text, text, text, text, jsonb, text) owner to pgfeed_owner;

comment on procedure pgfeed.attach_posts(text, text, text, text, text, text, jsonb, text) is
    'Lets posts be the rows of a relation of the application, from now on. key, text, topic, created_at, available: SQL '
    'expressions over its columns. Texts stay where they are; a post that is gone or not available leaves the answers when the '
    'application commits. features and sync: as for attach_users()';

revoke all on procedure pgfeed.attach_posts(text, text, text, text, text, text, jsonb, text) from public;
grant execute on procedure pgfeed.attach_posts(text, text, text, text, text, text, jsonb, text)
to pgfeed_operator;
