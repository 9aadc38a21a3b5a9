create or replace function pgfeed._is_large()
returns boolean
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select count(*) > 25000 from pgfeed.posts as p);
end;
$$;

alter function pgfeed._is_large() owner to pgfeed_owner;

comment on function pgfeed._is_large() is
    'Whether there are more posts than recommend_posts scores at each call: then a shortlist and candidates are scored';

revoke all on function pgfeed._is_large() from public;
