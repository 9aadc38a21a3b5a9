create or replace function pgfeed._catalogue_count(as_of timestamptz)
returns integer
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select count(*) from pgfeed.posts as p where p.created_at is null or p.created_at < as_of);
end;
$$;

alter function pgfeed._catalogue_count(timestamptz) owner to pgfeed_owner;

comment on function pgfeed._catalogue_count(timestamptz) is
    'How many posts there were before a moment: rows of post_features_as_of()';

revoke all on function pgfeed._catalogue_count(timestamptz) from public;
