create or replace function pgfeed._merge_posts(rows text)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return format(
        'with rows as materialized ('
        'select distinct on (s.post_id) s.* from (%s) as s order by s.post_id, s.key'
        '), topics as ('
        -- Its events of all days count for the new topic.
        'insert into pgfeed.removed_events (post_id) '
        'select r.post_id from rows as r '
        'left join pgfeed.posts as k on k.post_id = r.post_id '
        'where k.topic is distinct from r.topic) '
        'insert into pgfeed.posts as p (post_id, key, topic, created_at, attributes, hidden_at, is_withdrawn) '
        'select r.post_id, r.key, r.topic, r.created_at, r.attributes, '
        'case when not r.is_available then now() end, not r.is_available '
        'from rows as r left join pgfeed.posts as k on k.post_id = r.post_id '
        'where k.post_id is null or k.key is not distinct from r.key and ('
        '(k.topic, k.created_at, k.attributes) is distinct from (r.topic, r.created_at, r.attributes) '
        'or k.is_withdrawn and (r.is_available or k.hidden_at is null) or k.hidden_at is null and not r.is_available) '
        'on conflict (post_id) do update set '
        'topic = excluded.topic, created_at = excluded.created_at, attributes = excluded.attributes, '
        -- One that a moderator hid stays hidden when the application shows it.
        'hidden_at = case when excluded.is_withdrawn then coalesce(p.hidden_at, excluded.hidden_at) '
        'when not p.is_withdrawn then p.hidden_at end, '
        'is_withdrawn = excluded.is_withdrawn and (p.is_withdrawn or p.hidden_at is null) '
        'where p.key is not distinct from excluded.key',
        rows
    );
end;
$$;

alter function pgfeed._merge_posts(text) owner to pgfeed_owner;

comment on function pgfeed._merge_posts(text) is
    'SQL that writes to posts what differs from these rows, which are SQL too: see _attached_rows(). A row whose id is '
    'another key''s is left out';

revoke all on function pgfeed._merge_posts(text) from public;
