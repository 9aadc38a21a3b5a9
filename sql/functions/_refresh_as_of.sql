create or replace function pgfeed._refresh_as_of()
returns timestamptz
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select r.as_of
        from pgfeed.feature_refreshes as r
        order by r.refresh_id desc
        limit 1
    );
end;
$$;

alter function pgfeed._refresh_as_of() owner to pgfeed_owner;

comment on function pgfeed._refresh_as_of() is 'The cut-off of the newest refresh: what the materialized views are computed as of';

revoke all on function pgfeed._refresh_as_of() from public;
