"""What a person sees: progress on stderr, results on stdout, and all of it as wide as the terminal."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import click
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

BETWEEN, EDGES = 3, 2
NOTE_SECONDS = 10
LEAST_TEXT, LEAST_STACKED = 16, 8
COMMAND = re.compile(
    r"(?:(?<=[\s(])|^)(?:[A-Z_]+=(?:'[^']*'|\S+) )*"
    r"(?:(?:\./run|pgfeed|psql|pip|apt-get|eval|select \*) |call pgfeed\.)(?=\S)"
)
WIDE = (
    "\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60"
    "\U0001f300-\U0001faff\U00020000-\U0003fffd"
)
AT_NO_START = "\u3001\u3002\u300d\u300f\u3011\uff01\uff09\uff0c\uff1a\uff1b\uff1f"
WORD = re.compile(rf"\s*(?:[^\s{WIDE}]+|[{WIDE}])[{AT_NO_START}]*")  # Chinese and Japanese put no spaces between words
NEXT_PART = re.compile(r"(?<=, or:) |(?<=; then:) ")

console = Console(stderr=True, highlight=False)
out = Console(highlight=False, markup=False)


shown_bars: list[Progress] = []


@contextmanager
def progress(description: str, total: float | None = None) -> Iterator[Callable[[float], None]]:
    """Show a progress bar on stderr; yield a function that advances it. Within another one it is a line below it.

    Without a terminal a line now and then says how far it is, and one that it is done.
    """
    if shown_bars:
        with line_below(description, total) as below:
            yield below
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
            yield partial(advance, bar, task)
        finally:
            shown_bars.remove(bar)
        if total is None:
            bar.update(task, total=bar.tasks[0].completed)


def advance(bar: Progress, task: TaskID, amount: float) -> None:
    """Show that so much more of a work is done."""
    bar.advance(task, amount)
    note(bar)


def note(bar: Progress) -> None:
    """Tell in a line where there is no terminal, every NOTE_SECONDS, how far the work is and how long it takes."""
    outer, now = bar.tasks[0], bar.get_time()
    if console.is_terminal or now - outer.fields.setdefault("told_at", outer.start_time) < NOTE_SECONDS:
        return
    outer.fields["told_at"] = now
    for task in bar.tasks:
        left = "" if task.time_remaining is None else f", about {task.time_remaining:.0f} s left"
        total = "" if task.total is None else f" of {task.total:,.0f}"
        if task.completed:
            click.echo(f"{task.description}: {task.completed:,.0f}{total}{left}", err=True)


@contextmanager
def line_below(description: str, total: float | None) -> Iterator[Callable[[float], None]]:
    """Show a line below the progress bar that is shown, until the work is done."""
    bar = shown_bars[-1]
    task = bar.add_task(description, total=total)
    try:
        yield partial(advance, bar, task)
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


def tell(text: str, err: bool = False) -> None:
    """Print a text; on a terminal no line is longer than it is wide, but for a command to copy."""
    screen = console if err else out
    click.echo(fitted(text, screen.width) if screen.is_terminal else text, err=err)


def fitted(text: str, width: int) -> str:
    """Return a text whose lines are wrapped at word ends; a command that does not fit has a line of its own, whole."""
    return "\n".join("\n".join(wrapped(line, width)) for line in text.split("\n"))


def wrapped(line: str, width: int) -> list[str]:
    """Return a line in parts of at most a width, commands whole."""
    if cell_len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    command = COMMAND.search(line)
    prose = line[: command.start()] if command else line
    lines = filled(prose, width, indent)
    for part in NEXT_PART.split(line[command.start() :]) if command else ():
        if lines and cell_len(lines[-1]) + 1 + cell_len(part) <= width:
            lines[-1] += f" {part}"
        else:
            lines.append(f"{indent}  {part}" if lines else part)
    return lines


def filled(prose: str, width: int, indent: str) -> list[str]:
    """Return prose in lines of at most a width, longer only of one word; all but the first begin with the indent."""
    lines: list[str] = []
    for word in WORD.findall(prose):
        if lines and cell_len(lines[-1] + word) <= width:
            lines[-1] += word
        else:
            lines.append(indent + word.lstrip() if lines else word)
    return lines


def table(title: str, headers: Sequence[str], rows: Sequence[Sequence[object]], numeric: Sequence[str] = ()) -> Table:
    """Return a plain table as wide as the terminal at most; columns named in `numeric` are right-aligned.

    Where it is too wide, a column `text` is cut, else the widest columns are wrapped at word ends. If the words
    themselves are too wide, each row is a block of lines, one for each of its cells.
    """
    cells = [["" if value is None else str(value) for value in row] for row in rows]
    columns = list(zip(headers, *cells))
    widths = widths_of(columns, numeric)
    if widths is None:
        return stacked(title, headers, cells)
    result = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for header, width in zip(headers, widths):
        is_cut = header == "text"
        result.add_column(header, justify="right" if header in numeric else "left", width=width,
                          overflow="ellipsis" if is_cut else "fold", no_wrap=is_cut)
    for row in cells:
        result.add_row(*row)
    return result


def widths_of(columns: Sequence[Sequence[str]], numeric: Sequence[str]) -> list[int] | None:
    """Return how wide each column is; None: they do not fit. columns: of each its header and its cells."""
    widths = [max(longest(cell.split("\n")) for cell in column) for column in columns]
    least = [
        min(LEAST_TEXT, width) if column[0] == "text"
        else max(longest(column[0].split()), *(longest(cell.split("\n" if column[0] in numeric else None))
                                               for cell in column[1:]), 1)
        for column, width in zip(columns, widths)
    ]
    room = out.width - BETWEEN * (len(columns) - 1) - EDGES
    if sum(least) > room:
        return None
    while (excess := sum(widths) - room) > 0:
        spare = [width - low for width, low in zip(widths, least)]
        texts = [place for place, column in enumerate(columns) if column[0] == "text" and spare[place]]
        place = texts[0] if texts else max((p for p in range(len(widths)) if spare[p]), key=lambda p: widths[p])
        widths[place] -= min(spare[place], excess if texts else 1)
    return widths


def longest(parts: Sequence[str]) -> int:
    """Return the length of the longest part, in columns of a terminal."""
    return max(map(cell_len, parts), default=0)


def stacked(title: str, headers: Sequence[str], cells: Sequence[Sequence[str]]) -> Table:
    """Return a table of which each row is a block of lines: what a cell is, and the cell."""
    result = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_header=False)
    left = longest(headers)
    result.add_column(width=left)
    result.add_column(width=max(out.width - left - BETWEEN - EDGES, LEAST_STACKED), overflow="fold")
    for row in cells:
        for header, cell in zip(headers, row):
            result.add_row(header, excerpt(cell) if header == "text" else cell, end_section=header == headers[-1])
    return result
