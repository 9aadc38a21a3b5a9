"""The report's HTML: one self-contained page, and the pieces that its sections are made of."""

import html
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from string import Template

from loader.report.plots import Plot, printable
from loader.server.remedies import program

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>$title</title>
<style>
:root { color-scheme: light dark; --paper: #fefefe; --ink: #222222; --soft: #555; --grey: #595959; --grid: #ececec;
  --line: #ccc; --blue: #0072b2; --orange: #c75000; --link: #00558c; --box: #f3f6f9; --ok: #00664b; --look: #a84300;
  --shade: #0004; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181c; --ink: #e4e7ea; --soft: #aab2bb; --grey: #a3abb4; --grid: #2a2f36; --line: #444c55;
    --blue: #58b0ea; --orange: #ff9d55; --link: #86c5f4; --box: #20262d; --ok: #63cf9f; --look: #ffb27a;
    --shade: #fff4; }
}
body { max-width: 900px; margin: 2rem auto; padding: 0 1.2rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.7rem; margin-bottom: 0; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .4rem; padding-top: .6rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; }
p { margin: .5rem 0; max-width: 46rem; }
.note, figcaption { color: var(--soft); font-size: .85rem; }
code { font: .9em ui-monospace, Menlo, Consolas, monospace; background: var(--box); padding: 0 .25em;
  border-radius: 3px; }
a, summary { color: var(--link); }
nav { columns: 2; font-size: .95rem; margin: 1rem 0; }
nav a { display: block; }
.summary { border-left: 4px solid var(--blue); padding: .1rem 1rem; background: var(--box); }
.scroll { overflow-x: auto; background:
  linear-gradient(to right, var(--paper) 40%, transparent) left / 3rem 100% local,
  linear-gradient(to left, var(--paper) 40%, transparent) right / 3rem 100% local,
  linear-gradient(to right, var(--shade), transparent) left / 1rem 100% scroll,
  linear-gradient(to left, var(--shade), transparent) right / 1rem 100% scroll; background-repeat: no-repeat; }
table { border-collapse: collapse; font-size: .85rem; margin: .6rem 0; }
th, td { text-align: left; vertical-align: top; padding: .18rem .9rem .18rem 0; border-bottom: 1px solid var(--grid);
  overflow-wrap: break-word; }
