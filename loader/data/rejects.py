"""Rows that could not be loaded: one record for equal reasons, and how many are borne."""

import re
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from loader.data.batches import Reject
from loader.data.checked import storable
from loader.data.times import ASK_ORDER, ASK_UNIT
from loader.errors import PgfeedError

LINES_LIMIT = 100  # that a record names
REASONS_LIMIT = 100  # of one form; those beyond share a record
ADD = """
    insert into pgfeed.ingest_rejects
        (ingest_id, source_name, line, reason, content, reject_count, last_line, lines)
    values %s
"""
EXTEND = """
    update pgfeed.ingest_rejects as r
    set
        reject_count = r.reject_count + n.reject_count,
        last_line = n.last_line,
        lines = (r.lines || n.lines::bigint[])[:100]
    from (values %s) as n (ingest_id, reason, reject_count, last_line, lines)
    where r.ingest_id = n.ingest_id and r.reason = n.reason
"""


@dataclass
class _Record:
    """Rows with one reason."""

    line: int
    reason: str
    content: str
    count: int
    lines: list[int]
    last_line: int


class Rejects:
    """The rejects of one load."""

    def __init__(self) -> None:
        self.written: set[str] = set()
        self.reasons: dict[str, int] = {}  # how many there are of a form

    def write(self, cursor: Cursor, ingest_id: int, source_name: str, rejects: list[Reject]) -> set[str]:
        """Write the rejects of a chunk, in order; return their reasons, to be noted when that is committed."""
        records = self._records(rejects)
        new = [r for reason, r in records.items() if reason not in self.written]
        execute_values(
            cursor, ADD,
            [(ingest_id, source_name, r.line, r.reason, r.content, r.count, r.last_line, r.lines) for r in new],
        )
        old = [r for reason, r in records.items() if reason in self.written]
        execute_values(cursor, EXTEND, [(ingest_id, r.reason, r.count, r.last_line, r.lines) for r in old])
        return set(records)

    def note(self, reasons: set[str]) -> None:
        """Note reasons whose records are committed."""
        for reason in reasons - self.written:
            form = form_of(reason)
            self.reasons[form] = self.reasons.get(form, 0) + 1
        self.written |= reasons

    def _records(self, rejects: list[Reject]) -> dict[str, _Record]:
        records: dict[str, _Record] = {}
        counts = dict(self.reasons)
        for reject in rejects:
            line, reason, content = storable(reject)
            if reason not in self.written and reason not in records:
                form = form_of(reason)
                counts[form] = counts.get(form, 0) + 1
                reason = reason if counts[form] <= REASONS_LIMIT else form
            record = records.setdefault(reason, _Record(line, reason, content, 0, [], line))
            record.count += 1
            record.last_line = line
            if record.count <= LINES_LIMIT:
                record.lines.append(line)
        return records


def form_of(reason: str) -> str:
    """Return a reason without the values in it."""
    return re.sub(r"'.*'|\".*\"|[0-9][0-9T:.,+-]*", "...", reason)


def require_format(name: str, rejects: list[Reject], count: int) -> None:
    """Raise if most rows of a chunk have times that only --format can tell."""
    unclear = [reject for reject in rejects if reject[1].endswith((ASK_ORDER, ASK_UNIT))]
    if 2 * len(unclear) > count:
        line, reason, _ = min(unclear)
        cause, _, remedy = reason.partition(", ")
        raise PgfeedError(f"the times of {name} are not clear", f"at {line}, {cause}", remedy)


def reject_limit(text: str) -> tuple[float, bool]:
    """Return how many rows of a source may be rejected: a number of rows, or per cent of them."""
    match = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(%?)", text.strip())
    if not match or (not match[2] and "." in match[1]) or (match[2] and float(match[1]) > 100):
        raise PgfeedError(f"wrong --max-rejects {text!r}", next="use a number of rows like 20, or a share like 0.1%")
    return float(match[1]), bool(match[2])
