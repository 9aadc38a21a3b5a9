create or replace function pgfeed._require_newest_rows_index(attached pgfeed.attached_tables)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_statement text;
begin
    if (select i.index_id from pgfeed._newest_rows_index(attached) as i) is not null then
        return;
    end if;
    v_statement := pgfeed._helpful_index(attached);
    if v_statement is not null then
        raise exception 'sync is mixed, and % has no index on (%, %), by which a call reads the newest rows of its user',
            attached.relation, attached.settings ->> 'user_key', attached.settings ->> 'at'
            using errcode = '55000', hint = v_statement;
    end if;
    raise exception 'sync is mixed, and no index of % can find the newest rows of a user by (%) and (%)',
        attached.relation, attached.settings ->> 'user_key', attached.settings ->> 'at'
        using errcode = '55000', hint = 'Give a column of the table itself as user_key and as at, or say sync => ''trigger''.';
end;
$$;

alter function pgfeed._require_newest_rows_index(pgfeed.attached_tables) owner to pgfeed_owner;

comment on function pgfeed._require_newest_rows_index(pgfeed.attached_tables) is
    'An error, with the statement for the index, where a call cannot find the newest rows of its user in an attached table';

revoke all on function pgfeed._require_newest_rows_index(pgfeed.attached_tables) from public;
