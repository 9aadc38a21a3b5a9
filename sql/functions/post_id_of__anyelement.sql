create or replace function pgfeed.post_id_of(key anyelement)
returns bigint
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
as $$
begin
    return pgfeed.post_id_of(key::text);
end;
$$;

alter function pgfeed.post_id_of(anyelement) owner to pgfeed_owner;

comment on function pgfeed.post_id_of(anyelement) is
    'post_id_of() of a key of another type than text: integer, uuid, or a row of several columns';

revoke all on function pgfeed.post_id_of(anyelement) from public;
grant execute on function pgfeed.post_id_of(anyelement) to pgfeed_reader, pgfeed_writer, pgfeed_operator;
