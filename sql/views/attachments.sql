create or replace view pgfeed.attachments as
select
    t.attachment_id,
    t.kind,
    t.relation_name as relation,
    t.settings ->> 'action' as action,
    t.sync,
    t.is_loaded,
    t.row_count,
    t.rejected_count,
    case
        when t.sync = 'trigger' then coalesce(now() - e.first_at, interval '0')
        else now() - t.synced_at
    end as lag,
    coalesce(e.error_count, 0) as error_count,
    e.newest_error,
    array(select c.name from jsonb_object_keys(t.settings -> 'columns') as c (name) order by c.name) as columns,
    pgfeed._helpful_index(t) as helpful_index,
    f.total_time / nullif(f.calls, 0) as write_cost_ms,
    t.synced_at,
    t.compared_at
from pgfeed.attached_tables as t
cross join lateral (
    select
        count(*) filter (where r.sqlstate <> '00000') as error_count,
        min(r.happened_at) as first_at,
        (array_agg(r.message order by r.happened_at desc) filter (where r.sqlstate <> '00000'))[1] as newest_error
    from pgfeed.attachment_errors as r
    where r.attachment_id = t.attachment_id
) as e
cross join lateral (
    select
        sum(pg_stat_get_function_total_time(p.oid)) as total_time,
        sum(pg_stat_get_function_calls(p.oid)) as calls
    from pg_proc as p
    where
        p.pronamespace = 'pgfeed'::regnamespace
        and p.proname in (format('_follow_%s', t.attachment_id), format('_follow_%s_insert', t.attachment_id))
) as f;

alter view pgfeed.attachments owner to pgfeed_owner;

comment on view pgfeed.attachments is 'One row per table of the application that pgfeed follows, and event action: see attach_users()';
comment on column pgfeed.attachments.row_count is 'Rows that are here, as of synced_at';
comment on column pgfeed.attachments.rejected_count is
    'Rows of the relation that cannot be taken: without a key or a time, a key that another row has. As of compared_at, of '
    'events so once a week, or after sync_attachments(complete => true)';
comment on column pgfeed.attachments.lag is 'How long a committed write may be missing here, of mixed a new row; of triggers: since the first error';
comment on column pgfeed.attachments.error_count is 'Writes that the trigger could not follow since the last refresh, which mends them';
comment on column pgfeed.attachments.columns is 'Columns of the relation that are read';
comment on column pgfeed.attachments.helpful_index is 'The statement for an index that the relation should have; null: none';
comment on column pgfeed.attachments.write_cost_ms is
    'Milliseconds that the trigger adds to a statement of the application, on average: those that insert cost nothing with '
    'sync => ''mixed'', where an index begins with user and time; null: not known, for the setting track_functions is none';
comment on column pgfeed.attachments.compared_at is 'When the rows of all days, not only of the newest, were compared last';

grant select on pgfeed.attachments to pgfeed_operator;
