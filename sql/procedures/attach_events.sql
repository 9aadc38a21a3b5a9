create or replace procedure pgfeed.attach_events(
    relation text,
    user_key text,
    post_key text,
    at text,
    action text default 'view',
    target text default null,
    condition text default null,
    sync text default null
)
language plpgsql
as $$
begin
    call pgfeed._attach(
        'events',
        relation,
        pg_catalog.jsonb_build_object(
            'user_key', coalesce(user_key, ''), 'post_key', coalesce(post_key, ''), 'at', coalesce(at, ''),
            'action', coalesce(action, ''), 'target', target, 'condition', condition
        ),
        sync
    );
end;
$$;

alter procedure pgfeed.attach_events(text, text, text, text, text, text, text, text) owner to pgfeed_owner;

comment on procedure pgfeed.attach_events(text, text, text, text, text, text, text, text) is
    'Lets the rows of a relation of the application, those that meet the condition, be events of one action, from now on. '
    'user_key, post_key, at, target, condition: SQL expressions over its columns; at: a time, without a zone of UTC; target: of '
    'a view, whether the user liked it. sync: as for attach_users(), or mixed, for a table with an index on user_key and at: its '
    'new rows are read by calls and refreshes, its updates and deletes arrive with their transaction, and an insert costs '
    'nothing more. Not inside a transaction block the load commits as it goes';

revoke all on procedure pgfeed.attach_events(text, text, text, text, text, text, text, text) from public;
grant execute on procedure pgfeed.attach_events(text, text, text, text, text, text, text, text)
to pgfeed_operator;
