create or replace function pgfeed._key_type(kind text)
returns text
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        (
            select coalesce(
                min(t.settings -> 'key_types' ->> 'key') filter (where t.kind = _key_type.kind),
                min(t.settings -> 'key_types' ->> (rtrim(_key_type.kind, 's') || '_key')) filter (where t.kind = 'events')
            )
            from pgfeed.attached_tables as t
        ),
        case
            when _key_type.kind = 'users' and exists (select 1 from pgfeed.users as u where u.key is not null) then 'text'
            when _key_type.kind = 'posts' and exists (select 1 from pgfeed.posts as p where p.key is not null) then 'text'
            else 'bigint'
        end
    );
end;
$$;

alter function pgfeed._key_type(text) owner to pgfeed_owner;

comment on function pgfeed._key_type(text) is
    'The type of the keys of users or posts: as they are attached, else text where some were loaded with a key, else '
    'bigint';

revoke all on function pgfeed._key_type(text) from public;
