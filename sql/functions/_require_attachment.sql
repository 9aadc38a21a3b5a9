create or replace function pgfeed._require_attachment(attachment_id smallint)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_problem text;
    v_remedy text;
begin
    select p.problem, p.remedy into v_problem, v_remedy from pgfeed._attachment_problems(attachment_id) as p where p.is_fatal limit 1;
    if found then
        raise exception '%', v_problem using errcode = '55000', hint = 'First: ' || v_remedy;
    end if;
end;
$$;

alter function pgfeed._require_attachment(smallint) owner to pgfeed_owner;

comment on function pgfeed._require_attachment(smallint) is 'An error if an attached table is not what it was';

revoke all on function pgfeed._require_attachment(smallint) from public;
