create or replace procedure pgfeed.hide_post(post_id bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
begin
    update pgfeed.posts as p
    set hidden_at = coalesce(p.hidden_at, now()), is_withdrawn = false
    where p.post_id = hide_post.post_id;
--!include sql/_known_post.sql
end;
$$;

alter procedure pgfeed.hide_post(bigint) owner to pgfeed_owner;

comment on procedure pgfeed.hide_post(bigint) is
    'Keeps a post out of every answer from the next call on, in all sessions and on replicas; its events, '
    'features and embedding stay. The same as: update posts set hidden_at = now()';

revoke all on procedure pgfeed.hide_post(bigint) from public;
grant execute on procedure pgfeed.hide_post(bigint) to pgfeed_writer, pgfeed_operator;
