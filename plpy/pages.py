"""Pages of recommendations: a cursor says where one ended, as a short text.

The module is not named after it: plpy.cursor is a function of PostgreSQL.
"""

import base64
import struct
from hashlib import blake2s
from hmac import compare_digest
from itertools import accumulate, pairwise

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
    shown: the ids of the posts of all pages so far, a list, at least one, in any order.
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
        keys = [row["key"] for row in session.run("cursor keys")]
        cursor = decode(keys, request.after, request.user_id, request.feed)
    except ValueError as error:
        session.plpy.error(str(error), hint=HINT, sqlstate="22023")
    request.ts = session.run("moment of page", cursor.moment, cursor.is_live)[0]["ts"]
    shown = np.array(cursor.shown, np.int64)
    request.exclude = shown if request.exclude is None else np.concatenate([request.exclude, shown])
    return cursor


def cursor_after(request, state, post_ids, before):
    """Return the text of the cursor after a page of post_ids that a state served; before: what turn_page() returned."""
    key = state["cursor_key"]
    if key is None:
        return None
    moment, is_live, shown = min(round(state["moment"] * 1e6), LATEST), state["is_current"], post_ids
    if before is not None:
        moment, is_live, shown = before.moment, before.is_live, [*before.shown, *post_ids]
    return encode(key, Cursor(moment, is_live, shown), request.user_id, request.feed)


def encode(key, cursor, user_id, feed):
    """Return a cursor of a user (None: a visitor) and a feed (None: without a name) as text, signed with a key.

    base64url without padding (RFC 4648) of the header, the ids and 8 bytes of their keyed BLAKE2s (RFC 7693), which
    is faster than HMAC-SHA256.
    """
    first, width, steps = pack_ids(cursor.shown)
    header = HEADER.pack(VERSION, cursor.is_live, cursor.moment, mark(key, "user", user_id), mark(key, "feed", feed),
                         first, width)
    return as_text(sign(key, header + steps))


def decode(keys, text, user_id, feed):
    """Return the Cursor that encode() wrote with one of the keys for this user and feed; ValueError: it is none."""
    signed = as_bytes(text) if len(text) <= MAX_LENGTH else b""
    content = signed[:-TAG_BYTES]
    key = next((each for each in keys if compare_digest(sign(each, content), signed)), None)
    if key is None or len(content) < HEADER.size:
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
    return content + blake2s(content, key=key, digest_size=TAG_BYTES).digest()


def mark(key, kind, value):
    """Return 4 bytes that tell one value of a kind from another, and nothing else of it without the key."""
    return blake2s(f"{kind} {value!r}".encode(), key=key, digest_size=4).digest()


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
    """Return the least of ids and the steps from each to the next larger one: bits of a step, all of them as bytes.

    Without numpy, whose functions take longer for a few ids when the rest of a call has emptied the caches.
    """
    ids = sorted(ids)
    steps = [larger - smaller for smaller, larger in pairwise(ids)]
    width = max(steps, default=1).bit_length()
    bits = "".join([f"{step:0{width}b}" for step in steps])
    count = -(-len(bits) // 8)
    return ids[0], width, int(bits.ljust(8 * count, "0") or "0", 2).to_bytes(count, "big")


def unpack_ids(first, width, content):
    """Return the ids that pack_ids() packed; the largest may be there several times."""
    bits = f"{int.from_bytes(content, 'big'):0{8 * len(content)}b}"
    steps = [int(bits[start:start + width], 2) for start in range(0, 8 * len(content) - width + 1, width)]
    return list(accumulate(steps, initial=first))
