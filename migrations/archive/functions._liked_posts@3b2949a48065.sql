create or replace function pgfeed._liked_posts(
    user_id bigint,
    ts timestamptz
)
returns bytea
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select string_agg(int8send(e.post_id), '')
        from pgfeed.feed_events as e
        where
            e.user_id = _liked_posts.user_id
            and e.event_at < _liked_posts.ts
            and (e.action = 'like' or e.target)
    );
end;
$$;

alter function pgfeed._liked_posts(bigint, timestamptz) owner to pgfeed_owner;

comment on function pgfeed._liked_posts(bigint, timestamptz) is
    'The posts that a user liked before ts, as big-endian int8, a post once for each time; null: none';

revoke all on function pgfeed._liked_posts(bigint, timestamptz) from public;
