"""Cursors: what goes in comes out, for whom they are, how long they are, and what is no cursor."""

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plpy import pages
from plpy.pages import Cursor, decode, encode

KEY = bytes(range(32))
MOMENT = 1640023200_123456
IDS = st.lists(st.integers(-2**63, 2**63 - 1), min_size=1, max_size=50, unique=True)
PEOPLE = st.none() | st.integers(-2**63, 2**63 - 1)


def text_of(ids=(3, 1, 2), user_id=7, feed=None):
    return encode(KEY, Cursor(MOMENT, True, list(ids)), user_id, feed)


@given(IDS, st.integers(-2**63, 2**63 - 1), st.booleans(), PEOPLE, st.none() | st.text())
def test_what_goes_in_comes_out(ids, moment, is_live, user_id, feed):
    text = encode(KEY, Cursor(moment, is_live, list(ids)), user_id, feed)
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    after = decode([KEY], text, user_id, feed)
    assert (after.moment, after.is_live) == (moment, is_live)
    assert set(after.shown) == set(ids)


@given(IDS, PEOPLE, PEOPLE)
def test_it_is_of_one_user(ids, user_id, other):
    text = text_of(ids, user_id)
    if user_id != other:
        with pytest.raises(ValueError, match="of another user"):
            decode([KEY], text, other, None)


@pytest.mark.parametrize("other", [None, "", "Home", "home ", "None"])
def test_it_is_of_one_feed(other):
    with pytest.raises(ValueError, match="of another feed"):
        decode([KEY], text_of(feed="home"), 7, other)


def test_no_feed_is_not_the_feed_of_an_empty_name():
    with pytest.raises(ValueError, match="of another feed"):
        decode([KEY], text_of(), 7, "")


@given(st.data())
def test_every_changed_character_is_noticed(data):
    text = text_of(range(20))
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda each: each != text[place]))
    with pytest.raises(ValueError, match="no cursor of this database"):
        decode([KEY], text[:place] + other + text[place + 1:], 7, None)


@pytest.mark.parametrize("damage", [
    lambda text: "", lambda text: text[:-1], lambda text: text[1:], lambda text: text[:10], lambda text: text + "A",
    lambda text: text + "=", lambda text: text + "\n", lambda text: " " + text, lambda text: text * 2,
    lambda text: text + "A" * 2_000_000, lambda text: "Ж", lambda text: "\0",
    lambda text: base64.urlsafe_b64encode(bytes(60)).decode(),
])
def test_what_is_cut_or_made_up_is_no_cursor(damage):
    with pytest.raises(ValueError, match="no cursor of this database, or not all of it"):
        decode([KEY], damage(text_of()), 7, None)


def test_a_cursor_of_another_database_is_none_of_this_one():
    with pytest.raises(ValueError, match="no cursor of this database"):
        decode([bytes(32)], text_of(), 7, None)


def test_a_cursor_of_another_version_says_so():
    content = pages.as_bytes(text_of())[:-pages.TAG_BYTES]
    with pytest.raises(ValueError, match="another version"):
        decode([KEY], pages.as_text(pages.sign(KEY, b"\2" + content[1:])), 7, None)


@pytest.mark.parametrize(("posts", "longest"), [
    (np.arange(1, 7024), 250), (10**12 + np.arange(7023), 250),
    (np.random.default_rng(1).integers(2**63, size=7023), 1100),
])
def test_twenty_pages_of_five_are_short(posts, longest):
    shown = np.random.default_rng(2).permutation(posts)[:100].tolist()
    assert len(text_of(shown)) < longest
