create or replace function pgfeed._user_history(
    user_id bigint,
    ts timestamptz,
    out liked_post_ids bytea,
    out liked_at bytea,
    out viewed_post_ids bytea,
    out viewed_at bytea,
    out hidden_post_ids bytea
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_hits text[];
    v_is_plain boolean;
begin
    select
        array_agg(a.action) filter (where a.sign > 0),
        bool_and(a.is_plain)
    into v_hits, v_is_plain
    from pgfeed.actions as a;
    select
        string_agg(int8send(f.post_id), '') filter (where f.action = 'view'),
        string_agg(timestamptz_send(f.event_at), '') filter (where f.action = 'view'),
        string_agg(int8send(f.post_id), '') filter (where v_is_plain and (f.action = any(v_hits) or f.target)),
        string_agg(timestamptz_send(f.event_at), '') filter (
            where v_is_plain and (f.action = any(v_hits) or f.target)
        )
    into viewed_post_ids, viewed_at, liked_post_ids, liked_at
    from pgfeed.feed_events as f
    where f.user_id = _user_history.user_id and f.event_at < _user_history.ts;
    if to_regprocedure('pgfeed._newest_events(bigint, timestamptz)') is not null then
        select
            coalesce(_user_history.viewed_post_ids, '')
            || coalesce(string_agg(int8send(n.post_id), '') filter (where n.action = 'view'), ''),
            coalesce(_user_history.viewed_at, '')
            || coalesce(string_agg(timestamptz_send(n.event_at), '') filter (where n.action = 'view'), ''),
            coalesce(_user_history.liked_post_ids, '')
            || coalesce(string_agg(int8send(n.post_id), '') filter (where n.is_like), ''),
            coalesce(_user_history.liked_at, '')
            || coalesce(string_agg(timestamptz_send(n.event_at), '') filter (where n.is_like), '')
        into viewed_post_ids, viewed_at, liked_post_ids, liked_at
        from (
            select
                e.post_id,
                e.event_at,
                e.action,
                v_is_plain and (e.action = any(v_hits) or e.target) as is_like
            from pgfeed._newest_events(_user_history.user_id, _user_history.ts) as e
        ) as n;
    end if;
    if v_is_plain then
        select
            coalesce(_user_history.liked_post_ids, '') || coalesce(string_agg(int8send(l.post_id), ''), ''),
            coalesce(_user_history.liked_at, '') || coalesce(string_agg(timestamptz_send(l.liked_at), ''), '')
        into liked_post_ids, liked_at
        from pgfeed.liked_posts as l
        where l.user_id = _user_history.user_id and l.liked_at < _user_history.ts;
    else
        select
            string_agg(int8send(r.post_id), '') filter (where r.liked_at is not null),
            string_agg(timestamptz_send(r.liked_at), ''),
            coalesce(string_agg(int8send(r.post_id), '') filter (where r.is_hidden), '')
        into liked_post_ids, liked_at, hidden_post_ids
        from pgfeed._user_reactions(_user_history.user_id, _user_history.ts) as r;
    end if;
end;
$$;

alter function pgfeed._user_history(bigint, timestamptz) owner to pgfeed_owner;

comment on function pgfeed._user_history(bigint, timestamptz) is
    'One row: what a user liked and viewed before ts, in any order, every like and view, as plpy reads it: posts as '
    'big-endian int8, moments as such microseconds since 2000. A post can stand there more than once: the first like and '
    'views that are an hour apart count. hidden_post_ids: what is kept out of the user''s lists, null: what is liked';

revoke all on function pgfeed._user_history(bigint, timestamptz) from public;