th { border-bottom: 1px solid var(--grey); white-space: nowrap; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.checks { width: 100%; }
.checks td:first-child { width: 3rem; }
.checks td:nth-child(2) { width: 7rem; }
.checks td:nth-child(3) { width: 35%; }
.strength td:last-child { white-space: nowrap; }
.ok { color: var(--ok); }
.look { color: var(--paper); background: var(--look); padding: 0 .45em; border-radius: 3px; font-weight: 600; }
.plots { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.3rem 1.6rem; margin: 1rem 0;
  align-items: start; }
figure { margin: 0; break-inside: avoid; }
figure.half { max-width: 30rem; }
figure.wide { grid-column: 1 / -1; margin-top: 1rem; }
figure.missing { border: 1px dashed var(--line); padding: .5rem .8rem; font-size: .9rem; }
figure > strong { font-size: .95rem; }
figure svg { display: block; width: 100%; height: auto; margin-top: .2rem; }
svg text { font-family: system-ui, "Segoe UI", Roboto, Arial, sans-serif !important; }
details { font-size: .85rem; margin-top: .2rem; }
summary { cursor: pointer; }
dt { font-weight: 600; margin-top: .6rem; }
dd { margin: 0; max-width: 46rem; }
.narrow { display: none; }
@media (max-width: 640px) { .broad { display: none; } .narrow { display: block; }
  .plots { grid-template-columns: minmax(0, 1fr); } nav { columns: 1; }
  .many thead { display: none; } .many, .many tbody, .many tr { display: block; }
  .many tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  .many td, .many td.number { display: flow-root; border: 0; padding: .05rem 0 .05rem 8.5rem; text-align: left;
    width: auto !important; white-space: normal; }
  .many td::before { content: attr(data-label); float: left; margin-left: -8.5rem; width: 8rem; color: var(--soft); }
  .many td:empty { display: none; } }
@media print { :root { --paper: #fff; --ink: #000; }
  body { max-width: none; margin: 0; font-size: 10pt; } nav, details { display: none; }
  h2, h3 { break-after: avoid; } tr { break-inside: avoid; } .look { color: #000; border: 1px solid #000; } }
</style>
</head>
<body>
<main>
<h1>$title</h1>
<p class="note">$subtitle</p>
<div class="summary">
$summary
</div>
<nav aria-label="Contents">
$contents
</nav>
$sections
</main>
</body>
</html>
""")


FEW_COLUMNS = 3


class Html(str):
    """Text that is HTML already."""


def text(value: object) -> str:
    """Return plain text as HTML, for elements and attributes."""
    return value if isinstance(value, Html) else html.escape(printable(value))


def sentence(value: str) -> str:
    """Return a sentence as HTML; a command in backticks is shown as code."""
    return re.sub(r"`pgfeed ([^`]+)`", rf"<code>{program()} \1</code>", text(value))


def paragraph(value: str, kind: str = "body") -> str:
    return f'<p class="{kind}">{sentence(value)}</p>'


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], numeric: Sequence[str] = (), kind: str = "") -> str:
    """Return a table; columns named in `numeric` are right-aligned. On a phone the rows of a wide one are blocks."""
    kinds = [' class="number"' if header in numeric else "" for header in headers]
    is_many = len(headers) > FEW_COLUMNS

    def line(tag: str, cells: Sequence[object]) -> str:
        labels = [f' data-label="{text(header)}"' if is_many and tag == "td" else "" for header in headers]
        opened = zip(kinds, labels, cells, strict=True)
        return "<tr>" + "".join(f"<{tag}{kind}{of}>{text(cell)}</{tag}>" for kind, of, cell in opened) + "</tr>"

    body = "\n".join(line("td", row) for row in rows)
    return (
        f'<div class="scroll" tabindex="0"><table class="{kind or "plain"}{" many" * is_many}">'
        f'<thead>{line("th", headers)}</thead>'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def figure(title: str, plot: Plot, caption: str, numbers: str = "") -> str:
    """Return a figure with its title above and its caption below; numbers: a table that can be opened."""
    opened = numbers and folded("numbers", numbers)
    return (
        f'<figure class="{"wide" if plot.is_wide else "half"}"><strong>{text(title)}</strong>'
        f'<div role="img" aria-label="{text(plot.alt)}">{drawn(plot)}</div>'
        f"<figcaption>{text(caption)}</figcaption>{opened}</figure>"
    )


def drawn(plot: Plot) -> str:
    """Return the drawing of a plot, and beside it that for a phone, if it has one."""
    if not plot.narrow:
        return plot.svg
    return f'<div class="broad">{plot.svg}</div><div class="narrow">{plot.narrow}</div>'


def folded(title: str, content: str) -> str:
    """Return content that is shown when its title is opened."""
    return f"<details><summary>{text(title)}</summary>{content}</details>"


def missing(title: str, why: str) -> str:
    """Return what stands in the place of a figure that cannot be drawn."""
    return f'<figure class="missing"><strong>{text(title)}</strong><br />{sentence(why)}</figure>'


def words(meanings: dict[str, str]) -> str:
    """Return terms with what they mean."""
    pairs = "".join(f"<dt>{text(term)}</dt><dd>{text(meaning)}</dd>" for term, meaning in meanings.items())
    return f"<dl>{pairs}</dl>"


def grid(figures: Iterable[str]) -> str:
    """Return figures side by side, wide ones on a row of their own."""
    return '<div class="plots">\n' + "\n".join(figures) + "\n</div>"


def page(title: str, subtitle: str, summary: Iterable[str], sections: Iterable[tuple[str, str, Iterable[str]]]) -> str:
    """Return the page; sections are anchor, title and pieces."""
    contents, bodies = [], []
    for number, (anchor, name, pieces) in enumerate(sections, 1):
        heading = f"{number}. {text(name)}"
        contents.append(f'<a href="#{anchor}">{heading}</a>')
        bodies.append(f'<section id="{anchor}">\n<h2>{heading}</h2>\n' + "\n".join(pieces) + "\n</section>")
    return PAGE.substitute(
        title=text(title), subtitle=text(subtitle), summary="\n".join(summary), contents="\n".join(contents),
        sections="\n".join(bodies),
    )


# Words and numbers


def percent(rate: float, digits: int = 1) -> str:
    return f"{rate:.{digits}%}"


def interval(low: float, high: float, digits: int = 1) -> str:
    return f"{percent(low, digits)} to {percent(high, digits)}"


def listed(names: Sequence[str]) -> str:
    """Return names as in a sentence."""
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)


def date_of(value: datetime) -> str:
    value = value.astimezone(UTC)
    return f"{value.day} {value:%B %Y}"


def moment(value: datetime | None) -> str:
    return "never" if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def span(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"


def capital(name: str) -> str:
    return name[0].upper() + name[1:]
