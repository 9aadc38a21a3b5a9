create or replace function pgfeed._is_plain()
returns boolean
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return not exists (
        select
        from pgfeed.actions as a
        where
            a.undoes is not null
            or a.sign < 0
            or not a.hides and (a.sign > 0 or a.action = 'view')
    );
end;
$$;

alter function pgfeed._is_plain() owner to pgfeed_owner;

comment on function pgfeed._is_plain() is
    'True: what a user liked is what is kept out of the user''s lists, and nothing takes a like back; see actions';

revoke all on function pgfeed._is_plain() from public;
