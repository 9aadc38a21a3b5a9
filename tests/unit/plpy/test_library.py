"""Modules made from texts."""

import gc
import sys
import traceback

import pytest

from plpy.library import load_modules

FIRST = 'WORDS = """one\n\ttwo"""\n\n\ndef words():\n    return WORDS\n'
SECOND = "from plpy.first import words\n\n\ndef fail():\n    raise ValueError(words())\n"


def as_in_a_body(text: str) -> str:
    """Return what PL/Python makes of a string."""
    return text.replace("\n", "\n\t")


@pytest.fixture(autouse=True)
def _own_modules():
    """Put the modules of plpy back afterwards."""
    before = {name: module for name, module in sys.modules.items() if name.startswith("plpy.")}
    yield
    for name in [name for name in sys.modules if name.startswith("plpy.")]:
        del sys.modules[name]
    sys.modules.update(before)


def load(**texts: str) -> None:
    load_modules({name: as_in_a_body(text) for name, text in texts.items()})


def test_modules_find_each_other_and_their_texts_are_those_of_the_files():
    load(first=FIRST, second=SECOND)
    from plpy.second import fail

    assert sys.modules["plpy.first"].WORDS == "one\n\ttwo"
    with pytest.raises(ValueError, match="one") as raised:
        fail()
    # of which PL/Python takes one away
    assert traceback.extract_tb(raised.tb)[-1][:3] == ("plpy/second.py", 5 + 1, "fail")


def test_another_text_replaces_all_modules_and_what_runs_keeps_its_own():
    load(first=FIRST, second=SECOND)
    old = sys.modules["plpy.second"]
    load(first=FIRST.replace("one", "three"))
    assert "plpy.second" not in sys.modules and sys.modules["plpy.first"].words() == "three\n\ttwo"
    assert old.words() == "one\n\ttwo"


@pytest.mark.parametrize("is_collecting", [True, False])
def test_the_search_for_garbage_goes_on_as_before(is_collecting):
    (gc.enable if is_collecting else gc.disable)()
    try:
        load(first=FIRST)
        assert (gc.isenabled(), gc.get_freeze_count()) == (is_collecting, 0)
    finally:
        gc.enable()


@pytest.mark.parametrize("broken", ["import no_such_module", "def", "raise KeyboardInterrupt"])
def test_a_text_that_fails_changes_nothing(broken):
    load(first=FIRST)
    before = {name: module for name, module in sys.modules.items() if name.startswith("plpy.")}
    with pytest.raises((ImportError, SyntaxError, KeyboardInterrupt)):
        load(first=FIRST, second=broken)
    assert {name: module for name, module in sys.modules.items() if name.startswith("plpy.")} == before
