create or replace function pgfeed.post_key_of(post_id bigint)
returns text
language plpgsql stable strict parallel safe
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
begin
    return coalesce(
        (select k.key from pgfeed.posts as k where k.post_id = post_key_of.post_id),
        post_key_of.post_id::text
    );
end;
$$;

alter function pgfeed.post_key_of(bigint) owner to pgfeed_owner;

comment on function pgfeed.post_key_of(bigint) is
    'The application''s key of a post_id; the id itself where that is the key, or the post is not known';

revoke all on function pgfeed.post_key_of(bigint) from public;
grant execute on function pgfeed.post_key_of(bigint) to pgfeed_reader, pgfeed_writer, pgfeed_operator;
