create or replace procedure pgfeed._do_step(
    step text,
    at timestamptz,
    inout is_done boolean default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_name constant text := split_part(step, ' ', 1);
    v_variant constant text := nullif(split_part(step, ' ', 2), '');
    v_upkeep pgfeed.upkeep;
    v_schedule pgfeed.schedules;
    v_error text;
    v_count integer;
    v_refresh_id bigint;
begin
    if not pg_try_advisory_xact_lock(hashtext('pgfeed.tick')) then
        return;
    end if;
    select u.* into v_upkeep from pgfeed.upkeep as u;
    select s.* into v_schedule from pgfeed.schedules as s where s.variant = v_variant;
    begin
        case v_name
            when 'roll_up' then
                call pgfeed.roll_up_events(day_count => v_count);
            when 'refresh' then
                call pgfeed.refresh_features(refresh_id => v_refresh_id);
            when 'embed' then
                if exists (
                    select
                    from pgfeed._post_texts() as p
                    inner join pgfeed.embedders as e on e.is_active
                    left join pgfeed.post_embeddings as v on v.embedder_id = e.embedder_id and v.post_id = p.post_id
                    where p.text ~ '[^[:space:]]' and v.text_digest is distinct from md5(p.text)::uuid
                ) then
                    call pgfeed.ask_for_embedding(job_id => v_count);
                end if;
            when 'train' then
                if v_schedule.train_in = 'worker' then
                    call pgfeed.ask_for_training(v_variant, v_schedule.recipe, v_schedule.is_switching, v_count);
                elsif v_schedule.is_switching then
                    -- It is trained: a worker compares it.
                    insert into pgfeed.jobs (kind, variant, settings, version)
                    select 'train', v_variant, '{"switch": true}', max(m.version)
                    from pgfeed.models as m
                    where m.variant = v_variant and m.deleted_at is null
                    having max(m.version) not in (
                        select j.version from pgfeed.jobs as j where j.variant = v_variant and j.version is not null
                    );
                end if;
            when 'watch' then
                call pgfeed._watch(v_variant, at);
            when 'drop_events' then
                call pgfeed.drop_events(now() - v_upkeep.keep_events, v_count);
            when 'drop_exposures' then
                call pgfeed.drop_exposures(now() - v_upkeep.keep_exposures, v_count);
            else
                null; -- tick() did it
        end case;
    exception when others then
        get stacked diagnostics v_error = message_text;
    end;
    update pgfeed.tick_steps as t
    set done_at = case when v_error is null then _do_step.at else t.done_at end, error = v_error
    where t.step = _do_step.step;
    is_done := v_error is null;
end;
$$;

alter procedure pgfeed._do_step(text, timestamptz, boolean) owner to pgfeed_owner;

comment on procedure pgfeed._do_step(text, timestamptz, boolean) is
    'Does a step of tick() that needs no transaction of its own, and writes down that it was done, or why not. is_done null: '
    'another session is at one';

revoke all on procedure pgfeed._do_step(text, timestamptz, boolean) from public;
grant execute on procedure pgfeed._do_step(text, timestamptz, boolean) to pgfeed_operator;
