create or replace function pgfeed._sync_rows(attachment_id smallint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set row_security = on
--!include sql/_fixed_meaning.sql
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_attached pgfeed.attached_tables;
    v_source text;
    v_rows text;
    v_id text;
    v_all_count bigint;
    v_row_count bigint;
begin
    select t.* into strict v_attached from pgfeed.attached_tables as t where t.attachment_id = _sync_rows.attachment_id;
    -- Those of later are mended the next time.
    delete from pgfeed.attachment_errors as r where r.attachment_id = _sync_rows.attachment_id;
    v_id := rtrim(v_attached.kind, 's') || '_id';
    v_source := format('%s as %I', v_attached.relation, v_attached.settings ->> 'alias');
    v_rows := pgfeed._attached_rows(v_attached.kind, v_attached.settings, v_source);
    execute case
        when v_attached.kind = 'users' then pgfeed._merge_users(v_rows)
        else pgfeed._merge_posts(v_rows)
    end;
    execute format(
        'with rows as materialized (select r.%1$I, r.key from (%2$s) as r), '
        'gone as (delete from pgfeed.%3$I as k where not exists (select from rows as r where r.%1$I = k.%1$I)) '
        'select (select count(*) from %4$s), (select count(*) from pgfeed.%3$I as k where exists '
        '(select from rows as r where r.%1$I = k.%1$I and r.key is not distinct from k.key))',
        v_id, v_rows, v_attached.kind, v_source
    ) into v_all_count, v_row_count;
    update pgfeed.attached_tables as t
    set
        is_loaded = true,
        synced_at = now(),
        compared_at = now(),
        row_count = v_row_count,
        rejected_count = v_all_count - v_row_count
    where t.attachment_id = _sync_rows.attachment_id;
end;
$$;

alter function pgfeed._sync_rows(smallint) owner to pgfeed_owner;

comment on function pgfeed._sync_rows(smallint) is
    'Makes users or posts what the attached table has now: writes and deletes only what differs';

revoke all on function pgfeed._sync_rows(smallint) from public;
