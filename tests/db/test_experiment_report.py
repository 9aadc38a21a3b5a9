"""The figures of an experiment against scipy and numpy, and how often they cry wolf."""

import io
import json
import re
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import product

import numpy as np
import pytest
from psycopg2.extras import DictCursor
from rich.console import Console
from scipy import stats

from loader.experiment import experiments, page, tables
from loader.experiment.verdict import as_dict, verdict
from tests.db.conftest import autocommit

START = datetime.fromisoformat("2022-01-25 12:00+00:00")
HOUR = timedelta(hours=1)
METRICS = ("hit rate", "likes per exposure", "users with a hit")


def prepare(query) -> None:
    query("call pgfeed._create_partitions('exposures', %s, %s)", START, START + timedelta(days=40))
    query("call pgfeed.create_event_partitions(%s, %s)", START, START + timedelta(days=40))


GENERATE = """
    select setseed(%(seed)s);
    create temporary table people on commit drop as
    select
        u as user_id, pgfeed.experiment_arm(u, %(name)s) as arm,
        ('x' || left(md5(u::text), 7))::bit(28)::integer / 268435455.0 as taste
    from generate_series(%(first_user)s, %(first_user)s + %(users)s - 1) as u;

    insert into pgfeed.exposures (served_at, user_id, experiment_id, arm, variant, source, features_as_of, post_ids)
    select
        %(start)s + make_interval(days => d, secs => (random() * 36000)::integer),
        p.user_id, pgfeed._experiment_id(%(name)s), p.arm, p.arm, p.arm, %(start)s, array[1, 2]
    from people as p cross join generate_series(0, %(days)s - 1) as d
    where random() < %(activity)s * (0.5 + p.taste);

    insert into pgfeed.feed_events (event_at, user_id, post_id, action)
    select x.served_at + make_interval(secs => 1 + (random() * 4000)::integer), x.user_id, post_id, 'like'
    from pgfeed.exposures as x
    cross join unnest(x.post_ids) as post_id
    inner join people as p on p.user_id = x.user_id
    inner join pgfeed.experiment_arms as a on a.experiment_id = x.experiment_id and a.arm = x.arm
    where
        x.experiment_id = pgfeed._experiment_id(%(name)s)
        and random() < 0.5 * p.taste + case when a.number > 1 then %(gain)s else 0 end
    on conflict do nothing;
"""


def generate(db, name: str, users: int, days: int, gain: float = 0, first_user: int = 1, activity: float = 0.6,
             seed: int = 0) -> None:
    """Let users come back on some days; each of two posts is liked with a chance of the user's own.

    Who likes more comes more often. In every arm but the first the chance of a like is `gain` higher.
    """
    values = {"name": name, "users": users, "days": days, "gain": gain, "first_user": first_user, "activity": activity,
              "seed": seed / 1000}
    with db.cursor() as cursor:
        cursor.execute(f"begin; {GENERATE} commit", values | {"start": START})


def rows_of(dsn: str, statement: str, *parameters: object) -> list[dict]:
    with autocommit(dsn) as connection, connection.cursor(cursor_factory=DictCursor) as cursor:
        cursor.execute(statement, parameters)
        return [dict(row) for row in cursor.fetchall()]


def brute_force(query, name: str, attribution: timedelta, until: datetime) -> dict[str, dict[str, np.ndarray]]:
    """Return by arm and metric a (users, 2) array: what the metric adds up for each user, and over what."""
    likes = defaultdict(list)
    for user_id, post_id, at in query("select user_id, post_id, event_at from pgfeed.feed_events"
                                      " where action = 'like'"):
        likes[user_id, post_id].append(at)
    users = defaultdict(list)
    arms = defaultdict(set)
    for user_id, arm, at, post_ids in query(
        "select user_id, arm, served_at, post_ids from pgfeed.exposures"
        " where experiment_id = pgfeed._experiment_id(%s)", name
    ):
        if at + attribution <= until:
            liked = [any(at <= like < at + attribution for like in likes[user_id, post_id]) for post_id in post_ids]
            users[user_id].append((any(liked), sum(liked)))
            arms[user_id].add(arm)
    result = defaultdict(lambda: defaultdict(list))
    for user_id, shown in users.items():
        if len(arms[user_id]) > 1:
            continue
        hits, count = (sum(part) for part in zip(*shown))
        for metric, pair in zip(METRICS, ((hits, len(shown)), (count, len(shown)), (int(hits > 0), 1))):
            result[min(arms[user_id])][metric].append(pair)
    return {arm: {metric: np.array(pairs, float) for metric, pairs in metrics.items()}
            for arm, metrics in result.items()}


