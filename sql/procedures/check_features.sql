create or replace procedure pgfeed.check_features(inout problems text[] default null)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_name text;
    v_problem text;
begin
    problems := '{}';
    for v_name in select f.name from pgfeed.own_features as f order by f.name loop
        begin
            v_problem := null;
            call pgfeed._find_leak(v_name, v_problem);
        exception when others then
            v_problem := sqlerrm;
        end;
        problems := problems || v_problem;
    end loop;
    problems := array_remove(problems, null);
end;
$$;

alter procedure pgfeed.check_features(text[]) owner to pgfeed_owner;

comment on procedure pgfeed.check_features(text[]) is
    'Tries again whether features of add_feature() look ahead: a sentence for each that does, or that cannot be computed';

revoke all on procedure pgfeed.check_features(text[]) from public;
grant execute on procedure pgfeed.check_features(text[]) to pgfeed_operator;
