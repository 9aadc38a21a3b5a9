create or replace function pgfeed.experiment_arm(
    user_id bigint,
    experiment text
)
returns text
language plpgsql stable strict parallel safe
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_id integer;
    v_slot integer;
    v_arm text;
begin
    select e.experiment_id, pgfeed._slot(user_id, e.salt, e.slot_count) into v_id, v_slot
    from pgfeed.experiments as e
    where e.name = experiment;
    if not found then
        perform pgfeed._experiment_id(experiment);
    end if;
    select a.arm into v_arm
    from pgfeed.experiment_arms as a
    where a.experiment_id = v_id and a.slots @> v_slot;
    return v_arm;
end;
$$;

alter function pgfeed.experiment_arm(bigint, text) owner to pgfeed_owner;

comment on function pgfeed.experiment_arm(bigint, text) is
    'The arm of a user: the one whose slots hold Python''s '
    'int(hashlib.md5((str(user_id) + salt).encode()).hexdigest(), 16) % slot_count. The same before, during and '
    'after the experiment. An unknown experiment is an error';

revoke all on function pgfeed.experiment_arm(bigint, text) from public;
grant execute on function pgfeed.experiment_arm(bigint, text)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
