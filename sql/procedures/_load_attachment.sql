create or replace procedure pgfeed._load_attachment(
    attachment_id smallint,
    inout done double precision
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = on
--!include sql/_fixed_meaning.sql
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_max_blocks constant bigint := 2048;
    v_attached pgfeed.attached_tables;
    v_block bigint;
    v_step bigint;
    v_blocks bigint;
    v_rows text;
    v_from timestamptz;
    v_to timestamptz;
    v_count bigint;
begin
    perform pgfeed._require_all_rows();
--!include sql/_sequential_on_citus.sql
    select t.* into strict v_attached
    from pgfeed.attached_tables as t
    where t.attachment_id = _load_attachment.attachment_id
    for no key update;
    done := 1;
    if v_attached.is_loaded then
        return;
    end if;
    if v_attached.kind <> 'events' then
        perform pgfeed._sync_rows(attachment_id);
        return;
    end if;

    v_rows := pgfeed._attached_rows(
        'events', v_attached.settings, format('%s as %I', v_attached.relation, v_attached.settings ->> 'alias')
    );
    if (select 'ctid' = any(a.columns) from pgfeed._attachment(attachment_id) as a) then
        v_block := coalesce((v_attached.settings ->> 'loaded_blocks')::bigint, 0);
        select
            greatest(v_max_blocks / count(*), 64),
            max(pg_relation_size(p.relid) / current_setting('block_size')::bigint)
        into v_step, v_blocks
        from (
            select t.relid from pg_partition_tree(v_attached.relation) as t where t.isleaf
            union
            select c.oid from pg_class as c where c.oid = v_attached.relation and c.relkind = 'r'
        ) as p;
        v_rows := format(
            '%s and %I.ctid >= ''(%s,0)'' and %2$I.ctid < ''(%4$s,0)''', v_rows, v_attached.settings ->> 'alias',
            v_block, v_block + v_step
        );
        done := case when v_block + v_step < v_blocks then (v_block + v_step)::double precision / v_blocks else 1 end;
    end if;
    execute format('select min(r.event_at), max(r.event_at) from (%s) as r', v_rows) into v_from, v_to;
    if v_from is not null then
        call pgfeed.create_event_partitions(v_from, v_to);
    end if;
    execute pgfeed._merge_events(
        attachment_id, v_attached.settings ->> 'action', v_rows, 'select r.user_id, r.post_id, r.event_at from rows as r where false'
    );
    get diagnostics v_count = row_count;
    update pgfeed.attached_tables as t
    set
        is_loaded = done = 1,
        row_count = coalesce(t.row_count, 0) + v_count,
        synced_at = case when done = 1 then t.attached_at end,
        settings = case
            when done = 1 then t.settings - 'loaded_blocks'
            else t.settings || jsonb_build_object('loaded_blocks', v_block + v_step)
        end
    where t.attachment_id = _load_attachment.attachment_id;
    if done = 1 then
        perform pgfeed._add_posts_of_events(attachment_id);
    end if;
end;
$$;

alter procedure pgfeed._load_attachment(smallint, double precision) owner to pgfeed_owner;

comment on procedure pgfeed._load_attachment(smallint, double precision) is
    'Loads the next part of an attached table, at most 16 MB of it where it has a place on disk, and says which part of all is done';

revoke all on procedure pgfeed._load_attachment(smallint, double precision) from public;
grant execute on procedure pgfeed._load_attachment(smallint, double precision) to pgfeed_operator;
