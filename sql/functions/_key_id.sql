create or replace function pgfeed._key_id(key text)
returns bigint
language sql immutable strict parallel safe
-- Doubled backslashes and a cast are convert_to(), which is not immutable and so would not be inlined.
return (
    ('x' || left(encode(sha256(replace(key, E'\\', E'\\\\')::bytea), 'hex'), 16))::bit(64)::bigint
    & 9223372036854775807
);

alter function pgfeed._key_id(text) owner to pgfeed_owner;

comment on function pgfeed._key_id(text) is
    'The id, from 0 to 2^63 - 1, of a key that is not an integer: 63 bits of its SHA-256. Among a hundred million keys '
    'two share one with a chance of 1 in 1,800; the second of them is rejected, see attachments';

revoke all on function pgfeed._key_id(text) from public;
