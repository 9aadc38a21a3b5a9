create or replace function pgfeed._prior_like_rate(ts timestamptz)
returns double precision
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        (
            select sum(d.like_count)::double precision / nullif(sum(d.view_count), 0)
            from pgfeed.rollup_days as d
            where d.day < pgfeed._live_from(ts)
        ),
        0.1
    );
end;
$$;

alter function pgfeed._prior_like_rate(timestamptz) owner to pgfeed_owner;

comment on function pgfeed._prior_like_rate(timestamptz) is
    'Likes per view of all posts before ts, without the last days: what the rate of a post without views is; 0.1 if '
    'nothing was viewed';

revoke all on function pgfeed._prior_like_rate(timestamptz) from public;
