create or replace function pgfeed._post_text(post_id bigint)
returns text
language plpgsql stable
cost 1000
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
begin
    -- Citus may call this on a worker, which has no attached tables.
    if to_regclass('pgfeed.attached_tables') is null then
        return null;
    end if;
    return (select r.text from pgfeed._post_rows(array[_post_text.post_id]) as r);
end;
$$;

alter function pgfeed._post_text(bigint) owner to pgfeed_owner;

comment on function pgfeed._post_text(bigint) is
    'The text of a post that can be shown now, where it is; for views, which call functions under the role that reads them';

revoke all on function pgfeed._post_text(bigint) from public;
grant execute on function pgfeed._post_text(bigint) to pgfeed_reader, pgfeed_operator;
