create or replace function pgfeed._shown_post_ids(post_ids bigint[])
returns bytea
language plpgsql stable
cost 1000
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from pgfeed.attached_tables as t where t.kind = 'posts') then
        return (select string_agg(int8send(r.post_id), '') from pgfeed._post_rows(_shown_post_ids.post_ids) as r);
    end if;
    return (
        select string_agg(int8send(p.post_id), '')
        from pgfeed.posts as p
        where p.post_id = any((select _shown_post_ids.post_ids)::bigint[]) and p.hidden_at is null
    );
end;
$$;

alter function pgfeed._shown_post_ids(bigint[]) owner to pgfeed_owner;

comment on function pgfeed._shown_post_ids(bigint[]) is
    'Those of post_ids that _post_rows() has rows of, big-endian int8, in no order; null: none';

revoke all on function pgfeed._shown_post_ids(bigint[]) from public;
