create or replace procedure pgfeed._open_columns(attachment_id smallint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_attached record;
    v_columns text[];
    v_policy constant text := 'pgfeed_' || attachment_id;
    v_restrictive text;
    v_lock_timeout constant text := current_setting('lock_timeout');
begin
    select a.* into v_attached from pgfeed._attachment(attachment_id) as a;
    select array_agg(c.name order by c.name) into v_columns
    from unnest(v_attached.columns) as c (name)
    where not has_column_privilege('pgfeed_owner', v_attached.relation, c.name, 'select');
    if v_columns is not null then
        execute format(
            'grant select (%s) on %s to pgfeed_owner',
            (select string_agg(quote_ident(c.name), ', ') from unnest(v_columns) as c (name)),
            v_attached.relation
        );
    end if;

    select min(p.polname) into v_restrictive
    from pg_policy as p
    cross join unnest(p.polroles) as r (role)
    where
        p.polrelid = v_attached.relation
        and not p.polpermissive
        and p.polcmd in ('r', '*')
        and (r.role = 0 or pg_has_role('pgfeed_owner', r.role, 'usage'));
    if v_attached.has_policies and v_restrictive is not null then
        raise exception 'the restrictive policy % of % holds for pgfeed_owner, which must see all rows', v_restrictive,
            v_attached.relation
            using
                errcode = '42501',
                hint = format(
                    'Let it hold for the application''s roles only: alter policy %I on %s to app_role;', v_restrictive, v_attached.relation
                );
    end if;
    -- Writers wait behind a lock that waits.
    perform set_config('lock_timeout', '2s', true);
    if v_attached.has_policies then
        execute format(
            'create policy %I on %s for select to pgfeed_owner using (true)', v_policy, v_attached.relation
        );
    end if;
    perform set_config('lock_timeout', v_lock_timeout, true);
    perform pgfeed._note_grants(attachment_id, v_columns, current_setting('pgfeed.opened_schema', true));
    perform set_config('pgfeed.opened_schema', '', true);
exception when lock_not_available then
    raise exception '% is in use by a long transaction', v_attached.relation
        using errcode = '55P03', hint = 'Call it again when that has ended; nothing was changed.';
end;
$$;

alter procedure pgfeed._open_columns(smallint) owner to pgfeed_owner;

comment on procedure pgfeed._open_columns(smallint) is
    'Lets pgfeed_owner read the columns that an attachment uses, and all rows, with the rights of the caller; notes what was granted';

revoke all on procedure pgfeed._open_columns(smallint) from public;
grant execute on procedure pgfeed._open_columns(smallint) to pgfeed_operator;
