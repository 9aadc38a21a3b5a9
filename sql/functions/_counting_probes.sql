create or replace function pgfeed._counting_probes()
returns setof pgfeed.probe
language plpgsql stable
cost 100000 rows 3
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
as $$
declare
    v_kept_until timestamptz := date_trunc('month', least(now(), pgfeed._refresh_as_of()) - interval '1 day');
    v_gone record;
    v_accepted timestamptz;
    v_empty timestamptz[];
    v_sentence text;
begin
    -- Months without events, whether or not a roll-up has found that out.
    v_empty := array(
        select m.month
        from (
            select distinct date_trunc('month', d.day::timestamptz) as month
            from pgfeed.rollup_days as d
            where d.dropped_at is null and (d.view_count > 0 or d.like_count > 0)
        ) as m
        where not pgfeed._has_events(m.month, m.month + interval '1 month')
    );
    select
        count(*) filter (where g.event_count > 0) as day_count,
        sum(g.event_count) as event_count,
        min(d.day) filter (where g.event_count > 0) as first_day,
        max(d.day) filter (where g.event_count > 0) as last_day,
        max(d.day) filter (where d.dropped_at is not null) as dropped_day
    into v_gone
    from pgfeed.rollup_days as d
    cross join lateral (
        select
            case
                when d.dropped_at is not null then 0
                when date_trunc('month', d.day::timestamptz) = any(v_empty) then coalesce(d.event_count, d.view_count + d.like_count)
                else d.missing_count
            end as event_count
    ) as g;
    v_accepted := date_trunc('month', v_gone.last_day::timestamptz) + interval '1 month';
    if v_gone.day_count > 0 then
        v_sentence := format(
            '%s events of %s days, %s to %s, are gone: what was counted of them stays',
            v_gone.event_count, v_gone.day_count, v_gone.first_day, v_gone.last_day
        );
    end if;
    return next pgfeed._probe(
        'counted events',
        array[case when v_empty <> '{}' then v_sentence end],
        array[case when v_empty = '{}' then v_sentence end],
        coalesce('those until ' || v_gone.dropped_day || ' were dropped by drop_events', 'all are there'),
        -- The one keeps what was counted, the other counts what is there.
        case
            when
                v_accepted <= v_kept_until
                and not exists (
                    select
                    from pgfeed.rollup_days as d
                    where
                        d.day < v_accepted
                        and d.event_count > d.missing_count
                        and date_trunc('month', d.day::timestamptz) <> all(v_empty)
                )
                then format('call pgfeed.drop_events(%L)', v_accepted::date)
            else format('call pgfeed.recount_days(%L, %L)', v_gone.first_day, v_gone.last_day)
        end || case when v_empty = '{}' then '' else ' -- or restore a backup, see docs/how-to/dump-and-restore.md' end
    );

    if pgfeed._refresh_as_of() is not null then
        return query
        select (pgfeed._probe(
            'likes',
            null,
            array[
                case
                    when sum(f.view_count) >= sum(f.like_count) and count(*) filter (where c.is_odd) > 0
                        then format(
                            '%s more likes than views, such as post %s',
                            case count(*) filter (where c.is_odd)
                                when 1 then '1 post has'
                                else count(*) filter (where c.is_odd) || ' posts have'
                            end,
                            pgfeed.post_key_of(min(f.post_id) filter (where c.is_odd))
                        )
                end
            ],
            coalesce(to_char(sum(f.like_count), 'FM999,999,999,990'), '0') || ' likes in all',
            'select post_id, view_count, like_count from pgfeed.post_features where like_count > view_count '
            '-- hide_post takes one out'
        )).*
        from pgfeed.post_features as f
        cross join lateral (select f.like_count >= 20 and f.like_count > f.view_count as is_odd) as c;
    end if;

    return query
    select (pgfeed._probe(
        'users',
        null,
        array[
            case
                when count(u.user_id) > 0
                    then format(
                        '%s with more than 1,000 events on one of the last 7 days, such as user %s on %s',
                        count(distinct u.user_id), min(u.user_id), min(d.day) filter (where u.user_id is not null)
                    )
            end
        ],
        case when count(u.user_id) = 0 then 'none with more than 1,000 events on one of the last 7 days' end,
        'select day, busy_user_ids from pgfeed.rollup_days where busy_user_ids <> ''{}'' order by day desc'
    )).*
    from pgfeed.rollup_days as d
    left join lateral unnest(d.busy_user_ids) as u (user_id) on true
    where d.day > (select max(k.day) - 7 from pgfeed.rollup_days as k where k.event_count > 0 and k.day <= now()::date);
end;
$$;

alter function pgfeed._counting_probes() owner to pgfeed_owner;

comment on function pgfeed._counting_probes() is
    'The rows of health() about what is counted. More than 1,000 events a day, 25 times the longest session of a day that '
    'the simulated network is made after, are no human''s: one a minute for 17 hours';

revoke all on function pgfeed._counting_probes() from public;
