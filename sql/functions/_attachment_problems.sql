create or replace function pgfeed._attachment_problems(attachment_id smallint)
returns table (problem text, remedy text, is_fatal boolean)
language plpgsql stable
cost 1000 rows 1
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_attached pgfeed.attached_tables;
    v_class record;
    v_again text;
begin
    select t.* into strict v_attached
    from pgfeed.attached_tables as t
    where t.attachment_id = _attachment_problems.attachment_id;
    select c.relname, c.relowner, c.relrowsecurity, c.relforcerowsecurity, n.nspname into v_class
    from pg_class as c
    inner join pg_namespace as n on n.oid = c.relnamespace
    where c.oid = v_attached.relation;
    if not found then
        v_attached.relation := to_regclass(v_attached.relation_name);
        -- Its columns are another relation's now.
        v_attached.settings := v_attached.settings || '{"columns": {}}';
        return query
        select
            format(
                '%s was dropped%s', v_attached.relation_name, case when v_attached.relation is not null then ' and made anew' end
            ),
            coalesce(
                case when v_attached.relation is not null then pgfeed._attach_again(v_attached) end,
                format('call pgfeed.detach(%L)', v_attached.relation_name)
            ),
            true;
        return;
    end if;
    v_again := pgfeed._attach_again(v_attached);
    if v_attached.relation::text <> v_attached.relation_name then
        return query
        select format('%s is called %s now', v_attached.relation_name, v_attached.relation), v_again, true;
    end if;
    if not has_schema_privilege('pgfeed_owner', v_class.nspname, 'usage') then
        return query
        select
            format('pgfeed_owner may not use the schema %I any more', v_class.nspname),
            format('grant usage on schema %I to pgfeed_owner', v_class.nspname),
            true;
    end if;

    return query
    select
        case
            when a.attisdropped is not false then format('the column %s of %s was dropped', c.name, v_attached.relation)
            when a.attname <> c.name
                then format('the column %s of %s is called %s now', c.name, v_attached.relation, a.attname)
            when format_type(a.atttypid, a.atttypmod) <> c.type then format(
                'the column %s of %s is %s now, it was %s', c.name, v_attached.relation,
                format_type(a.atttypid, a.atttypmod), c.type
            )
            else format('pgfeed_owner may not read the column %s of %s any more', c.name, v_attached.relation)
        end,
        case
            when
                not a.attisdropped and a.attname = c.name and format_type(a.atttypid, a.atttypmod) = c.type
                then format('grant select (%I) on %s to pgfeed_owner', c.name, v_attached.relation)
            else v_again
        end,
        true
    from (
        select
            e.key as name,
            (e.value ->> 0)::smallint as attnum,
            e.value ->> 1 as type
        from jsonb_each(v_attached.settings -> 'columns') as e
    ) as c
    left join pg_attribute as a on a.attrelid = v_attached.relation and a.attnum = c.attnum
    where
        a.attisdropped is not false
        or a.attname <> c.name
        or format_type(a.atttypid, a.atttypmod) <> c.type
        or not has_column_privilege('pgfeed_owner', v_attached.relation, c.attnum, 'select');

    if
        v_class.relrowsecurity
        and (v_class.relforcerowsecurity or v_class.relowner <> 'pgfeed_owner'::regrole)
        and not exists (
            select from pg_policy as p
            where p.polrelid = v_attached.relation and p.polname = 'pgfeed_' || v_attached.attachment_id
        )
    then
        return query
        select
            format('%s has row security now, which hides its rows from pgfeed_owner', v_attached.relation),
            format(
                'create policy pgfeed_%s on %s for select to pgfeed_owner using (true)', v_attached.attachment_id, v_attached.relation
            ),
            true;
    end if;
    return query
    select
        format('the restrictive policy %s of %s holds for pgfeed_owner', p.polname, v_attached.relation),
        format('alter policy %I on %s to app_role; -- the roles of the application', p.polname, v_attached.relation),
        true
    from pg_policy as p
    where
        v_class.relrowsecurity
        and p.polrelid = v_attached.relation
        and not p.polpermissive
        and p.polcmd in ('r', '*')
        and exists (
            select from unnest(p.polroles) as r (role) where r.role = 0 or pg_has_role('pgfeed_owner', r.role, 'usage')
        );
    return query
    select
        format('%s cannot be read: %s', v_attached.relation, e.error),
        format('select from %s limit 1; -- as pgfeed_owner, until its server answers', v_attached.relation),
        true
    from pgfeed._foreign_error(v_attached) as e (error)
    where e.error is not null;
    return query
    select
        format('the trigger %s of %s is %s', n.name, v_attached.relation, case when t.tgname is null then 'gone' else 'disabled' end),
        case
            when t.tgname is null then v_again
            else format('alter table %s enable trigger %I', v_attached.relation, n.name)
        end,
        false
    from (
        select format('pgfeed_%s_%s', v_attached.attachment_id, o.name) as name
        from unnest(array['insert', 'update', 'delete', 'truncate']) as o (name)
        where v_attached.sync = 'trigger' or v_attached.sync = 'mixed' and o.name <> 'insert'
    ) as n
    left join pg_trigger as t on t.tgrelid = v_attached.relation and t.tgname = n.name
    where coalesce(t.tgenabled not in ('O', 'A'), true);
    return query
    select
        format('%s has no index any more by which calls read its newest rows', v_attached.relation),
        coalesce(pgfeed._helpful_index(v_attached), v_again),
        false
    from pgfeed._newest_rows_index(v_attached) as i
    where v_attached.sync = 'mixed' and i.index_id is null;
end;
$$;

alter function pgfeed._attachment_problems(smallint) owner to pgfeed_owner;

comment on function pgfeed._attachment_problems(smallint) is
    'One row per way in which an attached table is not what it was, with the statement that mends it; is_fatal: no refresh '
    'can be right before';

revoke all on function pgfeed._attachment_problems(smallint) from public;
