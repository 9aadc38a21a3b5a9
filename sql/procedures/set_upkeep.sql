create or replace procedure pgfeed.set_upkeep(
    refresh interval default '1 day',
    embed boolean default true,
    recommend interval default null,
    keep_events interval default null,
    keep_exposures interval default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
begin
    if refresh is null or refresh < interval '1 minute' or recommend < interval '1 minute' then
        raise exception 'features and recommendations cannot be made every %', coalesce(least(refresh, recommend)::text, 'null')
            using errcode = '22023', hint = 'Give a minute or more, such as ''1 day''; recommend null: no recommendations.';
    end if;
    if least(set_upkeep.keep_events, set_upkeep.keep_exposures) < interval '31 days' then
        raise exception 'what is kept for % only cannot be dropped by the month', least(set_upkeep.keep_events, set_upkeep.keep_exposures)
            using errcode = '22023', hint = 'Give 31 days or more; null keeps all.';
    end if;
    if embed is null then
        raise exception 'embed is null' using errcode = '22023', hint = 'Give true or false.';
    end if;
    update pgfeed.upkeep as u
    set
        refresh_every = refresh, is_embedding = embed, recommend_every = recommend,
        keep_events = set_upkeep.keep_events, keep_exposures = set_upkeep.keep_exposures,
        set_at = now(), set_by = session_user;
end;
$$;

alter procedure pgfeed.set_upkeep(interval, boolean, interval, interval, interval) owner to pgfeed_owner;

comment on procedure pgfeed.set_upkeep(interval, boolean, interval, interval, interval) is
    'Says how often tick() refreshes the features and fills recommendations (null: not), whether it asks a worker to embed new '
    'posts, and after what time it drops months of events and exposures (null: never). All arguments are set anew';

revoke all on procedure pgfeed.set_upkeep(interval, boolean, interval, interval, interval) from public;
grant execute on procedure pgfeed.set_upkeep(interval, boolean, interval, interval, interval) to pgfeed_operator;
