create or replace function pgfeed._post_ids_of(keys text[])
returns bigint[]
language plpgsql stable strict parallel unsafe
set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when pgfeed._key_type('posts') in ('smallint', 'integer', 'bigint', 'uuid') then array(
            select pgfeed._id_of('posts', k.key)
            from unnest(keys) with ordinality as k (key, number)
            order by k.number
        )
        else array(
            select pgfeed._key_id(k.key)
            from unnest(keys) with ordinality as k (key, number)
            order by k.number
        )
    end;
end;
$$;

alter function pgfeed._post_ids_of(text[]) owner to pgfeed_owner;

comment on function pgfeed._post_ids_of(text[]) is 'The ids of posts'' keys, one for each in their order: see _id_of()';

revoke all on function pgfeed._post_ids_of(text[]) from public;
