create or replace procedure pgfeed.unhide_post(post_id bigint)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
begin
    update pgfeed.posts as p set hidden_at = null where p.post_id = unhide_post.post_id;
--!include sql/_known_post.sql
end;
$$;

alter procedure pgfeed.unhide_post(bigint) owner to pgfeed_owner;

comment on procedure pgfeed.unhide_post(bigint) is
    'Lets a hidden post be recommended again from the next call on. The same as: update posts set hidden_at = '
    'null';

revoke all on procedure pgfeed.unhide_post(bigint) from public;
grant execute on procedure pgfeed.unhide_post(bigint) to pgfeed_writer, pgfeed_operator;
