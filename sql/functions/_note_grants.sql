create or replace function pgfeed._note_grants(
    attachment_id smallint,
    columns text[],
    schema text
)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
begin
    update pgfeed.attached_tables as t
    set settings = t.settings || jsonb_build_object(
        'granted_columns', coalesce(to_jsonb(columns), '[]'), 'granted_schema', nullif(schema, '')
    )
    where t.attachment_id = _note_grants.attachment_id;
end;
$$;

alter function pgfeed._note_grants(smallint, text[], text) owner to pgfeed_owner;

comment on function pgfeed._note_grants(smallint, text[], text) is
    'Notes what an attach_*() granted to pgfeed_owner, for detach()';

revoke all on function pgfeed._note_grants(smallint, text[], text) from public;
grant execute on function pgfeed._note_grants(smallint, text[], text) to pgfeed_operator;
