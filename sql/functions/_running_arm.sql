create or replace function pgfeed._running_arm(
    user_id bigint,
    out experiment_id integer,
    out arm text,
    out variant text,
    out version integer
)
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    select e.experiment_id, a.arm, a.variant, a.version
    into _running_arm.experiment_id, _running_arm.arm, _running_arm.variant, _running_arm.version
    from pgfeed.experiments as e
    inner join pgfeed.experiment_arms as a on a.experiment_id = e.experiment_id
    where
        e.started_at is not null
        and e.stopped_at is null
        and a.slots @> pgfeed._slot(_running_arm.user_id, e.salt, e.slot_count);
end;
$$;

alter function pgfeed._running_arm(bigint) owner to pgfeed_owner;

comment on function pgfeed._running_arm(bigint) is
    'One row: the user''s arm in the running experiment; nulls: none is running';

revoke all on function pgfeed._running_arm(bigint) from public;
