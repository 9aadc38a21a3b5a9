create or replace function pgfeed._user_history(
    user_id bigint,
    ts timestamptz,
    out liked_post_ids bytea,
    out liked_at bytea,
    out viewed_post_ids bytea
)
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    select
        string_agg(int8send(e.post_id), '') filter (where e.action = 'like' or e.target),
        string_agg(float8send(extract(epoch from e.event_at)::double precision), '')
        filter (where e.action = 'like' or e.target),
        string_agg(int8send(e.post_id), '') filter (where e.action = 'view')
    into _user_history.liked_post_ids, _user_history.liked_at, _user_history.viewed_post_ids
    from (
        select
            f.post_id,
            f.event_at,
            f.action,
            f.target
        from pgfeed.feed_events as f
        where f.user_id = _user_history.user_id and f.event_at < _user_history.ts
        order by f.event_at, f.post_id
    ) as e;
end;
$$;

alter function pgfeed._user_history(bigint, timestamptz) owner to pgfeed_owner;

comment on function pgfeed._user_history(bigint, timestamptz) is
    'One row: what a user liked, when (big-endian float8, unix seconds), and viewed before ts, in the order of '
    'time; posts as big-endian int8, once for each time; null: none';

revoke all on function pgfeed._user_history(bigint, timestamptz) from public;
