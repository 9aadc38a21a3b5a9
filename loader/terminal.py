"""What a person sees: progress on stderr, results on stdout."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table

console = Console(stderr=True, highlight=False)
out = Console(highlight=False, markup=False)


shown_bars: list[Progress] = []


@contextmanager
def progress(description: str, total: float | None = None) -> Iterator[Callable[[float], None]]:
    """Show a progress bar on stderr; yield a function that advances it. Within another one it is a line below it.

    Without a terminal nothing is drawn while it runs, only a closing line of the outer one.
    """
    if shown_bars:
        with line_below(description, total) as advance:
            yield advance
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(description, total=total)
        shown_bars.append(bar)
        try:
            yield lambda amount: bar.advance(task, amount)
        finally:
            shown_bars.remove(bar)
        if total is None:
            bar.update(task, total=bar.tasks[0].completed)


@contextmanager
def line_below(description: str, total: float | None) -> Iterator[Callable[[float], None]]:
    """Show a line below the progress bar that is shown, until the work is done."""
    bar = shown_bars[-1]
    task = bar.add_task(description, total=total)
    try:
        yield lambda amount: bar.advance(task, amount)
    finally:
        bar.remove_task(task)


@contextmanager
def status(description: str) -> Iterator[None]:
    """Show on stderr that something is being done whose end is not known."""
    with line_below(description, None) if shown_bars else console.status(description):
        yield


def counted(number: int, noun: str) -> str:
    """Return a number with its noun in singular or plural."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def excerpt(text: str | None) -> str:
    """Return the beginning of a text, at most 200 characters, on one line; nothing of none."""
    return " ".join((text or "").split())[:200]


def table(title: str, headers: Sequence[str], rows: Sequence[Sequence[object]], numeric: Sequence[str] = (),
          wrapped: str = "") -> Table:
    """Return a plain table; columns named in `numeric` are right-aligned, one named text is cut.

    wrapped: the only column that is wrapped where all are too wide; none: each may be.
    """
    cells = [["" if value is None else str(value) for value in row] for row in rows]
    result = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    widths = [max(map(len, column)) + 3 for column in zip(headers, *cells)]
    for header, width in zip(headers, widths):
        result.add_column(header, justify="right" if header in numeric else "left", overflow="fold",
                          no_wrap=wrapped not in ("", header))
        if header == "text":
            rest = out.width - (sum(widths) - width) - 3
            result.columns[-1] = Column(header, overflow="ellipsis", no_wrap=True, max_width=max(rest, 16))
    for row in cells:
        result.add_row(*row)
    return result
