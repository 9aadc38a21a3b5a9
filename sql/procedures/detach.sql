create or replace procedure pgfeed.detach(
    relation text,
    action text default null,
    kind text default null
)
language plpgsql
as $$
declare
    v_attached record;
    v_is_attached boolean := false;
begin
    if kind not in ('users', 'posts', 'events') then
        raise exception 'kind => %: a table is attached as users, posts or events', quote_literal(pg_catalog.left(kind, 100))
            using errcode = '22023', hint = 'See: select relation, kind, action from pgfeed.attachments;';
    end if;
    for v_attached in
        select a.* from pgfeed._attachments_of(relation, pgfeed._relation_named(relation), action, kind) as a
    loop
        v_is_attached := true;
        if v_attached.relation is not null then
            call pgfeed._close_relation(v_attached.attachment_id, v_attached.relation);
        end if;
        perform pgfeed._forget_attachment(v_attached.attachment_id);
    end loop;
    if not v_is_attached then
        raise exception '% is not attached', coalesce(
            pg_catalog.left(relation, 100) || coalesce(' as ' || kind, '') || coalesce(' for ' || pg_catalog.left(action, 100), ''),
            'null'
        )
            using errcode = '22023', hint = 'See: select relation, kind, action from pgfeed.attachments;';
    end if;
end;
$$;

alter procedure pgfeed.detach(text, text, text) owner to pgfeed_owner;

comment on procedure pgfeed.detach(text, text, text) is
    'Ends what attach_*() began: takes the triggers, grants and policies from the relation, and what came from it from users, posts '
    'or feed_events, whose days the next roll-up counts anew. action: only the events of this action; kind: only as users, posts or events; null: all that it is attached as';

revoke all on procedure pgfeed.detach(text, text, text) from public;
grant execute on procedure pgfeed.detach(text, text, text) to pgfeed_operator;
