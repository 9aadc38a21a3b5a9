"""Cursors: where a page of recommendations ended, as a short text."""

import base64
import hmac
import struct

import numpy as np

VERSION = 1
HEADER = struct.Struct(">BBq4s4sqB")  # version, is_live, moment, marks of the user and the feed, first id, width
TAG_BYTES = 8
MAX_LENGTH = 1_200_000  # 100,000 shown posts
LATEST = 9_200_000_000_000_000_000  # the last moments of a timestamptz are beyond int64
HINT = "Give the cursor of the last row of the page before, as it is, for the same user and feed."


class Cursor:
    """Where a page ended.

    moment: of the first page, unix microseconds; is_live: it was not before the cut-off of the features then;
    shown: the ids of the posts of all pages so far, int64, at least one, in any order.
    """

    def __init__(self, moment, is_live, shown):
        self.moment, self.is_live, self.shown = moment, is_live, shown


def turn_page(session, request):
    """Make a request one of the page that follows its cursor, and return the Cursor; None: it is of the first page.

    Its moment is that of the first page; where the features were refreshed since, their cut-off, as an earlier one is
    served slowly, unless the first page was of the past itself.
    """
    if request.after is None:
        return None
    try:
        cursor = decode(session.cursor_key, request.after, request.user_id, request.feed)
    except ValueError as error:
        session.plpy.error(str(error), hint=HINT, sqlstate="22023")
    request.ts = session.run("moment of page", cursor.moment, cursor.is_live)[0]["ts"]
    request.exclude = cursor.shown if request.exclude is None else np.concatenate([request.exclude, cursor.shown])
    return cursor


def cursor_after(session, request, state, post_ids, before):
    """Return the text of the cursor after a page of post_ids that a state served; before: what turn_page() returned."""
    if session.cursor_key is None:
        return None
    moment, is_live, shown = min(round(state["moment"] * 1e6), LATEST), state["is_current"], np.array(post_ids)
    if before is not None:
        moment, is_live, shown = before.moment, before.is_live, np.concatenate([before.shown, shown])
    return encode(session.cursor_key, Cursor(moment, is_live, shown), request.user_id, request.feed)


def encode(key, cursor, user_id, feed):
    """Return a cursor of a user (None: a visitor) and a feed (None: without a name) as text, signed with a key.

    base64url without padding (RFC 4648) of the header, the ids and the first 8 bytes of their HMAC-SHA256.
    """
    first, width, steps = pack_ids(cursor.shown)
    header = HEADER.pack(VERSION, cursor.is_live, cursor.moment, mark(key, "user", user_id), mark(key, "feed", feed),
                         first, width)
    return as_text(sign(key, header + steps))


def decode(key, text, user_id, feed):
    """Return the Cursor that encode() wrote for this user and feed; ValueError: the text is none of theirs.

    key None: there is none, so that no text is a cursor.
    """
    signed = as_bytes(text) if key is not None and len(text) <= MAX_LENGTH else b""
    content = signed[:-TAG_BYTES]
    if len(content) < HEADER.size or not hmac.compare_digest(sign(key, content), signed):
        raise ValueError("after is no cursor of this database, or not all of it")
    version, is_live, moment, user, name, first, width = HEADER.unpack_from(content)
    if version != VERSION:
        raise ValueError("after is a cursor of another version of pgfeed")
    if user != mark(key, "user", user_id):
        raise ValueError("after is the cursor of another user")
    if name != mark(key, "feed", feed):
        raise ValueError("after is the cursor of another feed")
    return Cursor(moment, bool(is_live), unpack_ids(first, width, content[HEADER.size:]))


def sign(key, content):
    """Return content and its tag."""
    return content + hmac.digest(key, content, "sha256")[:TAG_BYTES]


def mark(key, kind, value):
    """Return 4 bytes that tell one value of a kind from another, and nothing else of it without the key."""
    return hmac.digest(key, f"{kind} {value!r}".encode(), "sha256")[:4]


def as_text(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def as_bytes(text):
    """Return what as_text() wrote; nothing of any other text."""
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
    return content if as_text(content) == text else b""


def pack_ids(ids):
    """Return the least of ids, int64, and the steps from each to the next larger one: bits of a step, all as bytes."""
    ids = np.sort(ids)
    steps = np.diff(ids.view(np.uint64))
    width = max(int(steps.max(initial=0)).bit_length(), 1)
    bits = np.unpackbits(steps.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1)
    return int(ids[0]), width, np.packbits(bits[:, 64 - width:]).tobytes()


def unpack_ids(first, width, content):
    """Return the ids that pack_ids() packed; the largest may be there several times."""
    bits = np.unpackbits(np.frombuffer(content, np.uint8))
    count = len(bits) // width
    words = np.zeros((count, 64), np.uint8)
    words[:, 64 - width:] = bits[:count * width].reshape(count, width)
    steps = np.packbits(words, axis=1).view(">u8")[:, 0].astype(np.int64)
    return np.concatenate([[first], first + np.cumsum(steps)])
