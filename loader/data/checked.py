"""Turn batches as read into rows that the tables take, and say of every other row why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from loader.data.batches import ALIASES, COLUMNS, CONTENT_LIMIT, Batch, Reject
from loader.data.times import Reasons, by_value, times_of
from loader.data.values import (
    ACTIONS,
    EPOCH,
    parse_action,
    parse_created,
    parse_key,
    parse_post,
    parse_small,
    parse_target,
    parse_text,
    parse_topic,
)

CLOCK_TOLERANCE = timedelta(days=1)  # of clocks and of zones that a file does not state


@dataclass
class Events:
    """Distinct events sorted by key. `event_at` is in microseconds since 1970, `target` 0 null, 1 false, 2 true.

    action: places among the actions that are defined.
    """

    event_at: np.ndarray
    user_id: np.ndarray
    post_id: np.ndarray
    action: np.ndarray
    target: np.ndarray
    line: np.ndarray
    old_count: int = 0  # passed over


@dataclass
class Repeats:
    """Rows whose key was there before in the same source; each `first` is (line, earlier line or None)."""

    exact: int = 0
    differing: int = 0
    first_exact: tuple[int, int | None] = (0, None)  # (0, None) while there is none
    first_differing: tuple[int, int | None] = (0, None)

    def add(self, other: "Repeats") -> None:
        self.first_exact = self.first_exact if self.exact else other.first_exact
        self.first_differing = self.first_differing if self.differing else other.first_differing
        self.exact += other.exact
        self.differing += other.differing


def _keys(array: pa.Array) -> tuple[np.ndarray, Reasons]:
    if pa.types.is_string(array.type) or pa.types.is_signed_integer(array.type):
        try:
            values = array.cast(pa.int64())
        except pa.ArrowInvalid:
            return by_value(array, parse_key)
        missing = np.flatnonzero(values.is_null()) if values.null_count else ()
        return values.fill_null(0).to_numpy(), {int(i): "is missing" for i in missing}
    return by_value(array, parse_key)


def events_of(
    batch: Batch, zone: ZoneInfo | None, form: str | None = None, since: int | None = None,
    actions: Sequence[str] = ACTIONS,
) -> tuple[Events, list[Reject], Repeats]:
    """Check the events of a batch and merge those with the same key: liked wins over not liked, that over null.

    Those before `since`, in microseconds since 1970, are passed over. actions: that are defined.
    """
    count = len(batch.lines)
    columns = {
        "event_at": times_of(batch.columns["timestamp"], zone, form),
        "user_id": _keys(batch.columns["user_id"]),
        "post_id": _keys(batch.columns["post_id"]),
    }
    for name, parse in (("action", partial(parse_action, actions=actions)), ("target", parse_target)):
        column = batch.columns.get(name)
        columns[name] = (np.zeros(count, np.int64), {}) if column is None else by_value(column, parse)
    times, reasons = columns["event_at"]
    latest = int((datetime.now(UTC) - EPOCH + CLOCK_TOLERANCE) / timedelta(microseconds=1))
    for i in np.flatnonzero(times > latest):
        reasons.setdefault(int(i), "lies in the future")
    old = np.flatnonzero(times < since) if since is not None else np.array([], np.int64)
    old = old[~np.isin(old, list(reasons))]
    refused: Reasons = {}
    passed_over = set(old.tolist())
    for name, (_, reasons) in columns.items():
        for i, reason in reasons.items():
            if i not in passed_over:
                refused.setdefault(i, f"{ALIASES.get(name, name)}: {reason}")
    rejects = batch.malformed + [(int(batch.lines[i]), reason, batch.content(i)) for i, reason in refused.items()]
    kept = np.delete(np.arange(count), [*refused, *old])
    fields = {name: values[kept] for name, (values, _) in columns.items()} | {"line": batch.lines[kept]}
    key = ("action", "post_id", "event_at", "user_id")
    order = np.lexsort([-fields["target"], *(fields[name] for name in key)])
    fields = {name: values[order] for name, values in fields.items()}
    same = np.ones(max(len(order) - 1, 0), bool)
    for name in key:
        same &= fields[name][1:] == fields[name][:-1]
    is_new = np.append(True, ~same)[: len(order)]
    repeats = Repeats() if is_new.all() else _repeats(fields, is_new)
    return Events(**{name: values[is_new] for name, values in fields.items()}, old_count=len(old)), rejects, repeats


def _repeats(fields: dict[str, np.ndarray], is_new: np.ndarray) -> Repeats:
    """Count and name the rows whose key repeats; rows of one key are adjacent, the most liked first."""
    line, target = fields["line"], fields["target"]
    is_exact = np.append(False, ~is_new[1:] & (target[1:] == target[:-1]))
    named = []
    for mask in (is_exact, ~is_new & ~is_exact):
        later = np.flatnonzero(mask)
        pairs = [(int(max(line[i], line[i - 1])), int(min(line[i], line[i - 1]))) for i in later]
        named.append(min(pairs, default=(0, None)))
    return Repeats(int(is_exact.sum()), int((~is_new & ~is_exact).sum()), *named)


def _created(array: pa.Array, zone: ZoneInfo | None, form: str | None) -> list[int | str | None]:
    """Return microseconds since 1970, or the reason why a value is not that."""
    micros, reasons = times_of(array, zone, form)
    values: list[int | str | None] = micros.tolist()
    for i, reason in reasons.items():
        values[i] = None if reason == "is missing" else reason
    return values


PARSERS = {
    **dict.fromkeys(("user_id", "post_id"), parse_key),
    **dict.fromkeys(("gender", "age", "exp_group"), parse_small),
    **dict.fromkeys(("country", "city", "os", "source"), parse_text),
    "text": parse_post,
    "topic": parse_topic,
    "created_at": parse_created,
}


def records_of(
    batch: Batch, kind: str, zone: ZoneInfo | None, form: str | None = None
) -> tuple[list[tuple], list[Reject], Repeats]:
    """Check users or posts and merge those with the same key: later values win where they are not null."""
    names = COLUMNS[kind]
    parsers = [PARSERS[name] for name in names]
    columns: list[list] = [[None] * len(batch.lines) for _ in names]
    for i, name in enumerate(names):
        if name in batch.columns:
            column = batch.columns[name]
            columns[i] = _created(column, zone, form) if name == "created_at" else column.to_pylist()
    rejects, repeats = list(batch.malformed), Repeats()
    merged: dict[int, list] = {}
    lines: dict[int, int] = {}
    for i, values in enumerate(zip(*columns)):
        line = int(batch.lines[i])
        row: list = []
        try:
            for parse, value in zip(parsers, values):
                row.append(parse(value))
        except ValueError as error:
            rejects.append((line, f"{names[len(row)]}: {error}", batch.content(i)))
            continue
        key = row[0]
        earlier = merged.get(key)
        if earlier is not None:
            row, first = [old if new is None else new for old, new in zip(earlier, row)], lines[key]
            repeats.add(Repeats(1, 0, (line, first)) if row == earlier else Repeats(0, 1, (0, None), (line, first)))
        merged[key] = row
        lines.setdefault(key, line)
    return [tuple(row) for row in merged.values()], rejects, repeats


def storable(reject: Reject) -> Reject:
    """Return a reject whose texts a table can hold."""
    line, reason, content = reject
    return line, reason.replace("\0", "\\0")[:CONTENT_LIMIT], content.replace("\0", "\\0")[:CONTENT_LIMIT]
