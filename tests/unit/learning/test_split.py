"""Which days are learned from."""

from datetime import date, timedelta
from itertools import pairwise

from loader.learning.split import fullest

DAYS = [date(2021, 10, 1) + timedelta(days=number) for number in range(60)]


def test_equal_days_are_evenly_spread():
    chosen = fullest(dict.fromkeys(DAYS, 100), 12)
    gaps = {(later - earlier).days for earlier, later in pairwise(chosen)}
    assert len(chosen) == 12 and gaps <= {5, 6} and chosen[0] == DAYS[0] and chosen[-1] == DAYS[-1]


def test_days_that_hold_much_are_learned_from():
    views = {day: 80_000 if number in (7, 8, 40) else 3 for number, day in enumerate(DAYS)}
    chosen = fullest(views, 12)
    assert {DAYS[7], DAYS[8], DAYS[40], DAYS[-1]} <= set(chosen) and len(chosen) == 12 and chosen == sorted(chosen)


def test_few_days_are_all_taken():
    assert fullest(dict.fromkeys(DAYS[:3], 1), 12) == DAYS[:3]
