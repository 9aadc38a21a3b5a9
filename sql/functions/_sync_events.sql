create or replace function pgfeed._sync_events(
    attachment_id smallint,
    complete boolean
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set row_security = on
--!include sql/_fixed_meaning.sql
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_overlap constant interval := interval '7 days';
    v_attached pgfeed.attached_tables;
    v_is_complete boolean;
    v_source text;
    v_rows text;
    v_ours text;
    v_days date[];
    v_from timestamptz;
    v_to timestamptz;
    v_range text;
begin
    select t.* into strict v_attached from pgfeed.attached_tables as t where t.attachment_id = _sync_events.attachment_id;
    v_is_complete := complete
        or not v_attached.is_loaded
        or coalesce(v_attached.compared_at < now() - v_overlap, true)
        or exists (select from pgfeed.attachment_errors as r where r.attachment_id = _sync_events.attachment_id);
    -- Those of later are mended the next time.
    delete from pgfeed.attachment_errors as r where r.attachment_id = _sync_events.attachment_id;
    v_source := format('%s as %I', v_attached.relation, v_attached.settings ->> 'alias');
    v_rows := pgfeed._attached_rows('events', v_attached.settings, v_source);
    v_ours := format(
        'select e.user_id, e.post_id, e.event_at, e.target from pgfeed.feed_events as e where e.attachment_id = %s', attachment_id
    );
    -- Where an event was taken back another row may say the same.
    v_days := case when v_is_complete then null else array(
        select distinct r.day from pgfeed.removed_events as r where r.user_id is not null and r.day is not null
    ) end;
    v_from := case when v_is_complete then '-infinity' else date_trunc('day', v_attached.synced_at - v_overlap) end;
    v_range := format(
        '(r.event_at >= %L%s)', v_from,
        case when cardinality(v_days) > 0 then format(
            ' or r.event_at >= %L and r.event_at < %L and r.event_at::date = any(%L)',
            (select min(d.day) from unnest(v_days) as d (day))::timestamptz,
            (select max(d.day) + 1 from unnest(v_days) as d (day))::timestamptz, v_days
        ) end
    );
    execute format(
        'with theirs as (select r.event_at::date as day, count(*) as event_count, '
        'bit_xor(hash_record_extended(row(r.user_id, r.post_id, r.event_at, r.target), 0)) as digest '
        'from (select s.user_id, s.post_id, s.event_at, bool_or(s.target) as target from (%1$s) as s '
        'group by s.user_id, s.post_id, s.event_at) as r where %3$s group by r.event_at::date), '
        'ours as (select r.event_at::date as day, count(*) as event_count, '
        'bit_xor(hash_record_extended(row(r.user_id, r.post_id, r.event_at, r.target), 0)) as digest '
        'from (%2$s) as r where %3$s group by r.event_at::date) '
        'select coalesce(array_agg(day order by day), ''{}'') from theirs as t full join ours as o using (day) '
        'where (t.event_count, t.digest) is distinct from (o.event_count, o.digest)',
        v_rows, v_ours, v_range
    ) into v_days;
    if cardinality(v_days) > 0 then
        v_from := v_days[1];
        v_to := v_days[cardinality(v_days)] + 1;
        call pgfeed.create_event_partitions(v_from, v_to - interval '1 day');
        v_range := format('r.event_at >= %L and r.event_at < %L and r.event_at::date = any(%L)', v_from, v_to, v_days);
        execute pgfeed._merge_events(
            attachment_id, v_attached.settings ->> 'action',
            format('select r.* from (%s) as r where %s', v_rows, v_range),
            format(
                'select r.user_id, r.post_id, r.event_at from (%s) as r where %s and not exists (select from rows as s where '
                's.user_id = r.user_id and s.post_id = r.post_id and s.event_at = r.event_at '
                'and s.target is not distinct from r.target)',
                v_ours, v_range
            )
        );
    end if;
    perform pgfeed._add_posts_of_events(attachment_id);
    if v_is_complete then
        execute format(
            E'select (select count(*) from %s where (%s\n)), (select count(*) from (%s) as r)', v_source,
            coalesce(v_attached.settings ->> 'condition', 'true'), v_rows
        ) into v_attached.row_count, v_attached.rejected_count;
        v_attached.rejected_count := v_attached.row_count - v_attached.rejected_count;
    end if;
    update pgfeed.attached_tables as t
    set
        is_loaded = true,
        synced_at = now(),
        compared_at = case when v_is_complete then now() else t.compared_at end,
        settings = t.settings - 'loaded_blocks',
        row_count = (select count(*) from pgfeed.feed_events as e where e.attachment_id = _sync_events.attachment_id),
        rejected_count = v_attached.rejected_count
    where t.attachment_id = _sync_events.attachment_id;
    if v_attached.sync <> 'trigger' then
        call pgfeed._make_newest_events();
    end if;
end;
$$;

alter function pgfeed._sync_events(smallint, boolean) owner to pgfeed_owner;

comment on function pgfeed._sync_events(smallint, boolean) is
    'Compares the events of each day (UTC) with the attached table, by number and digest, and writes those of days that '
    'differ anew: the days since a week before the last time and those of removed events, or all: when asked, in the '
    'first week, after errors of a trigger, and once a week';

revoke all on function pgfeed._sync_events(smallint, boolean) from public;
