create or replace function pgfeed.thresholds()
returns table (
    name text,
    setting text,
    warns_at double precision,
    fails_at double precision,
    unit text,
    meaning text,
    problem text
)
language plpgsql stable
cost 1000 rows 5
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_known record;
begin
    for v_known in
        select k.name, k.unit, k.default_setting, k.meaning
        from (
            values
            (
                'pgfeed.events_max_age', 'seconds', '3 days',
                'Since the newest event. off: the feed has ended, ages are counted until its end'
            ),
            (
                'pgfeed.features_max_age', 'seconds', '54 hours',
                'Since the last refresh, or from its cut-off to the newest rolled-up event; and how long events wait for a roll-up'
            ),
            (
                'pgfeed.model_max_age', 'seconds', '30 days',
                'Since a model that serves was trained; and how many days more it would know if it were trained now'
            ),
            (
                'pgfeed.catalogue_max_loss', 'ratio', '0.5',
                'Share of the posts that are gone since the refreshes of the last 7 days'
            ),
            ('pgfeed.tick_max_age', 'seconds', '54 hours', 'Since tick() ended, where it was called once'),
            ('pgfeed.rejects_max_ratio', 'ratio', '0.1', 'Share of the rows read in the last 7 days that were rejected')
        ) as k (name, unit, default_setting, meaning)
    loop
        name := v_known.name;
        unit := v_known.unit;
        meaning := v_known.meaning;
        setting := coalesce(nullif(trim(current_setting(name, true)), ''), v_known.default_setting);
        problem := null;
        fails_at := null;
        begin
            fails_at := pgfeed._threshold_value(setting, unit);
        exception when data_exception then
            problem := format(
                '%s is %L: write %s, or off', name, setting,
                case unit when 'seconds' then 'an interval such as ''2 days''' else 'a share such as 0.5' end
            );
            fails_at := pgfeed._threshold_value(v_known.default_setting, unit);
        end;
        warns_at := fails_at * 2 / 3;
        return next;
    end loop;
end;
$$;

alter function pgfeed.thresholds() owner to pgfeed_owner;

comment on function pgfeed.thresholds() is
    'One row per threshold of health(): a setting of the database (alter database ... set), which new sessions see. '
    'warns_at is two thirds of fails_at; null: off. problem: why the setting is not '
    'understood, then the default holds';

revoke all on function pgfeed.thresholds() from public;
grant execute on function pgfeed.thresholds() to pgfeed_reader, pgfeed_operator;
