"""Times as files write them: ISO 8601, numbers since 1970, days before months or after them, or any other pattern."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loader.data.values import FIRST_TIME, LAST_TIME, is_null, offset_of, shown
from loader.errors import PgfeedError

QUARTER = 15 * 60 * 10**6  # time zones change their offset at full quarters of an hour
MICROSECOND = timedelta(microseconds=1)
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
# Of a time from 1990 on, a number of seconds since 1970 cannot be one of milli-, micro- or nanoseconds.
CERTAIN_FROM = 631_152_000
EPOCHS = {"epoch": "s", "epoch-ms": "ms"}
DAY, SHORT_DAY = r"^\s*(\d{1,2})[./-](\d{1,2})[./-](\d{4})\b", r"^\s*(\d{1,2})[./-](\d{1,2})[./-](\d{2})(\D|$)"
ORDERS = {"DMY": (DAY, r"\3-\2-\1"), "MDY": (DAY, r"\3-\1-\2")}
SHORT_ORDERS = {"DMY": (SHORT_DAY, r"20\3-\2-\1\4"), "MDY": (SHORT_DAY, r"20\3-\1-\2\4")}
# What ISO 8601 writes otherwise: two digits, one space, a point.
PADDING = (
    ("[\u00a0\u202f]", " "), (r"^(\d{4})-(\d)-", r"\1-0\2-"), (r"^(\d{4}-\d\d)-(\d)(\D|$)", r"\1-0\2\3"),
    (r"^(\d{4}-\d\d-\d\d)[ T,]+", r"\1 "), (r"^(\S+) (\d):", r"\1 0\2:"), (r",(\d+)$", r".\1"),
)  # fmt: skip
NOON_OR_NIGHT = r"^\S+ (0[1-9]|1[0-2]):.* ?[apAP][mM]$"
TWELVE_HOURS = ("%Y-%m-%d %I:%M:%S %p", "%Y-%m-%d %I:%M %p")
NUMBER = re.compile(r"[+-]?[0-9]{1,30}([.,][0-9]{0,30})?")
ISO = re.compile(r"([0-9]+)-[0-9]{2}-[0-9]{2}(?![0-9])")
UNCLEAR = re.compile(r"[0-9]{1,2}([./-])[0-9]{1,2}\1([0-9]{4}|[0-9]{2})\b.*")
ASK_ORDER = "may begin with the day or the month, give --format DMY or --format MDY"
ASK_UNIT = "may be seconds or milliseconds, give --format epoch or --format epoch-ms"
Reasons = dict[int, str]  # by row


def time_format(text: str | None) -> str | None:
    """Return a form of times as --format gives it; raise PgfeedError if it is none."""
    if text is None or "%" not in text:
        names = {name.lower(): name for name in (*ORDERS, *EPOCHS)}
        if text is not None and text.lower() not in names:
            remedy = "use DMY, MDY, epoch, epoch-ms, or a pattern like %d.%m.%Y"
            raise PgfeedError(f"unknown --format {text!r}", next=remedy)
        return names[text.lower()] if text else None
    sample = datetime(2021, 11, 23, 17, 5, tzinfo=UTC).strftime(text)
    try:
        is_known = not np.isnat(_by_patterns(pa.array([sample]), (text,))[0])
        is_day = datetime.strptime(sample, text).date() == date(2021, 11, 23)
    except ValueError as error:
        raise PgfeedError(f"wrong --format {text!r}", str(error), "use a pattern like '%d.%m.%Y %H:%M:%S'") from error
    if not (is_known and is_day):
        raise PgfeedError(f"wrong --format {text!r}", "it does not give a day, a month and a year")
    return text


def moment(text: str, zone: ZoneInfo | None) -> int:
    """Return microseconds since 1970 of a moment as --since gives it."""
    try:
        return parse_time(text, zone)
    except ValueError as error:
        remedy = 'write it like 2021-12-20 or "2021-12-20 18:00+00"'
        raise PgfeedError("--since is not understood", str(error), remedy) from error


def by_value(array: pa.Array, parse: Callable[[object], int]) -> tuple[np.ndarray, Reasons]:
    """Parse each distinct value once."""
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    results, reasons = [], {}
    for value in [*encoded.dictionary.to_pylist(), None]:
        try:
            results.append(parse(value))
        except ValueError as error:
            reasons[len(results)] = str(error)
            results.append(0)
    codes = encoded.indices.fill_null(len(results) - 1).to_numpy(zero_copy_only=False)
    bad = np.flatnonzero(np.isin(codes, list(reasons))) if reasons else ()
    return np.array(results, np.int64)[codes], {int(i): reasons[int(codes[i])] for i in bad}


def times_of(array: pa.Array, zone: ZoneInfo | None, form: str | None = None) -> tuple[np.ndarray, Reasons]:
    """Return microseconds since 1970, and the reasons why values are none; times without a zone are in `zone`."""
    if pa.types.is_integer(array.type):
        if not form or "%" not in form:
            return _of_numbers(array, form)
        if not form.startswith("%Y"):
            cause = "times are stored as numbers, without zeros at the start"
            raise PgfeedError(f"--format {form} cannot be read", cause)
        array = array.cast(pa.string())
    if pa.types.is_string(array.type):
        return _of_texts(array, zone, form)
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("s"))
    if pa.types.is_timestamp(array.type):
        return _of_timestamps(array, zone)
    return by_value(array, lambda value: parse_time(value, zone, form))


def _of_texts(array: pa.Array, zone: ZoneInfo | None, form: str | None) -> tuple[np.ndarray, Reasons]:
    texts = array
    patterns: tuple[str, ...] = ()
    stages: tuple = ((),) if form is None else ()
    if form in ORDERS:
        stages = (ORDERS[form],), (SHORT_ORDERS[form], *PADDING)
    for rules in stages:
        for pattern, replacement in rules:
            texts = pc.replace_substring_regex(texts, pattern, replacement)
        for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
            try:
                return _of_timestamps(texts.cast(kind), zone)
            except pa.ArrowInvalid:
                continue
    if form is None or form in EPOCHS:
        try:
            return _of_numbers(array.cast(pa.int64()), form)
        except pa.ArrowInvalid:
            pass
    if form in ORDERS and pc.all(pc.match_substring_regex(texts, NOON_OR_NIGHT)).as_py():
        try:
            return _of_timestamps(_of_twelve_hours(texts), zone)
        except pa.ArrowInvalid:
            pass
    elif form and "%" in form:
        patterns = (form,)
    if not patterns:
        return by_value(array, lambda value: parse_time(value, zone, form))
    moments = _by_patterns(texts, patterns)
    rest = np.flatnonzero(np.isnat(moments))
    kind = pa.timestamp("us", "UTC" if "%z" in patterns[0] else None)
    micros, reasons = _of_timestamps(pa.array(moments, kind), zone)
    micros[rest], others = by_value(array.take(pa.array(rest)), lambda value: parse_time(value, zone, form))
    for i in rest.tolist():
        reasons.pop(i, None)
    return micros, reasons | {int(rest[i]): reason for i, reason in others.items()}


def _of_twelve_hours(texts: pa.Array) -> pa.Array:
    """Return the timestamps of texts that all end with AM or PM."""
    moments = pc.replace_substring_regex(texts, r" ?[apAP][mM]$", "").cast(pa.timestamp("us"))
    twelve, hours = pa.scalar(12, pa.int64()), pc.hour(moments)
    is_pm = pc.match_substring_regex(texts, "(?i)pm$")
    shift = pc.subtract(pc.if_else(is_pm, 12, 0), pc.if_else(pc.equal(hours, twelve), 12, 0))
    return pc.add(moments, pc.multiply(shift.cast(pa.int64()), 3_600_000_000).cast(pa.duration("us")))


def _by_patterns(texts: pa.Array, patterns: tuple[str, ...]) -> np.ndarray:
    """Parse texts by the first pattern that they fit; NaT where none does. What has an offset is in UTC."""
    import pandas

    moments = np.full(len(texts), np.datetime64("NaT", "us"), "datetime64[us]")
    for pattern in patterns:
        rest = np.flatnonzero(np.isnat(moments))
        values = texts.take(pa.array(rest)).to_pandas()
        parsed = pandas.to_datetime(values, format=pattern, errors="coerce", utc="%z" in pattern)
        moments[rest] = parsed.dt.tz_localize(None).to_numpy("datetime64[us]")
    return moments


def _of_timestamps(array: pa.Array, zone: ZoneInfo | None) -> tuple[np.ndarray, Reasons]:
    per_second = PER_SECOND[array.type.unit]
    values = array.cast(pa.int64()).fill_null(0).to_numpy()
    day = 86400 * per_second
    inside = (values >= -day) & (values <= LAST_TIME // 10**6 * per_second + day)
    micros = np.where(inside, values, 0)
    micros = micros // (per_second // 10**6) if per_second > 10**6 else micros * (10**6 // per_second)
    if array.type.tz is None and zone is not None:
        quarters, places = np.unique(micros // QUARTER, return_inverse=True)
        starts = (datetime(1970, 1, 1) + timedelta(microseconds=int(q) * QUARTER) for q in quarters)
        offsets = [offset_of(zone, start) // MICROSECOND for start in starts]
        micros = micros - np.array(offsets, np.int64)[places]
    inside &= (micros >= FIRST_TIME) & (micros <= LAST_TIME)
    reasons = {}
    for i in np.flatnonzero(~inside):
        second = np.datetime64(int(values[i]) // per_second, "s")
        reasons[int(i)] = f"{second} is out of range 1970 to 2099"
    reasons.update({int(i): "is missing" for i in (np.flatnonzero(array.is_null()) if array.null_count else ())})
    return micros, reasons


def _of_numbers(array: pa.Array, form: str | None) -> tuple[np.ndarray, Reasons]:
    """Return the times that whole numbers since 1970 mean."""
    try:
        values = array.cast(pa.int64()).fill_null(0).to_numpy()
    except pa.ArrowInvalid:
        return by_value(array, lambda value: parse_epoch(value, form))
    micros, is_time = np.zeros(len(values), np.int64), np.zeros(len(values), bool)
    for per_second, first, end in _units(form):
        fits = (values >= first) & (values < end)
        scaled = values // (per_second // 10**6) if per_second > 10**6 else values * max(10**6 // per_second, 1)
        micros, is_time = np.where(fits, scaled, micros), is_time | fits
    rest = np.flatnonzero(~is_time | array.is_null().to_numpy(zero_copy_only=False))
    if not len(rest):
        return micros, {}
    _, reasons = by_value(array.take(pa.array(rest)), lambda value: parse_epoch(value, form))
    return micros, {int(rest[i]): reason for i, reason in reasons.items()}


def _units(form: str | None) -> list[tuple[int, int, int]]:
    """Return the units that a number may have, each as (in a second, first number, one past the last)."""
    end = LAST_TIME // 10**6 + 1
    if form in EPOCHS:
        return [(PER_SECOND[EPOCHS[form]], 0, end * PER_SECOND[EPOCHS[form]])]
    return [(per_second, CERTAIN_FROM * per_second, end * per_second) for per_second in PER_SECOND.values()]


def parse_epoch(value: object, form: str | None = None) -> int:
    """Return microseconds since 1970 of a number whose unit `form` names or its size makes certain."""
    if is_null(value):
        raise ValueError("is missing")
    number = Decimal(str(value).strip().replace(",", "."))
    for per_second, first, end in _units(form):
        if first <= number < end:
            return int(number * 10**6 / per_second)
    raise ValueError(f"{str(value)[:40]} {'is out of range 1970 to 2099' if form in EPOCHS else ASK_UNIT}")


def parse_time(value: object, zone: ZoneInfo | None = None, form: str | None = None) -> int:
    """Return microseconds since 1970; a time without a zone is in `zone`."""
    if is_null(value):
        raise ValueError("is missing")
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("contains a NUL byte")
        value = value.strip()
        if NUMBER.fullmatch(value) and (form is None or form in EPOCHS):
            return parse_epoch(value, form)
        value = _by_pattern(value, form) if form and "%" in form else _by_iso(value, form)
    elif isinstance(value, int | float | Decimal):
        return parse_epoch(value, form)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    elif not isinstance(value, datetime):
        raise ValueError(f"{shown(value)} is not a time, write 2021-02-01 10:00:00 or give --format")
    naive = value.replace(tzinfo=None)
    offset = value.utcoffset() or offset_of(None if value.tzinfo else zone, naive)
    micros = (naive - datetime(1970, 1, 1) - offset) // MICROSECOND
    if not FIRST_TIME <= micros <= LAST_TIME:
        year = naive.year
        raise ValueError(f"year {year} is out of range" if not 1970 <= year < 2100 else "is out of range 1970 to 2099")
    return micros


def _by_pattern(text: str, form: str) -> datetime:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        raise ValueError(f"{shown(text)} is not a time like {form}") from None


def _by_iso(text: str, form: str | None) -> datetime:
    """Parse ISO 8601, and what a named order of day and month makes of it."""
    iso = text
    for pattern, replacement in (ORDERS[form], SHORT_ORDERS[form], *PADDING) if form in ORDERS else ():
        iso = re.sub(pattern, replacement, iso, count=1, flags=re.ASCII)
    for pattern in TWELVE_HOURS if form in ORDERS and re.search("(?i)[ap]m$", iso) else ():
        try:
            return datetime.strptime(iso, pattern)
        except ValueError:
            continue
    iso = re.sub(r" ?(UTC|Z)$", "+00:00", iso)
    if form is None and UNCLEAR.fullmatch(text):
        raise ValueError(f"{shown(text)} {ASK_ORDER}")
    match = ISO.match(iso)
    if match and len(match[1]) != 4:
        raise ValueError(f"year {match[1][:20]} is out of range")
    try:
        if match:
            return datetime.fromisoformat(iso)
    except ValueError:
        pass
    like = f"like {form}" if form in ORDERS else "write 2021-02-01 10:00:00 or give --format"
    raise ValueError(f"{shown(text)} is not a time{' ' if form in ORDERS else ', '}{like}")
