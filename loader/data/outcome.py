"""What became of a source that was loaded."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from loader.data.checked import Repeats
from loader.errors import PgfeedError
from loader.terminal import counted


@dataclass
class Outcome:
    """What became of one source: read = loaded + duplicates + rejected; updated are among the loaded."""

    source: str
    kind: str
    read: int = 0
    loaded: int = 0
    updated: int = 0
    duplicates: int = 0
    rejected: int = 0
    added_posts: int = 0
    seconds: float = 0.0
    repeats: Repeats = field(default_factory=Repeats)
    first_reject: tuple[int, str] = (0, "")
    place: str = "line"
    ignored: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)  # what was beside it
    old: int = 0  # rows before --since, which are not among the read

    @property
    def rate(self) -> int:
        """Rows per second."""
        return round(self.read / max(self.seconds, 1e-3))

    def as_dict(self) -> dict[str, object]:
        """Return it for --json."""
        line, reason = self.first_reject
        return {
            "source": self.source, "kind": self.kind, "read": self.read, "loaded": self.loaded, "updated": self.updated,
            "duplicates": self.duplicates, "rejected": self.rejected, "seconds": round(self.seconds, 3),
            "rows_per_second": self.rate,
            "exact_repeats": self.repeats.exact, "differing_repeats": self.repeats.differing,
            "posts_added_from_events": self.added_posts, "ignored_columns": self.ignored,
            "not_read": self.unread, "before_since": self.old,
            "first_reject": {"line": line, "reason": reason} if self.rejected else None,
        }

    def notes(self) -> Iterator[str]:
        """Yield what the table of counts does not say."""
        repeats = self.repeats
        if repeats.exact:
            yield f"{counted(repeats.exact, 'exact duplicate')}, first at {self._where(*repeats.first_exact)}"
        if repeats.differing:
            how = "liked wins" if self.kind == "events" else "the later values win"
            first = self._where(*repeats.first_differing)
            yield f"{counted(repeats.differing, 'duplicate')} with other values, first at {first}: {how}"
        if self.updated:
            yield f"{counted(self.updated, 'row')} changed what was loaded before"
        if self.old:
            yield f"{counted(self.old, 'row')} before --since passed over"
        if self.unread:
            yield f"not read: {', '.join(self.unread)}"
        if self.ignored:
            yield f"ignored columns: {', '.join(self.ignored)}"

    def _where(self, line: int, earlier: int | None) -> str:
        return f"{self.place} {line} (repeats {f'{self.place} {earlier}' if earlier else f'an earlier {self.place}'})"


def refuse_rejects(outcomes: list[Outcome], limit: tuple[float, bool] = (0, False)) -> str | None:
    """Raise if more rows of a source were rejected than `limit` allows; return what is to be said of those it does.

    The others are loaded, and programs must be able to tell. The limit is a number of rows, or per cent of those read.
    """
    most, is_share = limit
    beyond = [o for o in outcomes if o.rejected > (o.read * most / 100 if is_share else most)]
    rejecting = beyond or [outcome for outcome in outcomes if outcome.rejected]
    if not rejecting:
        return None
    line, reason = rejecting[0].first_reject
    read, rejected = (sum(getattr(outcome, name) for outcome in rejecting) for name in ("read", "rejected"))
    where, name = f"of {rejecting[0].source}", ""
    if len(rejecting) > 1:
        kind = "tables" if "://" in rejecting[0].source else "files"
        where, name = f"in {len(rejecting)} {kind}", f"{rejecting[0].source} "
    error = PgfeedError(
        f"{rejected:,} of {read:,} rows {where} could not be loaded",
        f"first {name}{rejecting[0].place} {line}: {reason}",
        "select * from pgfeed.ingest_rejects",
    )
    if beyond:
        raise error
    return f"{error} (no more than --max-rejects)"