def ratio(pairs: np.ndarray) -> tuple[float, float]:
    """Return the ratio of sums and its variance by the delta method, from the covariance matrix of the users' sums."""
    mean_y, mean_n = pairs.mean(0)
    gradient = np.array([1 / mean_n, -mean_y / mean_n**2])
    return mean_y / mean_n, gradient @ np.cov(pairs.T) @ gradient / len(pairs)


@pytest.fixture
def experiment(db, query):
    prepare(query)
    query("call pgfeed.create_experiment('try', '{control,popular,random}', '{5000,3000,2000}', salt => 'report',"
          " expected_lift => 0.1)")
    generate(db, "try", 900, 6, gain=0.06)
    return "try"


@pytest.mark.parametrize("attribution", [timedelta(minutes=30), timedelta(hours=24)])
def test_every_figure_is_that_of_scipy(query, dsn, experiment, attribution):
    until = START + timedelta(days=5)
    query("insert into pgfeed.exposures (served_at, user_id, experiment_id, arm, variant, source, features_as_of,"
          " post_ids)"
          " select served_at + interval '1 second', user_id, experiment_id, 'random', 'random', 'random',"
          " features_as_of, '{2,3}'"
          " from pgfeed.exposures where user_id between 10 and 19")
    expected = brute_force(query, experiment, attribution, until)
    rows = rows_of(dsn, "select * from pgfeed.experiment_report(%s, %s, %s)", experiment, attribution, until)
    arms = ("control", "popular", "random")
    assert [(row["metric"], row["arm"]) for row in rows] == [(m, a) for m in METRICS for a in arms]
    for row in rows:
        pairs, base_pairs = expected[row["arm"]][row["metric"]], expected["control"][row["metric"]]
        (value, variance), (base, base_variance) = ratio(pairs), ratio(base_pairs)
        assert row["user_count"] == len(pairs)
        assert row["exposure_count"] == expected[row["arm"]]["hit rate"][:, 1].sum()
        assert (row["value"], row["low"], row["high"]) == pytest.approx(
            (value, *stats.norm.interval(0.95, value, variance**0.5)), abs=1e-9
        )
        if row["arm"] == "control":
            assert row["lift"] is row["p_value"] is row["sequential_p_value"] is row["days_needed"] is None
            continue
        lift, total = value / base - 1, variance + base_variance
        lift_error = np.sqrt(variance / base**2 + value**2 * base_variance / base**4)
        assert (row["lift"], row["lift_low"], row["lift_high"]) == pytest.approx(
            (lift, *stats.norm.interval(0.95, lift, lift_error)), abs=1e-9
        )
        if row["metric"] == "users with a hit":
            table = [[p[:, 0].sum(), len(p) - p[:, 0].sum()] for p in (pairs, base_pairs)]
            p_value = stats.chi2_contingency(table, correction=False).pvalue  # the two-proportion z-test, squared
        else:
            p_value = 2 * stats.norm.sf(abs(value - base) / total**0.5)
        assert row["p_value"] == pytest.approx(p_value, abs=1e-9, rel=1e-9)
        detectable = row["detectable_lift"] * base
        assert stats.norm.sf(stats.norm.isf(0.025) - detectable / total**0.5) == pytest.approx(0.8, abs=1e-9)
        assert row["days_needed"] == max(0, np.ceil((5 - attribution.days) * ((row["detectable_lift"] / 0.1) ** 2 - 1)))


def test_each_day_is_the_report_as_it_was_then_and_the_sequential_test_never_forgets(query, dsn, experiment):
    rows = rows_of(dsn, "select * from pgfeed.experiment_days(%s, '1 hour')", experiment)
    looks = defaultdict(list)
    for row in rows:
        end_of_day = datetime.combine(row["day"], datetime.min.time(), START.tzinfo) + timedelta(hours=25)
        expected = brute_force(query, experiment, HOUR, end_of_day)[row["arm"]][row["metric"]]
        value, variance = ratio(expected)
        assert (row["value"], row["standard_error"], row["user_count"]) == pytest.approx(
            (value, variance**0.5, len(expected)), abs=1e-9
        )
        looks[row["metric"], row["arm"]].append(row)
    for (metric, arm), days in looks.items():
        if arm == "control":
            continue
        p_value, low, high = 1.0, -np.inf, np.inf
        for row, base in zip(days, looks[metric, "control"], strict=True):
            if min(row["user_count"], base["user_count"]) < 30:
                continue
            gain, v = row["value"] - base["value"], row["standard_error"] ** 2 + base["standard_error"] ** 2
            prior = 0.1 * base["value"]
            odds = stats.norm.pdf(gain, 0, np.sqrt(v + prior**2)) / stats.norm.pdf(gain, 0, np.sqrt(v))
            p_value = min(p_value, 1 / odds)
            # Waudby-Smith et al. 2021, theorem 2.2, with t looks of variance sigma^2 and rho = prior / sigma.
            t, sigma = 100, 10 * np.sqrt(row["standard_error"] ** 2 / base["value"] ** 2 + row["value"] ** 2
                                         * base["standard_error"] ** 2 / base["value"] ** 4)
            rho = 0.1 / sigma
            reach = sigma * np.sqrt(2 * (t * rho**2 + 1) / (t**2 * rho**2) * np.log(np.sqrt(t * rho**2 + 1) / 0.05))
            if metric == "users with a hit":
                low, high = -np.inf, np.inf
            low, high = max(low, gain / base["value"] - reach), min(high, gain / base["value"] + reach)
            assert row["sequential_p_value"] == pytest.approx(p_value, abs=1e-9)
            assert (row["sequential_low"], row["sequential_high"]) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 20])
