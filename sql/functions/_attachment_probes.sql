create or replace function pgfeed._attachment_probes()
returns setof pgfeed.probe
language plpgsql stable
cost 10000 rows 1
set search_path = pg_catalog, pg_temp
as $$
declare
    v_problems text[];
    v_warnings text[];
    v_remedies text[];
    v_sums record;
begin
    select
        array_agg(p.problem) filter (where p.is_fatal),
        coalesce(array_agg(p.problem) filter (where not p.is_fatal), '{}'),
        array_agg(p.remedy order by p.is_fatal desc)
    into v_problems, v_warnings, v_remedies
    from pgfeed.attached_tables as t
    cross join lateral pgfeed._attachment_problems(t.attachment_id) as p;
    select
        count(*) as table_count,
        sum(a.row_count) as row_count,
        sum(a.rejected_count) as rejected_count,
        sum(a.error_count) as error_count,
        max(a.lag) as lag,
        min(a.newest_error) as newest_error,
        min(a.relation) filter (where not a.is_loaded) as unloaded,
        min(a.relation) filter (where a.rejected_count > 0) as rejecting
    into v_sums
    from pgfeed.attachments as a;
    return next pgfeed._probe(
        'attachments',
        v_problems,
        v_warnings || array[
            case when v_sums.unloaded is not null then v_sums.unloaded || ' is not loaded to its end' end,
            case
                when v_sums.error_count > 0
                    then format('triggers could not follow %s writes: %s', v_sums.error_count, v_sums.newest_error)
            end,
            case
                when v_sums.rejected_count > 0
                    then format('%s rows were rejected, such as of %s', v_sums.rejected_count, v_sums.rejecting)
            end
        ],
        case
            when v_sums.table_count = 0 then 'no tables of the application'
            else format('%s attached, with %s rows', v_sums.table_count, to_char(v_sums.row_count, 'FM999,999,999,990'))
        end,
        coalesce(
            v_remedies[1],
            case
                when v_sums.unloaded is not null or v_sums.error_count > 0 then 'call pgfeed.sync_attachments()'
                else 'select relation, rejected_count from pgfeed.attachments -- rows without a key or a time, keys that repeat'
            end
        ),
        case
            when v_sums.table_count > 0 then jsonb_build_object(
                'attachment_lag_seconds', extract(epoch from v_sums.lag), 'attachment_errors', v_sums.error_count,
                'attachment_rejected_rows', v_sums.rejected_count
            )
        end
    );
end;
$$;

alter function pgfeed._attachment_probes() owner to pgfeed_owner;

comment on function pgfeed._attachment_probes() is 'The row of health() about the tables of the application that are followed';

revoke all on function pgfeed._attachment_probes() from public;
