create or replace function pgfeed.health()
returns setof pgfeed.probe
language plpgsql stable
cost 1000000 rows 20
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set quote_all_identifiers = off
as $$
begin
    return query
    select
        s.name,
        s.status,
        s.found,
        s.remedy,
        s.figures
    from pgfeed._server_probes() as s
    union all
    select
        a.name,
        a.status,
        a.found,
        a.remedy,
        a.figures
    from pgfeed._access_probes() as a;
    -- The others could not look.
    if exists (select from pg_class as c where c.relnamespace = 'pgfeed'::regnamespace and c.relforcerowsecurity) then
        return;
    end if;

    return query
    select
        f.name,
        f.status,
        f.found,
        f.remedy,
        f.figures
    from pgfeed._feed_probes() as f
    union all
    select
        t.name,
        t.status,
        t.found,
        t.remedy,
        t.figures
    from pgfeed._attachment_probes() as t
    union all
    select
        d.name,
        d.status,
        d.found,
        d.remedy,
        d.figures
    from pgfeed._data_probes() as d
    union all
    select
        o.name,
        o.status,
        o.found,
        o.remedy,
        o.figures
    from pgfeed._feature_probes() as o
    union all
    select
        n.name,
        n.status,
        n.found,
        n.remedy,
        n.figures
    from pgfeed._named_feed_probes() as n
    union all
    select
        c.name,
        c.status,
        c.found,
        c.remedy,
        c.figures
    from pgfeed._counting_probes() as c
    union all
    select
        v.name,
        v.status,
        v.found,
        v.remedy,
        v.figures
    from pgfeed._serving_probes() as v
    union all
    select
        l.name,
        l.status,
        l.found,
        l.remedy,
        l.figures
    from pgfeed._list_probes() as l
    union all
    select
        j.name,
        j.status,
        j.found,
        j.remedy,
        j.figures
    from pgfeed._job_probes() as j
    union all
    select
        b.name,
        b.status,
        b.found,
        b.remedy,
        b.figures
    from pgfeed._loop_probes() as b
    union all
    select
        w.name,
        w.status,
        w.found,
        w.remedy,
        w.figures
    from pgfeed._answer_probes() as w;
end;
$$;

alter function pgfeed.health() owner to pgfeed_owner;

comment on function pgfeed.health() is
    'One row per probe of this database, with what mends it and the figures behind it; changes nothing, works on a standby, takes about '
    'half a second. What a running refresh_features() or refresh_recommendations() is at is in its rows';

revoke all on function pgfeed.health() from public;
grant execute on function pgfeed.health() to pgfeed_reader, pgfeed_operator;
