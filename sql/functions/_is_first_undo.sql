create or replace function pgfeed._is_first_undo(
    user_id bigint,
    post_id bigint,
    undone_at timestamptz,
    hits text[],
    undos text[]
)
returns boolean
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_liked_at timestamptz := least(
        (
            select l.liked_at
            from pgfeed.liked_posts as l
            where l.user_id = _is_first_undo.user_id and l.post_id = _is_first_undo.post_id
        ),
        (
            select min(e.event_at)
            from pgfeed.feed_events as e
            where
                e.user_id = _is_first_undo.user_id
                and e.post_id = _is_first_undo.post_id
                and (e.action = any(hits) or e.target)
                and e.event_at <= undone_at
        )
    );
begin
    return v_liked_at <= undone_at and not exists (
        select 1
        from pgfeed.feed_events as e
        where
            e.user_id = _is_first_undo.user_id
            and e.post_id = _is_first_undo.post_id
            and e.action = any(undos)
            and e.event_at >= v_liked_at
            and e.event_at < undone_at
    );
end;
$$;

alter function pgfeed._is_first_undo(bigint, bigint, timestamptz, text[], text[]) owner to pgfeed_owner;

comment on function pgfeed._is_first_undo(bigint, bigint, timestamptz, text[], text[]) is
    'True: what a user took back at a moment is the first like of a post, and was not taken back before. Liking it again '
    'is no second like, and so nor is taking it back again';

revoke all on function pgfeed._is_first_undo(bigint, bigint, timestamptz, text[], text[]) from public;
