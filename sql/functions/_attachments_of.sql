create or replace function pgfeed._attachments_of(
    name text,
    known regclass,
    action text,
    kind text
)
returns table (attachment_id smallint, relation regclass)
language plpgsql stable
security definer
cost 100 rows 1
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
begin
    return query
    select
        t.attachment_id,
        (select c.oid::regclass from pg_class as c where c.oid = t.relation)
    from pgfeed.attached_tables as t
    where
        (
            t.relation = _attachments_of.known
            or t.relation_name in (_attachments_of.name, _attachments_of.known::text)
            and not exists (select from pg_class as c where c.oid = t.relation)
        )
        and (_attachments_of.action is null or t.settings ->> 'action' = _attachments_of.action)
        and (_attachments_of.kind is null or t.kind = _attachments_of.kind);
end;
$$;

alter function pgfeed._attachments_of(text, regclass, text, text) owner to pgfeed_owner;

comment on function pgfeed._attachments_of(text, regclass, text, text) is
    'One row per attachment of a relation; one that was dropped is found by its name of then, its relation is null';

revoke all on function pgfeed._attachments_of(text, regclass, text, text) from public;
grant execute on function pgfeed._attachments_of(text, regclass, text, text) to pgfeed_operator;
