"""Memory for a training: asked for before it begins."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from loader.errors import PgfeedError
from loader.learning import room
from loader.learning.recipes import RECIPES, RequestRecipe
from loader.learning.split import Split, first_held_out

CONTROL = RECIPES["control"]


def split_of(views: int) -> Split:
    """Return 40 days with so many views each."""
    days = {date(2021, 10, 1) + timedelta(days=day): views for day in range(40)}
    return Split(days, first_held_out(days))


def test_more_rows_need_more_until_only_a_share_of_the_users_is_taken():
    needs = [room.needed(split_of(views), CONTROL) for views in (10, 10_000, 1_000_000, 10_000_000)]
    assert needs[0] < needs[1] < needs[2] == pytest.approx(needs[3], rel=0.01)
    assert room.needed(split_of(10_000), replace(CONTROL, max_days=5)) < needs[1]
    assert room.needed(split_of(10), RequestRecipe(400)) > room.needed(split_of(10), RequestRecipe(100))


def test_what_may_not_be_taken_or_is_not_there_is_refused_before_it_begins(monkeypatch):
    split = split_of(10_000)
    most = room.needed(split, CONTROL)
    room.require(split, [CONTROL], most)
    with pytest.raises(PgfeedError, match=r"needs about \d+ MB: pgfeed.training_memory allows 64 MB. Next: set pgfeed"):
        room.require(split, [CONTROL], 64 << 20)
    monkeypatch.setattr(room, "free", lambda: 1 << 20)
    with pytest.raises(PgfeedError, match="this machine has 1 MB left"):
        room.require(split, [CONTROL], most)
    monkeypatch.setattr(room, "free", lambda: None)
    room.require(split, [CONTROL], most)


@pytest.mark.parametrize("most, used, left", [
    ("max", "500", 2048 << 10), ("1000", "500", 700), ("9" * 15, "500", 2048 << 10), ("1000", "", 2048 << 10),
])
@pytest.mark.parametrize("names", [
    ("", "max", "current", ""), ("memory/", "limit_in_bytes", "usage_in_bytes", "total_"),
])
def test_a_container_may_have_less_left_than_the_machine(tmp_path, monkeypatch, names, most, used, left):
    folder, limit, usage, total = names
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / f"{folder}memory.{limit}").write_text(f"{most}\n")
    (tmp_path / f"{folder}memory.{usage}").write_text(f"{used}\n")
    (tmp_path / f"{folder}memory.stat").write_text(f"active_file 1\n{total}inactive_file 200\n")
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    2048 kB\n")
    monkeypatch.setattr(room, "GROUP_FOLDER", tmp_path)
    monkeypatch.setattr(room, "MACHINE", tmp_path / "meminfo")
    assert room.free() == left


def test_a_machine_that_says_nothing_refuses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "GROUP_FOLDER", tmp_path)
    monkeypatch.setattr(room, "MACHINE", tmp_path / "meminfo")
    assert room.free() is None
