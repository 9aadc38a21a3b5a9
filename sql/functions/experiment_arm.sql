create or replace function pgfeed.experiment_arm(
    user_id bigint,
    experiment text
)
returns text
language plpgsql stable strict parallel safe
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_arm text;
begin
    select a.arm into v_arm
    from pgfeed.experiments as e
    inner join pgfeed.experiment_arms as a on a.experiment_id = e.experiment_id
    where e.name = experiment and a.slots @> pgfeed._slot(user_id, e.salt, e.slot_count);
    if v_arm is null then
        perform pgfeed._experiment_id(experiment);
    end if;
    return v_arm;
end;
$$;

alter function pgfeed.experiment_arm(bigint, text) owner to pgfeed_owner;

comment on function pgfeed.experiment_arm(bigint, text) is
    'The arm of a user: the one whose slots hold Python''s '
    'int(hashlib.md5((str(user_id) + salt).encode()).hexdigest(), 16) % slot_count. The same before, during and '
    'after the experiment';

revoke all on function pgfeed.experiment_arm(bigint, text) from public;
grant execute on function pgfeed.experiment_arm(bigint, text)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
