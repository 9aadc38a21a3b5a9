create or replace function pgfeed._undos()
returns text[]
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select a.action
        from pgfeed.actions as a
        inner join pgfeed.actions as u on u.action = a.undoes
        where u.sign > 0
        order by a.action
    );
end;
$$;

alter function pgfeed._undos() owner to pgfeed_owner;

comment on function pgfeed._undos() is 'The actions that take a like back; empty: there are none';

revoke all on function pgfeed._undos() from public;
