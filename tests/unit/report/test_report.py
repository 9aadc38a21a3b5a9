"""The report's statistics and plots."""

import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import numpy as np
import pytest

from loader.report import models, plots, summary
from loader.report import page as report_page
from loader.report.contents import narrowness
from loader.report.data import Distribution
from loader.report.plots import Point
from loader.report.rates import OTHERS, UNKNOWN, Breakdown, breakdown, groups_of

HOSTILE = "<script>alert(1)</script> & $x_{$ \"q\" '\x01\u202e" + "long " * 30


def moments(views, likes):
    """Moments over clusters, one entry each."""
    views, likes = np.array(views, float), np.array(likes, float)
    return [len(views), views.sum(), likes.sum(), views @ views, views @ likes, likes @ likes]


def by_groups(rates, clusters=200, views=50, seed=0):
    """A breakdown whose groups have independent views liked at those rates."""
    rng = np.random.default_rng(seed)
    likes = [rng.binomial(views, rate, clusters) for rate in rates]
    rows = [(str(n), *moments(np.full(clusters, views), found)) for n, found in enumerate(likes)]
    return breakdown("exp_group", rows)


def test_interval_of_independent_views_is_wilsons():
    group = groups_of(["a"], [moments([1] * 400, [1] * 40 + [0] * 360)])[0]
    assert group.rate == pytest.approx(0.1)
    assert (group.low, group.high) == pytest.approx((0.0743, 0.1333), abs=2e-3)


def test_views_that_resemble_each_other_widen_the_interval():
    alike = groups_of(["a"], [moments([10] * 40, [10] * 4 + [0] * 36)])[0]
    apart = groups_of(["a"], [moments([10] * 40, [1] * 40)])[0]
    assert alike.rate == apart.rate == pytest.approx(0.1)
    assert alike.high - alike.low > 2.5 * (apart.high - apart.low)


def test_small_groups_borrow_the_design_effect_and_no_group_is_certain():
    rows = [moments([10] * 40, [10] * 4 + [0] * 36), moments([10, 10], [2, 2]), moments([10], [0])]
    large, small, none = groups_of(["large", "small", "none"], rows)
    assert small.high - small.low > 0.5
    assert none.low == 0 and none.high > 0.5
    assert 0 < large.low < 0.1 < large.high < 0.3


def test_more_likes_than_views_stay_a_rate():
    group = groups_of(["a"], [moments([1, 1], [3, 2])])[0]
    assert group.rate == 1 and 0 <= group.low <= group.high <= 1


def test_intervals_cover_the_truth():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        views = rng.poisson(30, 80)
        likes = rng.binomial(views, rng.beta(2, 16, 80))
        group = groups_of(["a"], [moments(views, likes)])[0]
        covered += group.low <= 2 / 18 <= group.high
    assert 0.91 <= covered / 400 <= 0.98


def test_groups_are_ordered_and_small_ones_added_up():
    rows = [(f"city {n:02}", *moments([n, n], [1, 0])) for n in range(1, 21)] + [(None, *moments([5], [1]))]
    found = breakdown("city", rows)
    assert [g.label for g in found.groups] == [f"city {n:02}" for n in range(20, 5, -1)] + [OTHERS, UNKNOWN]
    assert found.groups[-2].views == 2 * (1 + 2 + 3 + 4 + 5)
    hours = breakdown("hour", [(hour, *moments([1], [0])) for hour in ("10", "9", "0")])
    assert [g.label for g in hours.groups] == ["0", "9", "10"]
    ages = breakdown("age", [(str(n), *moments([1], [0])) for n in range(9)])
    bands = ["<18", "18-20", "21-24", "25-29", "30-34", "35-39", "40-49", "50-59", "60+"]
    assert [g.label for g in ages.groups] == bands


@pytest.mark.parametrize(
    ("rates", "clusters", "verdict"),
    [
        ([0.1, 0.1, 0.1], 2000, "flat"), ([0.097, 0.1, 0.103], 40_000, "weak"),
        ([0.09, 0.1, 0.11], 2000, "clear"), ([0.05, 0.1, 0.2], 200, "strong"),
        ([0.1, 0.1], 6, "too few to tell"), ([0.1], 200, "one group only"),
    ],
)
def test_verdicts(rates, clusters, verdict):
    assert by_groups(rates, clusters).verdict() == verdict


def test_spread_is_freed_of_noise():
    spread, noise = by_groups([0.08, 0.12], 2000).spread()
    assert spread == pytest.approx(0.02, abs=0.002)
    assert noise < 0.002


def test_auc_of_groups():
    rows = [("0", *moments([10], [0])), ("1", *moments([10], [10]))]
    assert breakdown("gender", rows).auc() == 1
    assert Breakdown("gender", groups_of(["0", "1"], [moments([10], [5])] * 2)).auc() == pytest.approx(0.5)


def test_quantiles_of_counted_values():
    found = Distribution(np.array([1, 2, 10]), np.array([5, 4, 1]))
    assert [found.quantile(share) for share in (0.25, 0.5, 0.9, 1)] == [1, 1, 2, 10]
    assert found.mean() == pytest.approx(2.3)