def test_chi_square_tail_is_that_of_scipy(query, degrees):
    values = [0.0, 1e-12, 1e-3, 0.4, 1.0, 3.84, 7.7, 12.0, 22.5, 40.0, 150.0, 700.0]
    got = query("select array_agg(pgfeed._chi_square_tail(x, %s) order by x) from unnest(%s::double precision[]) as x",
                degrees, values)[0][0]
    assert got == pytest.approx(stats.chi2.sf(values, degrees).tolist(), abs=1e-13)
    assert got[1:] == pytest.approx(stats.chi2.sf(values[1:], degrees).tolist(), rel=1e-10)
    assert query("select pgfeed._chi_square_tail(1e9, 1), pgfeed._chi_square_tail(null, 1)") == [(0, None)]


def test_a_broken_split_and_users_in_two_arms_are_found(db, query, dsn):
    prepare(query)
    query("call pgfeed.create_experiment('split', '{control,popular}', salt => 'split')")
    generate(db, "split", 40_000, 1, activity=1)
    checks = {row["name"]: row for row in rows_of(dsn, "select * from pgfeed.experiment_checks('split')")}
    assert all(row["is_ok"] for row in checks.values())
    counts = query("select count(distinct user_id) from pgfeed.exposures group by arm")
    assert checks["sample ratio"]["value"] == pytest.approx(stats.chisquare([n for n, in counts]).pvalue, abs=1e-9)

    query("delete from pgfeed.exposures where arm = 'popular' and user_id % 20 = 0")
    query("insert into pgfeed.exposures (served_at, user_id, experiment_id, arm, variant, source, features_as_of,"
          " post_ids)"
          " select served_at, user_id, experiment_id, 'popular', 'control', 'popular', features_as_of, post_ids"
          " from pgfeed.exposures where arm = 'control' order by user_id limit 3")
    checks = {row["name"]: row for row in rows_of(dsn, "select * from pgfeed.experiment_checks('split')")}
    assert not checks["sample ratio"]["is_ok"] and checks["sample ratio"]["value"] < 1e-3
    assert not checks["users in two arms"]["is_ok"] and checks["users in two arms"]["value"] == 3


def test_a_few_users_show_nothing_however_regular_they_are(query, dsn):
    prepare(query)
    query("call pgfeed.create_experiment('few', '{control,popular}', expected_lift => 1)")
    query("insert into pgfeed.exposures (served_at, user_id, experiment_id, arm, variant, source, features_as_of,"
          " post_ids)"
          " select %s + n * interval '2 hours', u, pgfeed._experiment_id('few'), arm, arm, arm, %s, array[n]"
          " from unnest('{1,2,3,4}'::bigint[], '{control,control,popular,popular}'::text[]) as p (u,"
          " arm) cross join generate_series(1, 200) as n",
          START, START)
    query("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
          " select x.served_at + interval '1 second', x.user_id, x.post_ids[1], 'like'"
          " from pgfeed.exposures as x where x.post_ids[1] <= x.user_id + case when x.arm = 'control' then 100 else 120"
          " end")
    days = rows_of(dsn, "select * from pgfeed.experiment_days('few') where metric = 'hit rate' and arm = 'popular'")
    assert days[-1]["p_value"] < 1e-9
    assert {day["sequential_p_value"] for day in days} == {None} and {day["sequential_low"] for day in days} == {None}


def test_results_of_all_experiments_are_their_reports(query, dsn, experiment):
    assert query("select * from pgfeed.experiment_results") == []
    query("update pgfeed.experiments set started_at = %s", START)
    query("set role pgfeed_reader")
    names = (
        "metric, arm, user_count, exposure_count, value, low, high, lift, p_value, sequential_p_value, detectable_lift,"
        " days_needed"
    )
    results = query(f"select {names} from pgfeed.experiment_results where experiment = 'try'")
    assert len(results) == 9
    assert results == query(f"select {names} from pgfeed.experiment_report('try')")


