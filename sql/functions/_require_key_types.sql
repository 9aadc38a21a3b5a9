create or replace function pgfeed._require_key_types(
    kind text,
    relation regclass,
    types jsonb
)
returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_other record;
begin
    select
        o.relation,
        o.name as other_name,
        o.type as other_type,
        n.name,
        n.type
    into v_other
    from (
        select
            case when _require_key_types.kind = 'events' then k.key else rtrim(_require_key_types.kind, 's') || '_key' end as role,
            k.key as name,
            k.value as type
        from jsonb_each_text(types) as k
    ) as n
    inner join (
        select
            t.relation,
            case when t.kind = 'events' then k.key else rtrim(t.kind, 's') || '_key' end as role,
            k.key as name,
            k.value as type
        from pgfeed.attached_tables as t
        cross join lateral jsonb_each_text(t.settings -> 'key_types') as k
    ) as o on o.role = n.role
    where (o.type in ('smallint', 'integer', 'bigint')) <> (n.type in ('smallint', 'integer', 'bigint'))
    limit 1;
    if found then
        raise exception '%.% is %, but %.% is %', relation, v_other.name, v_other.type, v_other.relation, v_other.other_name,
            v_other.other_type
            using errcode = '42804', hint = 'Either all keys of users, or of posts, are integers, or none is: cast one of them.';
    end if;
end;
$$;

alter function pgfeed._require_key_types(text, regclass, jsonb) owner to pgfeed_owner;

comment on function pgfeed._require_key_types(text, regclass, jsonb) is
    'An error if another attached table names the same users or posts by keys of another kind';

revoke all on function pgfeed._require_key_types(text, regclass, jsonb) from public;
