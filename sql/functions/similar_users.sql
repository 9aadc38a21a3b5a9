create or replace function pgfeed.similar_users(
    user_id bigint,
    k integer default 5
)
returns setof pgfeed.similar_user
language plpgsql stable
cost 10000 rows 5
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_taste public.vector;
begin
    if k is null or k not between 1 and 100 then
        raise exception 'k is %', coalesce(k::text, 'null')
            using errcode = '22023', hint = 'Ask for 1 to 100 users.';
    end if;
    v_taste := pgfeed._user_vector(similar_users.user_id, now())::public.vector;
    return query
    select
        (row_number() over (order by n.similarity desc, n.user_id))::integer,
        n.user_id,
        n.similarity
    from (
        select
            v.user_id,
            1 - (v.factors operator(public.<=>) v_taste) as similarity
        from pgfeed.user_vectors as v
        where v.user_id <> similar_users.user_id and public.vector_norm(v.factors) > 0 and v_taste is not null
        order by similarity desc, v.user_id
        limit k
    ) as n;
--!include sql/_plain_errors.sql
end;
$$;

alter function pgfeed.similar_users(bigint, integer) owner to pgfeed_owner;

comment on function pgfeed.similar_users(bigint, integer) is
    'The k users (1 to 100) who like most nearly what a user likes, best first, ties by user_id: cosine of the vectors of '
    'the factor model. The user''s own likes count up to now, those of the others up to the last refresh. No rows for a '
    'user without likes';

revoke all on function pgfeed.similar_users(bigint, integer) from public;
grant execute on function pgfeed.similar_users(bigint, integer) to pgfeed_reader, pgfeed_operator;
