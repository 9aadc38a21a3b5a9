create or replace function pgfeed._id_of(
    kind text,
    key text
)
returns bigint
language plpgsql stable strict parallel unsafe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_type constant text := pgfeed._key_type(kind);
begin
    if v_type not in ('smallint', 'integer', 'bigint', 'uuid') then
        return pgfeed._key_id(key);
    end if;

    begin
        return case v_type when 'uuid' then pgfeed._key_id(key::uuid::text) else key::bigint end;
    exception when invalid_text_representation or numeric_value_out_of_range then
        raise exception '% is the key of no %: it is not %', quote_literal(left(key, 100)), rtrim(kind, 's'),
            case v_type when 'uuid' then 'a uuid' else 'an integer of 64 bits' end
            using errcode = '22P02', hint = format('The %s of this database have keys of the type %s.', kind, v_type);
    end;
end;
$$;

alter function pgfeed._id_of(text, text) owner to pgfeed_owner;

comment on function pgfeed._id_of(text, text) is
    'The id of a user''s or post''s key, known or not; an error if it cannot be a key of the type that theirs have';

revoke all on function pgfeed._id_of(text, text) from public;
