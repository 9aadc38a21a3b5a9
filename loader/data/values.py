"""Values one by one: each parser returns what the table takes, or raises ValueError with the reason."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from loader.errors import PgfeedError

TOPIC_BYTES, POST_BYTES = 2000, 20_000_000
BIGINT = (-(2**63), 2**63 - 1, "bigint")
SMALLINT = (-(2**15), 2**15 - 1, "smallint")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_TIME, LAST_TIME = 0, int((datetime(2100, 1, 1, tzinfo=UTC) - EPOCH).total_seconds()) * 10**6 - 1
ACTIONS = ("view", "like")
# What programs write for null; in a column of texts only nothing at all is null, as these may be words there.
NULL_WORDS = frozenset(("", "nan", "none", "null", "na", "n/a", "nat", "<na>", "nil", "#n/a", "\\n", "-nan"))
UNKNOWN, NOT_LIKED, LIKED = 0, 1, 2
TARGETS = {"0": NOT_LIKED, "1": LIKED, "f": NOT_LIKED, "t": LIKED, "false": NOT_LIKED, "true": LIKED}


def time_zone(name: str) -> ZoneInfo | None:
    """Return a time zone by its name; None is UTC."""
    try:
        return None if name.upper() in ("UTC", "Z", "GMT") else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise PgfeedError(f"unknown time zone {name!r}", next="use a name like Europe/Moscow or UTC") from error


def shown(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= 40 else text[:40] + "...")


def is_whole(value: int | float | Decimal) -> bool:
    """Return whether a number has no fraction; what is not a number or beyond any integer of a table has one."""
    return value == value and -(2**127) < value < 2**127 and value == int(value)


def is_null(value: Any) -> bool:
    """Return whether a value of a column of numbers or times is null; a text may also be a word for it."""
    if isinstance(value, str):
        return value.strip().lower() in NULL_WORDS
    return value is None or bool(value != value)


def parse_integer(value: Any, limits: tuple[int, int, str] = BIGINT) -> int | None:
    """Return an integer, or None for null; whole numbers written as floats are integers too."""
    if is_null(value):
        return None
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("contains a NUL byte")
        match = re.fullmatch(r"([+-]?[0-9]+)([.,]0*)?", value.strip())
        if not match:
            raise ValueError(f"{shown(value)} is not an integer")
        digits = match[1]
        if match[2] == ",000":
            raise ValueError(f"{shown(value)} may be {digits} or {digits}000")
        number = int(digits) if len(digits) < 40 else 2**127
    elif isinstance(value, float) and 2**53 < abs(value) < math.inf and limits is BIGINT:
        raise ValueError(f"{value!r} is a float beyond 2**53, its last digits are lost")
    elif isinstance(value, int | float | Decimal) and is_whole(value):
        number = int(value)
    else:
        raise ValueError(f"{shown(value)} is not an integer")
    if not limits[0] <= number <= limits[1]:
        raise ValueError(f"{str(value).strip()[:40]} does not fit in a {limits[2]}")
    return number


def parse_key(value: object) -> int:
    number = parse_integer(value)
    if number is None:
        raise ValueError("is missing")
    return number


def parse_small(value: object) -> int | None:
    return parse_integer(value, SMALLINT)


def parse_text(value: object) -> str | None:
    """Return a text; an empty one is null."""
    text = "" if value is None else str(value)
    if "\0" in text:
        raise ValueError("contains a NUL byte")
    return text or None


def parse_short(value: object, most: int) -> str | None:
    """Return a text of no more than so many bytes."""
    text = parse_text(value)
    if text and len(text.encode()) > most:
        raise ValueError(f"{shown(text)} has more than {most:,} bytes")
    return text


def parse_topic(value: object) -> str | None:
    """Return a topic, which must fit in an index entry."""
    return parse_short(value, TOPIC_BYTES)


def parse_post(value: object) -> str | None:
    """Return the text of a post, of which many must fit in one answer."""
    return parse_short(value, POST_BYTES)


def offset_of(zone: ZoneInfo | None, naive: datetime) -> timedelta:
    """Return the zone's offset; in a gap or an overlap the smaller one (standard time), as Postgres does."""
    if zone is None:
        return timedelta(0)
    return min(naive.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta(0) for fold in (0, 1))


def parse_action(value: object, actions: Sequence[str] = ACTIONS) -> int:
    """Return the place of an action among those that are defined."""
    if is_null(value):
        raise ValueError("is missing")
    action = str(value).strip().lower()
    if action not in actions:
        if len(actions) == 2:
            raise ValueError(f"{shown(value)} is neither {' nor '.join(actions)}")
        raise ValueError(f"{shown(value)} is none of {', '.join(actions)}")
    return actions.index(action)


def parse_target(value: object) -> int:
    if is_null(value):
        return UNKNOWN
    text = str(value).strip().lower()
    target = TARGETS.get(text[0] if re.fullmatch(r"[01][.,]0*", text) else text)
    if target is None:
        raise ValueError(f"{shown(value)} is neither 0 nor 1")
    return target


def parse_created(value: int | str | None) -> str | None:
    """Return a time as Postgres reads it; the value is one of `_created`."""
    if isinstance(value, str):
        raise ValueError(value)
    return None if value is None else (EPOCH + timedelta(microseconds=value)).isoformat(" ")
