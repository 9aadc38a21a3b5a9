create or replace function pgfeed._shared_pairs(name text, other text)
returns integer
language sql immutable strict parallel safe
return (
    select count(*)::integer
    from generate_series(1, length(name) - 1) as i
    where strpos(lower(other), lower(substr(name, i, 2))) > 0
);

alter function pgfeed._shared_pairs(text, text) owner to pgfeed_owner;

comment on function pgfeed._shared_pairs(text, text) is
    'How many pairs of neighbouring letters of a name another name has, too: the most are those of the one that was mistyped';

revoke all on function pgfeed._shared_pairs(text, text) from public;
grant execute on function pgfeed._shared_pairs(text, text) to pgfeed_operator;
