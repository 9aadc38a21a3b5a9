create or replace function pgfeed._gate_reasons(
    figures jsonb,
    margin double precision
)
returns text[]
language plpgsql immutable parallel safe
cost 1000
set search_path = pg_catalog, pg_temp
as $$
declare
    v_has_champion constant boolean := figures -> 'champion' <> 'null';
    v_mine constant jsonb := coalesce(figures -> 'lists' -> 'challenger', '{}');
    v_theirs constant jsonb := coalesce(figures -> 'lists' -> 'champion', '{}');
    v_slope constant double precision := (figures -> 'slope' ->> 'challenger')::double precision;
    v_their_slope constant double precision := (figures -> 'slope' ->> 'champion')::double precision;
    -- How many standard errors the slopes are above zero.
    v_rise constant double precision := v_slope / nullif((figures -> 'slope_error' ->> 'challenger')::double precision, 0);
    v_their_rise constant double precision := v_their_slope / nullif((figures -> 'slope_error' ->> 'champion')::double precision, 0);
    -- Half of the 95% interval.
    v_width constant double precision := 1.96 * coalesce((figures -> 'slope_error' ->> 'challenger')::double precision, 0);
    v_their_width constant double precision := 1.96 * coalesce((figures -> 'slope_error' ->> 'champion')::double precision, 0);
    -- Three metrics may say that it is behind, each once in 300 of equals: one-sided intervals of a third of a percent (2.71
    -- standard errors, C. E. Bonferroni 1936), from those of 95% (1.96).
    v_wider constant double precision := 2.71 / 1.96;
    v_ours constant jsonb := figures -> 'off_policy' -> 'challenger';
    v_other constant jsonb := figures -> 'off_policy' -> 'champion';
    v_gain constant double precision := (v_ours ->> 'value')::double precision - (v_other ->> 'value')::double precision;
    -- Of two independent ones, which the same lists are not quite: it is rather too wide.
    v_gain_width constant double precision := v_wider * sqrt(
        ((v_ours ->> 'high')::double precision - (v_ours ->> 'value')::double precision) ^ 2
        + ((v_other ->> 'high')::double precision - (v_other ->> 'value')::double precision) ^ 2
    );
    v_reasons text[] := array(select p.problem from jsonb_array_elements_text(figures -> 'problems') as p (problem));
