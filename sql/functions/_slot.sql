create or replace function pgfeed._slot(
    user_id bigint,
    salt text,
    slot_count integer
)
returns integer
language sql stable strict parallel safe
return pgfeed._hex_modulo(md5(convert_to(user_id::text || salt, 'UTF8')), slot_count);

alter function pgfeed._slot(bigint, text, integer) owner to pgfeed_owner;

comment on function pgfeed._slot(bigint, text, integer) is
    'Python''s int(hashlib.md5((str(user_id) + salt).encode()).hexdigest(), 16) % slot_count';

revoke all on function pgfeed._slot(bigint, text, integer) from public;