def test_slope_finds_scores_that_are_twice_too_large():
    rng = np.random.default_rng(0)
    truth, offset = rng.normal(0, 0.5, 40_000), rng.normal(-2, 0.3, 40_000)
    liked = rng.random(40_000) < models.chance(truth + offset)
    assert models.slope(truth, offset, liked) == pytest.approx(1, abs=0.06)
    assert models.slope(2 * truth, offset, liked) == pytest.approx(0.5, abs=0.03)
    assert models.slope(np.zeros(100), np.zeros(100), np.arange(100) % 2 == 0) is None


def test_direction_of_a_feature():
    values = np.array([1, 2, 3, 4, np.nan], np.float32)
    assert models.direction(values, np.array([0, 0.1, 0.2, 5, 9])) > 0.9
    assert models.direction(values, -np.array([0, 0.1, 0.2, 5, 9])) < -0.9
    assert models.direction(np.full(5, np.nan), np.arange(5)) == 0
    assert models.direction(np.ones(5), np.arange(5)) == 0
    assert models.direction(values, np.zeros(5)) == 0


def drawn():
    """One plot of each kind, with hostile labels."""
    points = [Point(HOSTILE, 0.1, 0.05, 0.2), Point("b", 0.9, 0.3, 1), Point("c", 0.2, 0.2, 0.2, False)]
    values, counts = np.array([0, 3, 500]), np.array([10, 20, 1])
    days = [np.datetime64("2021-10-01").item()]
    yield plots.rates_in_order(points, 0.1, 0.3, HOSTILE, "a")
    yield plots.rates_by_category(points, [3, 2, 1], 0.1, 0.3, HOSTILE, "b")
    yield plots.histogram(values, counts, HOSTILE, HOSTILE, "c")
    yield plots.histogram(values, counts, "characters", "alt", "d", is_log=True)
    yield plots.bars([HOSTILE], [0], HOSTILE, "e")
    yield plots.series(days, [3], [0.5], 0.1, HOSTILE, name="f")
    yield plots.comparison(points, HOSTILE, HOSTILE, "g")
    yield plots.calibration([0.1, 0.1, 0.1], points, HOSTILE, "h")


def test_plots_are_svg_whatever_the_labels():
    for plot in drawn():
        root = ElementTree.fromstring(plot.svg)
        assert root.tag.endswith("svg") and "width" not in root.attrib
        assert "<script" not in plot.svg


def test_ids_of_a_plot_are_its_own_and_its_references_resolve():
    seen = set()
    for plot in drawn():
        ids = [e.get("id") for e in ElementTree.fromstring(plot.svg).iter() if e.get("id")]
        assert len(ids) == len(set(ids)) and not seen & set(ids)
        seen |= set(ids)
        for reference in plot.svg.split("url(#")[1:]:
            assert reference.split(")")[0] in ids
        for reference in plot.svg.split('href="#')[1:]:
            assert reference.split('"')[0] in ids


def test_a_far_tail_is_not_drawn():
    assert plots.last_shown(np.array([1, 2, 1000]), np.array([500, 499, 1])) == 2
    assert plots.last_shown(np.array([1, 2, 3]), np.array([500, 499, 1])) == 3


def test_text_is_escaped():
    assert report_page.text("<b> & `a` \x01") == "&lt;b&gt; &amp; `a`  "
    assert report_page.sentence("<b> `a` `pgfeed x`") == "&lt;b&gt; `a` <code>./run x</code>"
    assert "<td>&lt;i&gt;</td>" in report_page.table(["a"], [("<i>",)])
    assert 'aria-label="&quot;&gt;' in report_page.figure("t", plots.Plot("<svg/>", '">'), "c")
    assert report_page.listed(["a", "b", "c"]) == "a, b and c"


def evaluation(method, value, low, high):
    return {"protocol": "logged", "variant": "control", "model_version": 1, "metric": "HitRate@5", "method": method,
            "value": value, "low": low, "high": high}


def test_a_model_that_does_not_beat_its_baselines_is_called_so():
    page = SimpleNamespace(evaluations=[
        evaluation("model", 0.55, 0.53, 0.57), evaluation("random", 0.50, 0.49, 0.51),
        evaluation("most popular", 0.54, 0.52, 0.56),
    ])
    assert summary.scores_in_words(page, {"variant": "control", "version": 1}) == [
        "Its logged HitRate@5 is 0.550 (95% interval 0.530 to 0.570); beside it: most popular 0.540, random 0.500."
        " Its interval is not clear of that of most popular."
    ]
    page.evaluations[-1]["high"] = 0.529
    page.evaluations.append(evaluation("oracle", 0.7, 0.6, 0.8))
    assert summary.scores_in_words(page, {"variant": "control", "version": 1})[0].endswith(
        "random 0.500; an oracle reaches 0.700. Its interval is above all of theirs."
    )
    assert "never evaluated" in summary.scores_in_words(page, {"variant": "control", "version": 2})[0]


@pytest.mark.parametrize("count, share, is_warned", [(100, 0.5, True), (100, 0.49, False), (99, 0.9, False)])
def test_few_posts_in_most_places_are_warned_of(count, share, is_warned):
    warning = narrowness({"served_lists": count, "ten_most_served_ratio": share})
    assert bool(warning) == is_warned and narrowness(None) is None