def test_an_experiment_without_exposures_reports_nothing(query):
    query("call pgfeed.create_experiment('empty', '{control,popular}')")
    assert query("select * from pgfeed.experiment_report('empty')") == query(
        "select * from pgfeed.experiment_days('empty')"
    ) == []
    assert query("select name, is_ok from pgfeed.experiment_checks('empty') where not is_ok") == []


def nobody_in_one_arm(number, user_id):
    return number == 0, user_id % 2 == 0


def one_user_in_each_arm(number, user_id):
    return user_id == number + 1, True


def nobody_likes(number, user_id):
    return user_id % 2 == number, False


def all_like(number, user_id):
    return user_id % 2 == number, True


def only_the_second_arm_likes(number, user_id):
    return user_id % 2 == number, number == 1


NOTHING = "Nothing is decided: too few users or no hits."


@pytest.mark.parametrize(("feed", "sentence"), [
    (nobody_in_one_arm, "Do not decide on this: the split is broken (control: 20 users, 10 expected;"
                        " popular: 0 users, 10 expected)."),
    (one_user_in_each_arm, "popular against control is not decided: a lift of +0.0% so far."),
    (nobody_likes, NOTHING),
    (all_like, "popular against control is not decided: a lift of +0.0% so far; to show one of 5% takes at least 1 more"
               " day."),
    (only_the_second_arm_likes, NOTHING),
])
def test_figures_that_are_not_defined_are_null_for_programs_and_words_for_people(
    query, dsn, tmp_path, feed, sentence
):
    prepare(query)
    query("call pgfeed.create_experiment('odd', '{control,popular}')")
    query("update pgfeed.experiments set started_at = %s where name = 'odd'", START)
    for number, arm in enumerate(("control", "popular")):
        for user_id, day in product(range(1, 21), range(2)):
            is_served, is_liked = feed(number, user_id)
            served_at = START + timedelta(days=day, seconds=user_id)
            if is_served:
                query("insert into pgfeed.exposures (served_at, user_id, experiment_id, arm, variant, source,"
                      " features_as_of, post_ids) select %s, %s, e.experiment_id, %s, %s, 'popular', %s, array[%s]"
                      " from pgfeed.experiments as e", served_at, user_id, arm, arm, START, 1 + day)
            if is_served and is_liked:
                query("insert into pgfeed.feed_events (event_at, user_id, post_id, action) values (%s, %s, %s, 'like')",
                      served_at + HOUR / 2, user_id, 1 + day)
    with autocommit(dsn) as connection:
        report = experiments.load(connection, "odd", "1 hour", None)
    assert {row["metric"] for row in report.rows} == set(METRICS)
    json.dumps(experiments.to_json(as_dict(report)), allow_nan=False)
    output = Console(width=120, file=io.StringIO())
    output.print(tables.report_table(report))
    page.write_html(report, tmp_path / "report.html")
    words = output.file.getvalue() + (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "None" not in words and not re.search(r"\bnan\b", words, re.IGNORECASE)
    assert verdict(report) == sentence


def test_two_hundred_a_a_runs_cry_wolf_as_often_as_they_may(db, query):
    prepare(query)
    runs, users, days = 200, 160, 7
    for run in range(runs):
        query(f"call pgfeed.create_experiment('run_{run}', '{{control,popular}}', salt => 'run {run}',"
              " expected_lift => 0.4)")
        generate(db, f"run_{run}", users, days, first_user=1 + run * users, seed=run)
    query("analyze pgfeed.exposures, pgfeed.feed_events")
    looks = query(
        "select e.name, d.metric, d.day, d.p_value, d.sequential_p_value from pgfeed.experiments as e"
        " cross join lateral pgfeed.experiment_days(e.name) as d where d.arm = 'popular' and d.metric <> 'users with a"
        " hit' order by 1, 2, 3"
    )
    p_values, sequential = (defaultdict(list) for _ in range(2))
    for name, metric, _, p_value, sequential_p_value in looks:
        p_values[metric, name].append(p_value)
        sequential[metric, name].append(sequential_p_value)
    for metric in METRICS[:2]:
        last = [p[-1] for (m, _), p in p_values.items() if m == metric]
        assert len(last) == runs
        assert stats.kstest(last, "uniform").pvalue > 0.01
        most = stats.binom.ppf(0.999, runs, 0.05)
        assert sum(p < 0.05 for p in last) <= most
        assert sum(p[-1] < 0.05 for (m, _), p in sequential.items() if m == metric) <= most
        peeking = sum(min(p) < 0.05 for (m, _), p in p_values.items() if m == metric)
        assert peeking > most  # what the sequential test is for
