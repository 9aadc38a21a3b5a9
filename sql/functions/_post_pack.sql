create or replace function pgfeed._post_pack(
    as_of timestamptz,
    chosen_ids bigint[] default null,
    known_topics text[] default null,
    out post_count integer,
    out feature_names text[],
    out topics text[],
    out post_ids bytea,
    out topic_codes bytea,
    out matrix bytea,
    out attributes jsonb
)
language plpgsql stable parallel safe
cost 10000
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    select p.post_count, p.feature_names, p.topics, p.post_ids, p.topic_codes, p.matrix, p.attributes
    into
        _post_pack.post_count, _post_pack.feature_names, _post_pack.topics, _post_pack.post_ids, _post_pack.topic_codes,
        _post_pack.matrix, _post_pack.attributes
    from pgfeed._packed_posts(_post_pack.as_of, _post_pack.chosen_ids, _post_pack.known_topics, false) as p;
end;
$$;

alter function pgfeed._post_pack(timestamptz, bigint[], text[]) owner to pgfeed_owner;

comment on function pgfeed._post_pack(timestamptz, bigint[], text[]) is
    'One row: the features of the chosen posts (null: all) as of a moment, for numpy. post_ids ascending, '
    'big-endian int8; topic_codes big-endian int4, places in topics (known_topics, null: those of all posts), -1 for '
    'none; matrix big-endian float4, one feature after the other. Components are named by their axes. attributes: types '
    'of the own features of users and posts by name; and, by name, those values of categories and tags of posts whose '
    'places the matrix has, tags as the text of a JSON array; null: there are no own features';

revoke all on function pgfeed._post_pack(timestamptz, bigint[], text[]) from public;
