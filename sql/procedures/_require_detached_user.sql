create or replace procedure pgfeed._require_detached_user(user_id bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
--!include sql/_fixed_meaning.sql
as $$
declare
    v_attached pgfeed.attached_tables;
    v_is_there boolean;
begin
    for v_attached in
        select t.* from pgfeed.attached_tables as t where t.kind in ('users', 'events') order by t.kind desc
    loop
        if v_attached.kind = 'events' and v_attached.sync = 'trigger' then
            v_is_there := exists (
                select 1
                from pgfeed.feed_events as e
                where e.user_id = _require_detached_user.user_id and e.attachment_id = v_attached.attachment_id
            );
        else
            execute format(
                'select exists (select from (%s) as s where s.user_id = $1)',
                pgfeed._attached_rows(v_attached.kind, v_attached.settings, v_attached.relation::text)
            )
            into v_is_there using user_id;
        end if;
        if v_is_there then
            raise exception '% still has rows of this user', v_attached.relation_name
                using errcode = '55000', hint = 'Delete or change them there first: pgfeed follows this table.';
        end if;
    end loop;
end;
$$;

alter procedure pgfeed._require_detached_user(bigint) owner to pgfeed_owner;

comment on procedure pgfeed._require_detached_user(bigint) is
    'An error if an attached table has rows of a user, which would come back with its next comparison';

revoke all on procedure pgfeed._require_detached_user(bigint) from public;
