create or replace function pgfeed._follow_statements(
    attachment_id smallint,
    kind text,
    settings jsonb,
    operation text
)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_alias constant text := quote_ident(settings ->> 'alias');
    v_new constant text := pgfeed._attached_rows(kind, settings, 'new_rows as ' || v_alias);
    v_old constant text := pgfeed._attached_rows(kind, settings, 'old_rows as ' || v_alias);
    v_nothing constant text := case when kind = 'events' then
        'select null::bigint as user_id, null::bigint as post_id, null::timestamptz as event_at, null::boolean as target '
        'where false'
    end;
begin
    if kind = 'events' then
        return case operation
            when 'INSERT' then format(
                'insert into pgfeed.feed_events (event_at, user_id, post_id, action, target, attachment_id) '
                'select r.event_at, r.user_id, r.post_id, %L, r.target, %s from (%s) as r '
                -- Without a target: with one, each statement looks up the ancestors of a partition's indexes.
                'on conflict do nothing',
                settings ->> 'action', attachment_id, v_new
            )
            when 'UPDATE' then pgfeed._merge_events(
                attachment_id, settings ->> 'action',
                format('(%s) except (%s)', v_new, v_old), format('(%s) except (%s)', v_old, v_new)
            )
            else pgfeed._merge_events(attachment_id, settings ->> 'action', v_nothing, format('select distinct o.* from (%s) as o', v_old))
        end;
    end if;

    return concat_ws(
        E';\n        ',
        case
            when operation in ('UPDATE', 'DELETE') then format(
                'delete from pgfeed.%1$s as k where k.%2$s in (select o.%2$s from (%3$s) as o%4$s)',
                kind, rtrim(kind, 's') || '_id', v_old,
                case when operation = 'UPDATE' then format(
                    ' where o.%1$s not in (select n.%1$s from (%2$s) as n)', rtrim(kind, 's') || '_id', v_new
                ) end
            )
        end,
        case
            when operation in ('INSERT', 'UPDATE') and kind = 'users' then pgfeed._merge_users(v_new)
            when operation in ('INSERT', 'UPDATE') then pgfeed._merge_posts(v_new)
        end
    );
end;
$$;

alter function pgfeed._follow_statements(smallint, text, jsonb, text) owner to pgfeed_owner;

comment on function pgfeed._follow_statements(smallint, text, jsonb, text) is
    'SQL that does for pgfeed what an INSERT, UPDATE or DELETE did to an attached table, by its transition tables';

revoke all on function pgfeed._follow_statements(smallint, text, jsonb, text) from public;
