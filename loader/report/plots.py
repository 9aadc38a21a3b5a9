"""The report's plots as inline SVG: one restrained style, colours that colour-blind readers can tell apart."""

import io
import re
import warnings
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import matplotlib
import matplotlib.dates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

BLUE, ORANGE, GREY, INK = "#0072b2", "#c75000", "#595959", "#222222"
PAPER, GRID = "#fefefe", "#ececec"
# The page's names for the colours, which differ by the reader's setting.
VARIABLES = {BLUE: "blue", ORANGE: "orange", GREY: "grey", INK: "ink", PAPER: "paper", GRID: "grid"}
DASHED = {"color": ORANGE, "linewidth": 1.2, "linestyle": (0, (4, 3))}
STYLE = {
    "font.size": 10, "axes.titlesize": 10, "axes.labelsize": 10, "xtick.labelsize": 9, "ytick.labelsize": 9,
    "axes.edgecolor": GREY, "xtick.color": GREY, "ytick.color": GREY, "axes.labelcolor": INK, "text.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": GRID,
    "axes.facecolor": "none", "figure.facecolor": "none",
    "grid.linewidth": 0.8, "axes.axisbelow": True, "xtick.major.size": 0, "ytick.major.size": 0,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "svg.fonttype": "none", "text.parse_math": False, "figure.constrained_layout.use": True,
}
LONGEST_LABEL = 26
LONGEST_NAME = 34
LAST_INTERVALS = 2.5
WIDE, HALF = 8.2, 4.6  # inches
COUNTS = FuncFormatter(lambda value, _: f"{value / 1e6:g}M" if value >= 1e6 else f"{value:,.10g}")


@dataclass
class Plot:
    """A drawn figure: SVG text, and what it shows for those who cannot see it; narrow: another SVG, for a phone."""

    svg: str
    alt: str
    is_wide: bool = False
    narrow: str = ""


@dataclass
class Point:
    """A value with the ends of its interval."""

    label: str
    value: float
    low: float
    high: float
    is_ours: bool = True


