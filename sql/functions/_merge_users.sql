create or replace function pgfeed._merge_users(rows text)
returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_columns constant text[] := array['gender', 'age', 'country', 'city', 'exp_group', 'os', 'source', 'attributes'];
begin
    return format(
        'insert into pgfeed.users as u (user_id, key, %1$s) '
        'select r.user_id, r.key, %2$s from (select distinct on (s.user_id) s.* from (%5$s) as s order by s.user_id, s.key) '
        'as r left join pgfeed.users as k on k.user_id = r.user_id '
        'where k.user_id is null or k.key is not distinct from r.key and (%3$s) is distinct from (%2$s) '
        'on conflict (user_id) do update set %4$s where u.key is not distinct from excluded.key',
        array_to_string(v_columns, ', '),
        'r.' || array_to_string(v_columns, ', r.'),
        'k.' || array_to_string(v_columns, ', k.'),
        (select string_agg(format('%1$I = excluded.%1$I', c.name), ', ') from unnest(v_columns) as c (name)),
        rows
    );
end;
$$;

alter function pgfeed._merge_users(text) owner to pgfeed_owner;

comment on function pgfeed._merge_users(text) is
    'SQL that writes to users what differs from these rows, which are SQL too: see _attached_rows(). A row whose id is '
    'another key''s is left out';

revoke all on function pgfeed._merge_users(text) from public;
