create or replace function pgfeed.wilson_high(
    hits double precision,
    trials double precision
)
returns double precision
language sql immutable strict parallel safe
return case
    when trials > 0
        then least(greatest(
            (
                hits + 1.920729410347062
                + 1.959963984540054 * sqrt(hits * (1 - hits / trials) + 0.960364705173531)
            ) / (trials + 3.841458820694124),
            0
        ), 1)
end;

alter function pgfeed.wilson_high(double precision, double precision) owner to pgfeed_owner;

comment on function pgfeed.wilson_high(double precision, double precision) is
    'Upper end of the 95% interval of a share, hits of trials (Wilson 1927, doi 10.1080/01621459.1927.10502953); null: '
    'no trials. For sums over rows of served_days, too: wilson_high(sum(hit_count), sum(list_count))';

revoke all on function pgfeed.wilson_high(double precision, double precision) from public;
grant execute on function pgfeed.wilson_high(double precision, double precision) to pgfeed_reader, pgfeed_operator;
