create or replace procedure pgfeed._keep_champion(
    variant text,
    challenger integer,
    champion integer,
    inout experiment_id integer default null
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_schedule pgfeed.schedules;
    v_share integer;
    v_name constant text := format('gate_%s_%s', left(variant, 34 - length(challenger::text)), challenger);
begin
    select s.* into v_schedule from pgfeed.schedules as s where s.variant = _keep_champion.variant;
    v_share := round(coalesce(v_schedule.champion_share, 0) * 100) * 100;
    perform pg_advisory_xact_lock(hashtext('pgfeed.start_experiment'));
    if
        champion is null
        or v_share = 0
        -- An experiment splits the users of the default variant alone, and there is one at a time.
        or variant <> coalesce(nullif(current_setting('pgfeed.default_variant', true), ''), pgfeed._default_variant())
        or exists (select from pgfeed.experiments as e where e.name = v_name)
    then
        return;
    end if;
    -- The champion of a week that goes on keeps its share: what serves meanwhile is the challenger, version after version.
    select e.experiment_id into _keep_champion.experiment_id
    from pgfeed.experiments as e
    inner join pgfeed.experiment_arms as a on a.experiment_id = e.experiment_id and a.arm = 'champion'
    where
        e.started_at is not null
        and e.stopped_at is null
        and a.variant = _keep_champion.variant
        and a.version <> challenger
        and e.experiment_id in (select d.experiment_id from pgfeed.model_decisions as d);
    if found then
        return;
    end if;
    call pgfeed._stop_gate();
    if exists (select from pgfeed.experiments as e where e.started_at is not null and e.stopped_at is null) then
        return;
    end if;
    -- The challenger is what is active, so that rollback_model() reaches all.
    call pgfeed.create_experiment(
        v_name, array[format('%s@%s', variant, champion), variant], array[v_share, 10000 - v_share], '{champion,challenger}'
    );
    call pgfeed.start_experiment(v_name);
    select e.experiment_id into _keep_champion.experiment_id from pgfeed.experiments as e where e.name = v_name;
end;
$$;

alter procedure pgfeed._keep_champion(text, integer, integer, integer) owner to pgfeed_owner;

comment on procedure pgfeed._keep_champion(text, integer, integer, integer) is
    'Starts the experiment in which the champion keeps a share of the users, if the schedule of the variant has one and the '
    'variant is what all users get; or gives the one that runs, whose champion keeps it until its time is over. None while an '
    'operator''s experiment runs';

revoke all on procedure pgfeed._keep_champion(text, integer, integer, integer) from public;
