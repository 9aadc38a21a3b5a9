create or replace procedure pgfeed.remove_feature(name text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
begin
    delete from pgfeed.own_features as f where f.name = remove_feature.name;
    if not found then
        raise exception 'there is no feature % that add_feature() added', coalesce(name, 'null')
            using errcode = '22023', hint = 'Those that are there: select name from pgfeed.own_features';
    end if;
    delete from pgfeed.feature_packs as k where k.as_of is distinct from pgfeed._refresh_as_of();
end;
$$;

alter procedure pgfeed.remove_feature(text) owner to pgfeed_owner;

comment on procedure pgfeed.remove_feature(text) is
    'Forgets a feature of add_feature(). Models that have it serve until the next refresh, then users get popular posts '
    'until others are activated';

revoke all on procedure pgfeed.remove_feature(text) from public;
grant execute on procedure pgfeed.remove_feature(text) to pgfeed_operator;
