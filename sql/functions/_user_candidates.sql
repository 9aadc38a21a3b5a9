create or replace function pgfeed._user_candidates(
    ts timestamptz,
    liked bigint[]
)
returns bigint[]
language plpgsql stable parallel safe
cost 10000
set search_path = pg_catalog, pg_temp
set hnsw.ef_search = 100
as $$
declare
    v_taste public.vector;
    v_near bigint[];
    v_hidden bigint[] := array(select p.post_id from pgfeed.posts as p where p.hidden_at is not null);
begin
    select public.avg(c.components) into v_taste
    from pgfeed.post_components as c
    where c.post_id = any(liked);

    if public.vector_norm(v_taste) > 0 then
        v_near := array(
            select c.post_id
            from pgfeed.post_components as c
            where c.post_id <> all(v_hidden)
            order by c.components operator(public.<=>) v_taste
            limit 100
        );
    end if;

    return v_near || array(
        select p.post_id
        from pgfeed.posts as p
        where p.created_at < _user_candidates.ts and p.hidden_at is null
        order by p.created_at desc
        limit 100
    );
end;
$$;

alter function pgfeed._user_candidates(timestamptz, bigint[]) owner to pgfeed_owner;

comment on function pgfeed._user_candidates(timestamptz, bigint[]) is
    'Posts, in no order and with repetitions, that a user''s request scores beside the shortlist of a large '
    'catalogue: the 100 nearest by text to the mean of the liked ones, and the 100 newest before ts';

revoke all on function pgfeed._user_candidates(timestamptz, bigint[]) from public;
