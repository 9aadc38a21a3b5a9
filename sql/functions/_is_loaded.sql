create or replace function pgfeed._is_loaded()
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return
        exists (select from pgfeed.feature_refreshes)
        or exists (select from pgfeed.rollup_days)
        or exists (select from pgfeed.posts)
        or pgfeed._has_events('-infinity', 'infinity');
end;
$$;

alter function pgfeed._is_loaded() owner to pgfeed_owner;

comment on function pgfeed._is_loaded() is 'Whether anything was ever loaded: before that nothing is missing';

revoke all on function pgfeed._is_loaded() from public;
