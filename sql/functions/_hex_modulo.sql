create or replace function pgfeed._hex_modulo(
    digits text,
    divisor integer
)
returns integer
language sql immutable strict parallel safe
return (
    (
        (
            (('x' || substr(digits, 1, 8))::bit(32)::bigint % divisor * 4294967296
                + ('x' || substr(digits, 9, 8))::bit(32)::bigint) % divisor * 4294967296
            + ('x' || substr(digits, 17, 8))::bit(32)::bigint
        ) % divisor * 4294967296
        + ('x' || substr(digits, 25, 8))::bit(32)::bigint
    ) % divisor
)::integer;

alter function pgfeed._hex_modulo(text, integer) owner to pgfeed_owner;

comment on function pgfeed._hex_modulo(text, integer) is
    'The remainder of a number of 32 hexadecimal digits, all 128 bits of it, by a divisor up to 2^31 - 1';

revoke all on function pgfeed._hex_modulo(text, integer) from public;
