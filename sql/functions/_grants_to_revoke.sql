create or replace function pgfeed._grants_to_revoke(
    attachment_id smallint,
    out columns text,
    out schema text
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_attached pgfeed.attached_tables;
    v_heir smallint;
begin
    select t.* into strict v_attached from pgfeed.attached_tables as t where t.attachment_id = _grants_to_revoke.attachment_id;
    select min(t.attachment_id) into v_heir
    from pgfeed.attached_tables as t
    where t.relation = v_attached.relation and t.attachment_id <> v_attached.attachment_id;
    -- The last one of a relation revokes what all granted.
    if v_heir is not null then
        update pgfeed.attached_tables as t
        set settings = jsonb_set(
            t.settings, '{granted_columns}', (t.settings -> 'granted_columns') || (v_attached.settings -> 'granted_columns')
        )
        where t.attachment_id = v_heir;
    else
        select string_agg(distinct quote_ident(a.attname), ', ') into columns
        from jsonb_array_elements_text(v_attached.settings -> 'granted_columns') as c (name)
        inner join pg_attribute as a
            on a.attrelid = v_attached.relation
            and (
                a.attnum = (v_attached.settings -> 'columns' -> c.name ->> 0)::smallint
                or a.attname = c.name and not v_attached.settings -> 'columns' ? c.name
            )
        where not a.attisdropped;
    end if;

    select min(t.attachment_id) into v_heir
    from pgfeed.attached_tables as t
    inner join pg_class as c on c.oid = t.relation
    where
        t.attachment_id <> v_attached.attachment_id
        and c.relnamespace = to_regnamespace(quote_ident(v_attached.settings ->> 'granted_schema'));
    if v_heir is not null then
        update pgfeed.attached_tables as t
        set settings = jsonb_set(t.settings, '{granted_schema}', v_attached.settings -> 'granted_schema')
        where t.attachment_id = v_heir;
    else
        schema := v_attached.settings ->> 'granted_schema';
    end if;
end;
$$;

alter function pgfeed._grants_to_revoke(smallint) owner to pgfeed_owner;

comment on function pgfeed._grants_to_revoke(smallint) is
    'The columns and the schema that a detached relation has to take from pgfeed_owner again; what another attachment '
    'needs passes on to it';

revoke all on function pgfeed._grants_to_revoke(smallint) from public;
grant execute on function pgfeed._grants_to_revoke(smallint) to pgfeed_operator;