begin
    if v_has_champion and v_reasons = '{}' and not coalesce(jsonb_array_length(figures -> 'differences') > 0, false) then
        v_reasons := v_reasons || coalesce(
            'it could not be compared with the champion: ' || (figures ->> 'not_compared'), 'it was not compared with the champion'
        );
    end if;
    v_reasons := v_reasons || array(
        select w.reason
        from (
            select
                r.protocol, r.metric, r.first, r.second, r.gain, r.low,
                r.gain + v_wider * (r.high - r.gain) as highest
            from jsonb_to_recordset(figures -> 'differences') as r (
                protocol text, metric text, first double precision, second double precision,
                gain double precision, low double precision, high double precision
            )
        ) as d
        cross join lateral (
            values
            (
                case
                    when d.highest < 0 and d.gain < -margin * d.first
                        then format('it is clearly behind by %s of %s: %s (%s to %s)', d.metric, d.protocol,
                            round(d.gain::numeric, 4), round((d.gain - v_wider * (d.gain - d.low))::numeric, 4), round(d.highest::numeric, 4))
                end
            ),
            (
                case
                    when d.metric = 'AUC' and d.highest < 0 and d.first > 0.52 and d.second - 0.5 < (d.first - 0.5) / 2
                        then format('of what the champion''s AUC has above chance it has less than half: %s, %s',
                            round(d.second::numeric, 3), round(d.first::numeric, 3))
                end
            ),
            (
                case
                    when d.metric = 'AUC' and d.low > 0.1
                        then format('its AUC is too good to be true, %s after %s: a feature may hold what it is to predict',
                            round(d.second::numeric, 3), round(d.first::numeric, 3))
                end
            )
        ) as w (reason)
        where (d.protocol, d.metric) in (('logged', 'AUC'), ('full', 'NDCG@10')) and w.reason is not null
    );
    return v_reasons || array(
        select g.reason
        from (
            values
            ('its lists cannot be made: ' || (v_mine ->> 'problem'), v_mine ? 'problem'),
            (
                'scores are not finite', (v_mine ->> 'not_finite_ratio')::double precision > 0
                or (figures ->> 'not_finite_ratio')::double precision > 0
            ),
            ('all posts of a list have one score', (v_mine ->> 'constant_ratio')::double precision > 0.1),
            (
                'more lists are empty',
                (v_mine ->> 'empty_ratio')::double precision > coalesce((v_theirs ->> 'empty_ratio')::double precision, 0) + 0.05
            ),
            (
                'more answers are a fallback',
                (v_mine ->> 'fallback_ratio')::double precision > coalesce((v_theirs ->> 'fallback_ratio')::double precision, 0) + 0.05
            ),
            (
                format(
                    'it is clearly behind by likes per list (off-policy): %s, the champion %s', round((v_ours ->> 'value')::numeric, 4),
                    round((v_other ->> 'value')::numeric, 4)
                ),
                v_gain + v_gain_width < 0 and v_gain < -margin * (v_other ->> 'value')::double precision
            ),
            (
                format('its scores do not rise with likes: calibration slope %s', round(v_slope::numeric, 2)),
                v_slope + v_width <= 0
            ),
            (
                format(
                    'nothing shows that its scores rise with likes: calibration slope %s, %s standard errors above zero; the champion''s %s, %s',
                    round(v_slope::numeric, 2), round(v_rise::numeric, 1), round(v_their_slope::numeric, 2), round(v_their_rise::numeric, 1)
                ),
                v_slope + v_width > 0 and v_their_rise > 2 * 1.96 and v_rise < least(v_their_rise / 2, 2.71)
            ),
            (
                format(
                    'calibration: where the champion''s log-odds are to be multiplied by %s to fit the likes, its are by %s',
                    round(v_their_slope::numeric, 2), round(v_slope::numeric, 2)
                ),
                -- The interval of the logarithm of the ratio, by the delta method.
                case
                    when v_slope > 0 and v_their_slope > 0
                        then abs(ln(v_slope / v_their_slope)) - sqrt((v_width / v_slope) ^ 2 + (v_their_width / v_their_slope) ^ 2) > ln(3)
                end
            ),
            (
                format('score drift: population stability index %s', round((figures ->> 'drift')::numeric, 2)),
                (figures ->> 'drift')::double precision > 1
            ),
            (
                format('what would serve orders posts unlike what was measured: correlation %s', round((figures ->> 'agreement')::numeric, 2)),
                (figures ->> 'agreement')::double precision < 0.5
            ),
            (
                format('a call takes %s ms, the champion''s %s', round((v_mine ->> 'ms')::numeric, 1), round((v_theirs ->> 'ms')::numeric, 1)),
                (v_mine ->> 'ms')::double precision > 3 * (v_theirs ->> 'ms')::double precision + 10
            ),
            (
                format('it has %s MB, the champion %s', round((v_mine ->> 'bytes')::numeric / 1e6, 1), round((v_theirs ->> 'bytes')::numeric / 1e6, 1)),
                (v_mine ->> 'bytes')::double precision > greatest(10 * (v_theirs ->> 'bytes')::double precision, 16e6)
            ),
            (
                format('coverage: its lists hold %s posts, the champion''s %s', v_mine -> 'posts', v_theirs -> 'posts'),
                (v_mine ->> 'posts')::double precision < (v_theirs ->> 'posts')::double precision / 3
            ),
            (
                format(
                    'variety: its lists have %s topics, the champion''s %s', round((v_mine ->> 'topics_per_list')::numeric, 1),
                    round((v_theirs ->> 'topics_per_list')::numeric, 1)
                ),
                (v_mine ->> 'topics_per_list')::double precision < (v_theirs ->> 'topics_per_list')::double precision / 2
            ),
            (
                format(
                    'fresh posts have %s%% of its places, %s%% of the champion''s', round(100 * (v_mine ->> 'fresh_ratio')::numeric),
                    round(100 * (v_theirs ->> 'fresh_ratio')::numeric)
                ),
                (v_theirs ->> 'fresh_ratio')::double precision >= 0.05
                and (v_mine ->> 'fresh_ratio')::double precision < (v_theirs ->> 'fresh_ratio')::double precision / 5
            )
        ) as g (reason, is_so)
        where g.is_so
    );
end;
$$;

alter function pgfeed._gate_reasons(jsonb, double precision) owner to pgfeed_owner;

comment on function pgfeed._gate_reasons(jsonb, double precision) is
    'Why the gate refuses a challenger with these figures, see model_decisions; empty: it serves. margin: what share of the '
    'champion''s metric it may be clearly behind';

revoke all on function pgfeed._gate_reasons(jsonb, double precision) from public;
