create or replace procedure pgfeed._make_follower(attachment_id smallint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_attached pgfeed.attached_tables;
    v_name constant text := format('pgfeed._follow_%s', attachment_id);
    v_body text;
begin
    select t.* into strict v_attached from pgfeed.attached_tables as t where t.attachment_id = _make_follower.attachment_id;
    v_body := format(
        $body$
        #variable_conflict use_column
        begin
            if tg_op = 'INSERT' then
                %2$s;
            elsif tg_op = 'UPDATE' then
                %3$s;
            elsif tg_op = 'DELETE' then
                %4$s;
            else
                insert into pgfeed.attachment_errors (attachment_id, operation, sqlstate, message)
                values (%1$s, 'TRUNCATE', '00000', 'all rows are gone');
            end if;
            return null;
--!include sql/_noted_error.sql
        $body$,
        attachment_id,
        pgfeed._follow_statements(attachment_id, v_attached.kind, v_attached.settings, 'INSERT'),
        pgfeed._follow_statements(attachment_id, v_attached.kind, v_attached.settings, 'UPDATE'),
        pgfeed._follow_statements(attachment_id, v_attached.kind, v_attached.settings, 'DELETE')
    );
    execute format(
        $create$
create or replace function %s() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
--!include sql/_fixed_meaning.sql
as %L
        $create$,
        v_name, v_body
    );
    execute format('comment on function %s() is %L', v_name, format('Brings what is written to %s to pgfeed', v_attached.relation_name));
    execute format('revoke all on function %s() from public', v_name);
    execute format('grant execute on function %s() to pgfeed_operator', v_name);
end;
$$;

alter procedure pgfeed._make_follower(smallint) owner to pgfeed_owner;

comment on procedure pgfeed._make_follower(smallint) is
    'Makes _follow_<id>(), the function of the triggers of an attached table: an error inside is noted in '
    'attachment_errors and fails nothing; it waits at most 100 ms';

revoke all on procedure pgfeed._make_follower(smallint) from public;
