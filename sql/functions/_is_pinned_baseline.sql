create or replace function pgfeed._is_pinned_baseline(user_id bigint)
returns boolean
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from pgfeed.experiments as e where e.started_at is not null and e.stopped_at is null)
        and exists (
            select
            from pgfeed._running_arm(_is_pinned_baseline.user_id) as r
            inner join pgfeed.experiment_arms as a on a.experiment_id = r.experiment_id and a.arm = r.arm
            where
                a.number = 1
                and a.version is not null
                -- The gate compares a champion with a challenger that explores: it does, too.
                and not exists (select from pgfeed.model_decisions as d where d.experiment_id = r.experiment_id)
        );
end;
$$;

alter function pgfeed._is_pinned_baseline(bigint) owner to pgfeed_owner;

comment on function pgfeed._is_pinned_baseline(bigint) is
    'Whether the user is in the first arm of the running experiment, its version is stated, and no gate made it: such an '
    'arm does not explore';

revoke all on function pgfeed._is_pinned_baseline(bigint) from public;