def printable(text: object) -> str:
    """Return text without control characters, which neither SVG nor HTML can hold."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def short(text: object, longest: int = LONGEST_LABEL) -> str:
    """Return a label that fits beside a plot."""
    text = " ".join(printable(text).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


@contextmanager
def drawing(width: float, height: float, alt: str, name: str):
    """Yield a figure and a list that receives its Plot; ids in the SVG start with the name."""
    plots: list[Plot] = []
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        figure = Figure((width, height))
        yield figure, plots
        buffer = io.StringIO()
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the browser's fonts draw the text
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    opening = r'<svg viewBox="\1" aria-hidden="true" xmlns:xlink="http://www.w3.org/1999/xlink">'
    svg = re.sub(r'<svg [^>]*viewBox="([^"]+)"[^>]*>', opening, svg, count=1)
    svg = re.sub("|".join(VARIABLES), lambda found: f"var(--{VARIABLES[found[0]]})", svg)
    svg = re.sub(r'(?<= id=")|(?<=href="#)|(?<=url\(#)', f"{name}-", svg)
    plots.append(Plot(svg, alt, width > HALF))


def percent_axis(axis, top: float) -> None:
    """Label an axis of rates in percent."""
    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(PercentFormatter(1, decimals=0 if top > 0.04 else 1))


def whiskers(axes: Axes, places: np.ndarray, points: Sequence[Point], is_upright: bool, top: float = np.inf) -> None:
    """Draw each point with its interval: upright along x, otherwise along y; baselines are hollow and grey.

    An arrow at the edge stands for a point beyond the top of the axis.
    """
    for place, point in zip(places, points, strict=True):
        if point.value > top:
            at = (place, 0.985 * top) if is_upright else (0.985 * top, place)
            axes.plot(*at, "^" if is_upright else ">", color=BLUE, markersize=6)
    for ours, colour in ((True, BLUE), (False, GREY)):
        chosen = [n for n, point in enumerate(points) if point.is_ours == ours]
        if not chosen:
            continue
        value, low, high = (np.array([getattr(points[n], name) for n in chosen]) for name in ("value", "low", "high"))
        errors = np.maximum([value - low, high - value], 0)
        look = {"fmt": "o", "color": colour, "markersize": 4.5, "elinewidth": 1.4,
                "markerfacecolor": colour if ours else PAPER}
        if is_upright:
            axes.errorbar(places[chosen], value, yerr=errors, **look)
        else:
            axes.errorbar(value, places[chosen], xerr=errors, **look)


def rates_in_order(points: Sequence[Point], overall: float, top: float, alt: str, name: str) -> Plot:
    """Draw the like rate of ordered groups from left to right; the dashed line is the overall rate."""
    with drawing(HALF, 2.5, alt, name) as (figure, plots):
        axes = figure.subplots()
        places = np.arange(len(points))
        axes.axhline(overall, **DASHED)
        axes.plot(places, [point.value for point in points], color=BLUE, linewidth=0.8, alpha=0.5)
        whiskers(axes, places, points, True, top)
        axes.set_ylim(0, top)
        axes.set_xlim(-0.6, len(points) - 0.4)
        percent_axis(axes.yaxis, top)
        axes.grid(axis="x", visible=False)
        step = 1 if len(points) <= 12 else 2 if len(points) <= 24 else 5
        shown = places[::step] if step < 5 else places[[0, *range(4, len(points), 5)]]
        labels = [short(points[n].label) for n in shown]
        tilt = sum(map(len, labels)) > 55
        axes.set_xticks(shown, labels, **({"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if tilt else {}))
    return plots[0]


def rates_by_category(
    points: Sequence[Point], views: Sequence[int], overall: float, top: float, alt: str, name: str
) -> Plot:
    """Draw the like rate of categories from top to bottom, the number of views at the right."""
    with drawing(HALF, 0.62 + 0.235 * max(len(points), 2), alt, name) as (figure, plots):
        axes = figure.subplots()
        places = np.arange(len(points))
        axes.axvline(overall, **DASHED)
        whiskers(axes, places, points, False, top)
        axes.set_xlim(0, top)
        axes.set_ylim(max(len(points), 2) - 0.4, -0.6)
        percent_axis(axes.xaxis, top)
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
        axes.set_yticks(places, [short(point.label) for point in points])
        right = axes.secondary_yaxis("right")
        right.set_yticks(places, [f"{count:,}" for count in views], color=GREY)
        right.spines["right"].set_visible(False)
        above = {"xycoords": "axes fraction", "textcoords": "offset points", "xytext": (3, 3)}
        axes.annotate("views", (1, 1), color=GREY, fontsize=9, **above)
    return plots[0]


def last_shown(values: np.ndarray, counts: np.ndarray) -> int:
    """Return where a histogram of such values ends: at the greatest, or at 99.5% of the cases if that is far below."""
    nearly_all = values[np.searchsorted(np.cumsum(counts), 0.995 * counts.sum())]
    return values.max() if values.max() <= 2 * nearly_all else nearly_all


def histogram(
    values: np.ndarray, counts: np.ndarray, label: str, alt: str, name: str, is_log: bool = False, counted: str = "",
) -> Plot:
    """Draw how often whole numbers up to last_shown() occur, in at most 40 bins; the line marks the median.

    label, counted: of what the numbers are, and of what there are so many.
    """
    low = max(values.min(), 1) if is_log else values.min()
    high = max(values.max() if is_log else last_shown(values, counts), low + 1)
    if is_log:
        edges = np.geomspace(low, high + 1, 41)
    else:
        edges = np.arange(low, high + 2, max(1, np.ceil((high - low + 1) / 40))) - 0.5
        edges = np.r_[edges, edges[-1] + edges[1] - edges[0]] if edges[-1] < high else edges
    heights, _ = np.histogram(values, edges, weights=counts)
    with drawing(HALF, 2.1, alt, name) as (figure, plots):
        axes = figure.subplots()
        axes.bar(edges[:-1], heights, np.diff(edges), align="edge", color=BLUE, edgecolor=PAPER, linewidth=0.5)
        axes.axvline(values[np.searchsorted(np.cumsum(counts), counts.sum() / 2)], **DASHED)
        axes.set_xlabel(short(label, 44))
        axes.set_ylabel(counted)
        axes.grid(axis="x", visible=False)
        if is_log:
            axes.set_xscale("log")
        axes.xaxis.set_major_formatter(COUNTS)
        axes.yaxis.set_major_formatter(COUNTS)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    return plots[0]


def bars(
    labels: Sequence[str], values: Sequence[float], alt: str, name: str, colours: Sequence[str] | str = BLUE,
    form: str = "{:,.0f}",
) -> Plot:
    """Draw one horizontal bar per label, its value at its end."""
    with drawing(HALF, 0.3 + 0.225 * max(len(labels), 4), alt, name) as (figure, plots):
        axes = figure.subplots()
        places = np.arange(len(labels))
        drawn = axes.barh(places, values, 0.7, color=colours)
        axes.bar_label(drawn, [form.format(value) for value in values], padding=3, color=GREY, fontsize=9)
        axes.set_yticks(places, [short(label, LONGEST_NAME) for label in labels])
        axes.set_ylim(max(len(labels), 4) - 0.4, -0.6)
        axes.set_xlim(0, 1.15 * max(max(values, default=0), 1e-9))
        axes.set_xticks([])
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.grid(visible=False)
    return plots[0]


def in_two_widths(draw: Callable[..., Plot]) -> Callable[..., Plot]:
    """Return what draws a wide figure and, beside it, the same for a phone; draw(..., name, width) draws one."""

    def both(*arguments, name: str, **named) -> Plot:
        plot = draw(*arguments, **named, name=name, width=WIDE)
        plot.narrow = draw(*arguments, **named, name=f"{name}-narrow", width=HALF).svg
        return plot

    return both


@in_two_widths
def series(
    days: Sequence, views: Sequence[int], rates: Sequence[float], overall: float, alt: str, name: str, width: float
) -> Plot:
    """Draw views and like rate by day, one above the other."""
    with drawing(width, 3.2, alt, name) as (figure, plots):
        upper, lower = figure.subplots(2, 1, sharex=True)
        upper.bar(days, views, 0.9, color=BLUE)
        upper.set_ylabel("views a day")
        upper.yaxis.set_major_formatter(COUNTS)
        upper.yaxis.set_major_locator(MaxNLocator(4))
        lower.axhline(overall, **DASHED)
        lower.plot(days, rates, color=BLUE, linewidth=1.2, marker="o", markersize=2.5)
        lower.set_ylabel("like rate")
        lower.set_ylim(0, None)
        percent_axis(lower.yaxis, 1)
        for axes in (upper, lower):
            axes.grid(axis="x", visible=False)
            axes.set_xlim(days[0] - timedelta(days=1), days[-1] + timedelta(days=1))
            locator = matplotlib.dates.AutoDateLocator(minticks=3, maxticks=9 if width == WIDE else 5)
            axes.xaxis.set_major_locator(locator)
            axes.xaxis.set_major_formatter(matplotlib.dates.ConciseDateFormatter(locator))
    return plots[0]


def comparison(points: Sequence[Point], label: str, alt: str, name: str) -> Plot:
    """Draw values with intervals from top to bottom; baselines are hollow."""
    with drawing(HALF, 0.75 + 0.26 * max(len(points), 3), alt, name) as (figure, plots):
        axes = figure.subplots()
        places = np.arange(len(points))
        whiskers(axes, places, points, False)
        axes.set_yticks(places, [short(point.label) for point in points])
        axes.set_ylim(max(len(points), 3) - 0.4, -0.6)
        axes.set_xlabel(short(label, 44))
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(4))
    return plots[0]


def calibration(predicted: Sequence[float], points: Sequence[Point], alt: str, name: str) -> Plot:
    """Draw observed against predicted like rates; on the dashed line they agree."""
    with drawing(HALF, 3.4, alt, name) as (figure, plots):
        axes = figure.subplots()
        ends = [*predicted, *(point.value for point in points)]
        room = 0.15 * (max(ends) - min(ends)) + 0.003
        low, high = max(min(ends) - room, 0), max(ends) + room
        axes.plot([low, high], [low, high], **DASHED)
        whiskers(axes, np.array(predicted), points, True)
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        axes.set_xlabel("predicted like rate")
        axes.set_ylabel("observed like rate")
        percent_axis(axes.xaxis, high - low)
        percent_axis(axes.yaxis, high - low)
    return plots[0]


@in_two_widths
def lift_by_day(
    days: Sequence, lifts: Sequence[float], lows: Sequence[float], highs: Sequence[float], alt: str, name: str,
    width: float,
) -> Plot:
    """Draw a cumulative lift by day with its interval as a band; the dashed line is no difference.

    Early days that are LAST_INTERVALS times as far off as the last interval go beyond the edges.
    """
    with drawing(width, 2.7, alt, name) as (figure, plots):
        axes = figure.subplots()
        axes.axhline(0, **DASHED)
        axes.fill_between(days, lows, highs, color=BLUE, alpha=0.18, linewidth=0)
        axes.plot(days, lifts, color=BLUE, linewidth=1.4, marker="o", markersize=3)
        widest = max(abs(value) for value in (*lows, *highs, *lifts))
        room = 1.1 * min(widest, LAST_INTERVALS * max(abs(value) for value in (lows[-1], highs[-1])))
        axes.set_ylim(-room, room)
        axes.set_ylabel("lift")
        percent_axis(axes.yaxis, room)
        axes.grid(axis="x", visible=False)
        most = 10 if width == WIDE else 5
        axes.set_xticks(days if len(days) <= most else days[:: -(-len(days) // most)])
        axes.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%-d %b"))
    return plots[0]
