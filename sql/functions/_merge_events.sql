create or replace function pgfeed._merge_events(
    attachment_id smallint,
    action text,
    rows text,
    removed text
)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return format(
        'with rows as materialized ('
        'select s.user_id, s.post_id, s.event_at, bool_or(s.target) as target from (%1$s) as s '
        'group by s.user_id, s.post_id, s.event_at'
        '), removed as materialized ('
        '%2$s'
        '), gone as ('
        'delete from pgfeed.feed_events as e using removed as g '
        'where e.user_id = g.user_id and e.event_at = g.event_at and e.post_id = g.post_id and e.action = %3$L '
        'and e.attachment_id = %4$s and not exists (select from rows as r '
        'where r.user_id = g.user_id and r.event_at = g.event_at and r.post_id = g.post_id)'
        '), unliked as ('
        'delete from pgfeed.liked_posts as l using removed as g '
        'where l.user_id = g.user_id and l.post_id = g.post_id and l.liked_at = g.event_at'
        '), unmarked as ('
        'delete from pgfeed.marked_posts as m using removed as g '
        'where m.user_id = g.user_id and m.post_id = g.post_id and g.event_at in (m.unliked_at, m.hidden_at)'
        '), noted as ('
        'insert into pgfeed.removed_events (user_id, post_id, day) '
        'select g.user_id, g.post_id, g.event_at::date from removed as g) '
        'insert into pgfeed.feed_events as e (event_at, user_id, post_id, action, target, attachment_id) '
        'select r.event_at, r.user_id, r.post_id, %3$L, r.target, %4$s from rows as r '
        'order by r.user_id, r.event_at, r.post_id '
        'on conflict (user_id, event_at, post_id, action) do update '
        'set target = excluded.target, attachment_id = excluded.attachment_id, recorded_at = excluded.recorded_at '
        'where e.target is distinct from excluded.target and coalesce(e.attachment_id, %4$s) = %4$s '
        'or e.attachment_id is null',
        rows, removed, action, attachment_id
    );
end;
$$;

alter function pgfeed._merge_events(smallint, text, text, text) owner to pgfeed_owner;

comment on function pgfeed._merge_events(smallint, text, text, text) is
    'SQL that writes these rows to feed_events, and takes those of removed (user_id, post_id, event_at) that are not '
    'among them out of it; both are SQL too: see _attached_rows(). removed may name rows';

revoke all on function pgfeed._merge_events(smallint, text, text, text) from public;
