"""What verbs print on a terminal of 80 columns fits, and is broken at the ends of words."""

import pytest
from rich.cells import cell_len

from loader.terminal import fitted
from tests.db.conftest import autocommit, clone, queries
from tests.db.test_taste import stage_3_template
from tests.screen import shown

__all__ = ["stage_3_template"]
NOTE = "a note that says at some length what this version was made for, by whom, and until when it is to be kept"
VERBS = {
    "check": "definitions", "jobs": "roll_up", "model list": "test@1: baseline; a note", "feed list": "promoted",
    "recommend 7": "the next page",
    "recommend 7 --variant nosuch": "without one: popular", "activate mine": "Next:",
    "train mine --set depth=5": "is new",
    "train mine --until 2020-01-01": "too little", "experiment list": "a_long_name",
    "experiment report a_long_name": "arm",
    "evaluate logged,full test": "beside accuracy", "report --out /no/such": "no",
    "evaluate off-policy test@1": "is not judged", "experiment report nosuch": "there is no experiment",
    "simulate --serve 2": "no simulated", "simulate --serve 2 --loop --users 7": "--users",
}


@pytest.fixture(scope="module")
def network(stage_3_template):
    with clone(stage_3_template) as dsn, autocommit(dsn) as connection:
        run = queries(connection)
        run("call pgfeed.describe_model('test', 1, note => %s, tags => '{baseline}')", NOTE)
        run("call pgfeed.create_feed('promoted', filter => 'post_id > 0 and topic in (''sport'', ''movie'')')")
        run("call pgfeed.create_experiment('a_long_name', array['test', 'popular'])")
        run("call pgfeed.ask_for_training('test')")
        run("insert into pgfeed.model_decisions (variant, challenger, decision, rule, reasons, figures)"
            " values ('test', 1, 'refused', 'ahead', array[%s], '{}')",
            NOTE)
        yield dsn


@pytest.mark.parametrize("words", VERBS)
def test_every_line_fits(monkeypatch, network, words):
    monkeypatch.setenv("PGFEED_DSN", network)
    assert VERBS[words] in " ".join(shown(monkeypatch, *words.split()).output.split())


@pytest.mark.parametrize("text", [
    "a post about \u732b\u3068\u72ac and " + "\u6f22\u5b57\u304b\u306a\u3002" * 30 + " and more: ./run recommend 7",
    "  " + "word \ud55c\uad6d\uc5b4 " * 20, "\u4e2d" * 41, "\U0001f600 " * 50,
])
def test_wide_letters_fit_and_none_is_lost(text):
    lines = fitted(text, 40).split("\n")
    assert max(map(cell_len, lines)) <= 40 and "".join("".join(lines).split()) == "".join(text.split())
