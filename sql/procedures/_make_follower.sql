create or replace procedure pgfeed._make_follower(attachment_id smallint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_attached pgfeed.attached_tables;
    v_name constant text := format('pgfeed._follow_%s', attachment_id);
    v_least jsonb;
    v_fallback text := '';
    v_body text;
begin
    select t.* into strict v_attached from pgfeed.attached_tables as t where t.attachment_id = _make_follower.attachment_id;
    if v_attached.kind = 'posts' then
        v_least := v_attached.settings - array['topic', 'created_at', 'features', 'feature_types'];
        v_fallback := format(
            $fallback$
            -- Nobody is to be shown what is gone, whatever else cannot be computed.
            if sqlstate <> '55P03' then
                begin
                    if tg_op = 'UPDATE' then
                        update pgfeed.posts as p
                        set hidden_at = now(), is_withdrawn = true
                        from (%1$s) as r
                        where
                            p.post_id = r.post_id
                            and p.key is not distinct from r.key
                            and p.hidden_at is null
                            and not r.is_available;
                    elsif tg_op = 'DELETE' then
                        %2$s;
                    end if;
                exception when others then
                    null;
                end;
            end if;
            $fallback$,
            pgfeed._attached_rows('posts', v_least, 'new_rows as ' || quote_ident(v_least ->> 'alias')),
            pgfeed._follow_statements(attachment_id, 'posts', v_least - 'available', 'DELETE')
        );
    end if;
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
            %5$s
            return null;
        end;
        $body$,
        attachment_id,
        pgfeed._follow_statements(attachment_id, v_attached.kind, v_attached.settings, 'INSERT'),
        pgfeed._follow_statements(attachment_id, v_attached.kind, v_attached.settings, 'UPDATE'),
        pgfeed._follow_statements(attachment_id, v_attached.kind, v_attached.settings, 'DELETE'),
        v_fallback
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
    'attachment_errors and fails nothing; it waits at most 100 ms. Of posts it still takes away what is gone or not '
    'available, if the key and that can be computed';

revoke all on procedure pgfeed._make_follower(smallint) from public;
