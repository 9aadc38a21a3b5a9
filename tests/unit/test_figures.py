"""Figures that are not defined: null for programs, words for people."""

import json
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from loader.figures import defined, rounded, shown

FLOATS = st.floats(allow_nan=True, allow_infinity=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | FLOATS.map(np.float64) | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_what_is_defined_is_json_for_everybody(value):
    text = json.dumps(defined(value), allow_nan=False)
    constants = []  # NaN, Infinity and -Infinity outside of texts
    json.loads(text, parse_constant=constants.append)
    assert constants == []


@given(st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False) | st.text()))
def test_what_is_a_number_stays(value):
    assert defined(value) == value


@given(FLOATS | st.none(), st.integers(0, 6))
def test_a_figure_is_rounded_and_shown_or_said_to_be_undefined(value, digits):
    is_number = value is not None and math.isfinite(value)
    assert (rounded(value, digits) is None) == (not is_number) == (shown(value, digits) == "not defined")


def test_figures_as_people_read_them():
    assert (shown(0.52349), shown(0.5, 1), shown(None), shown(math.nan), rounded(0.123456, 4)) == ("0.523", "0.5",
        "not defined", "not defined", 0.1235)
