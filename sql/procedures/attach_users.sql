create or replace procedure pgfeed.attach_users(
    relation text,
    key text,
    features jsonb default null,
    sync text default null
)
language plpgsql
as $$
begin
    call pgfeed._attach(
        'users',
        relation,
        pg_catalog.jsonb_build_object(
            'key', coalesce(key, ''), 'features', features
        ),
        sync
    );
end;
$$;

alter procedure pgfeed.attach_users(text, text, jsonb, text) owner to pgfeed_owner;

comment on procedure pgfeed.attach_users(text, text, jsonb, text) is
    'Lets users be the rows of a relation of the application, from now on. key: an SQL expression over its columns, an integer, '
    'uuid, text or row(). features: a JSON array of columns and names with expressions, ["plan", {"age": "2026 - birth_year"}]. sync: '
    'trigger (null: for tables), changes arrive with their transaction; pull (null: for views and foreign tables), with the '
    'next refresh. Loads all that is there';

revoke all on procedure pgfeed.attach_users(text, text, jsonb, text) from public;
grant execute on procedure pgfeed.attach_users(text, text, jsonb, text)
to pgfeed_operator;
