create type pgfeed.probe as (
    name text,
    status text,
    found text,
    remedy text
);
alter type pgfeed.probe owner to pgfeed_owner;
comment on type pgfeed.probe is 'One row per thing that health() looks at';
comment on column pgfeed.probe.status is 'ok, warn (works, but look at it) or fail';
comment on column pgfeed.probe.remedy is 'The command that mends it; null: ok';

create type pgfeed.contribution as (rank integer, feature text, value real, contribution double precision);
comment on type pgfeed.contribution is 'One row per feature of an explained score';
alter type pgfeed.contribution owner to pgfeed_owner;
