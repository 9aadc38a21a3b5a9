"""How a person writes arms, and the sentence on what came out."""

import numpy as np
import pytest
from rich.console import Console

from loader.errors import PgfeedError
from loader.experiment.experiments import Report, parse_arms
from loader.experiment.tables import BRIEF, brief_lines
from loader.experiment.verdict import verdict
from loader.terminal import table
from plpy.ranking import lottery


def test_arms_have_names_variants_and_weights():
    assert parse_arms(["control", "test@3"]) == (["control", "test_3"], ["control", "test@3"], None)
    assert parse_arms(["old=control@3:90", "new=control@12:9.95", "popular:0.05"]) == (
        ["old", "new", "popular"], ["control@3", "control@12", "popular"], [9000, 995, 5]
    )


@pytest.mark.parametrize("text", ["control:", "a=b=c", "control@x", "control:5%", "control:0.001", ""])
def test_what_is_no_arm_is_named(text):
    with pytest.raises(PgfeedError, match="is no arm"):
        parse_arms(["control", text])


def test_percentages_are_for_all_arms_or_for_none():
    with pytest.raises(PgfeedError, match="some arms have"):
        parse_arms(["control:50", "test"])


@pytest.mark.parametrize(("arms", "message"), [
    (["control:60"], "two or more arms"), (["control:60", "test:50"], "shares are 60% and 50%"),
    (["control:100", "test:0"], "above 0"),
])
def test_shares_are_spoken_of_in_percent(arms, message):
    with pytest.raises(PgfeedError, match=message):
        parse_arms(arms)


def report(p_value: float = 0.2, lift: float = 0.1, arms: tuple[str, ...] = ("control", "test"),
           **checks: object) -> Report:
    base = {"metric": "hit rate", "arm": "control", "user_count": 500, "value": 0.5, "lift": None}
    rows = [
        {
            "metric": "hit rate", "arm": arm, "user_count": 500, "value": 0.5 * (1 + lift), "lift": lift,
            "days_needed": 9,
            "sequential_p_value": p_value, "sequential_low": lift - 0.02, "sequential_high": lift + 0.02,
        }
        for arm in arms[1:]
    ]
    found = {"sample ratio": (True, 0.5), "users in two arms": (True, 0)} | checks
    return Report(
        {"name": "try", "expected_lift": 0.05, "started_at": "2021-12-13", "winner": None},
        [{"arm": arm} for arm in arms], [base, *rows], [],
        [{"name": name, "is_ok": is_ok, "value": value, "finding": "4 users, 9 expected"}
         for name, (is_ok, value) in found.items()], "1 hour",
    )


def test_the_verdict_is_one_sentence():
    assert verdict(report(0.001)) == (
        "test is better than control: HitRate@5 0.550 against 0.500,"
        " a lift of +10.0% (+8.0% to +12.0%)."
    )
    assert verdict(report(0.001, -0.1)).startswith("test is worse than control: HitRate@5 0.450")
    assert verdict(report()) == (
        "test against control is not decided: a lift of +10.0% (+8.0% to +12.0%) so far;"
        " to show one of 5% takes at least 9 more days."
    )
    assert verdict(report(lift=0.01)) == (
        "test is neither better nor worse than control by 5%: a lift of +1.0% (-1.0% to"
        " +3.0%)."
    )


def test_the_figures_fit_into_80_columns():
    wide = report(lift=-0.123, arms=("control", "test_13"))
    for row in wide.rows:
        row |= {"metric": "likes per exposure", "user_count": 20_000, "days_needed": row["lift"] and 999}
        row |= {} if row["lift"] else {"sequential_low": None, "sequential_high": None, "sequential_p_value": None,
                                       "days_needed": None}
    figures = table("", BRIEF, brief_lines(wide), BRIEF[1:])
    assert Console().measure(figures, options=Console(width=200).options).maximum <= 80


def test_several_arms_share_the_error():
    assert "better" in verdict(report(0.04))
    assert "not decided" in verdict(report(0.04, arms=("control", "test", "other")))


def test_a_broken_experiment_has_no_winner():
    assert verdict(
        report(0.001, **{"sample ratio": (False, 1e-9)})
    ) == "Do not decide on this: the split is broken (4 users, 9 expected)."
    assert verdict(report(0.001, **{"users in two arms": (False, 70)})).startswith("Do not decide on this: 70 users")
    assert "better" in verdict(report(0.001, **{"users in two arms": (False, 3)}))


def test_nothing_served_nothing_said():
    empty = report()
    empty.rows = []
    assert verdict(empty).startswith("Nothing to report")


def test_what_is_concluded_says_so_and_what_is_not_started_says_how():
    concluded = report()
    concluded.experiment["winner"] = "test"
    assert verdict(concluded) == (
        "Concluded: test won. By the figures: test against control is not decided:"
        " a lift of +10.0% (+8.0% to +12.0%) so far."
    )
    concluded.rows = []
    assert verdict(concluded) == "Concluded: test won. There are no figures."
    concluded.experiment |= {"winner": None, "started_at": None}
    assert verdict(concluded) == "Not started. Next: ./run experiment start try"


def test_the_lottery_is_the_same_for_a_user_and_a_moment():
    draws = {(user_id, moment): tuple(lottery(np.arange(5), user_id, moment)) for user_id in (-(2**63), -1, 1)
             for moment in (-0.5, 0.0, 1639958400.25)}
    assert all(tuple(lottery(np.arange(5), *key)) == draw for key, draw in draws.items())
    assert len(set(draws.values())) == 9
