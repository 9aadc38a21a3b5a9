"""README and docs/: their code blocks, and which tests run them.

A block without a mark is run: SQL and shell by tests/db/test_pages.py, in the order of the page, on a copy of a small network;
the blocks of CLIENT_PAGES by tests/clients/test_pages.py. A block `text` is the output of the block before it. A comment
`<!-- not run: REASON -->` on the line above a block excludes it.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
CLIENT_PAGES = (DOCS / "how-to" / "call-from-your-language.md", DOCS / "how-to" / "serve-over-http.md")
BLOCK = re.compile(r"^(?P<above>[^\n]*)\n```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
MARK = re.compile(r"<!-- not run: (.+) -->$")
RULE = re.compile(r"[-─━+=]{3,}")


@dataclass(frozen=True)
class Block:
    """One code block; reason: why it is not run."""

    page: Path
    line: int
    language: str
    text: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Return README and all pages of docs/."""
    return [README, *sorted(DOCS.rglob("*.md"))]


@cache
def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in BLOCK.finditer(text):
        mark = MARK.match(match["above"])
        line = text.count("\n", 0, match.start("language")) + 1
        found.append(Block(page, line, match["language"], match["text"], mark[1] if mark else None))
    return found


def lines_without_figures(text: str) -> list[str]:
    """Return the lines of an output that do not depend on data: headers, and headings up to their rule."""
    lines = (" ".join(RULE.sub(" ", line.replace("|", " ")).split()) for line in text.splitlines())
    return [line for line in lines if line and not re.search(r"\d[\d.,:]|\.\.\.|…", line)]
