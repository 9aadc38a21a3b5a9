"""README and docs/: their code blocks, and which tests run them.

A block without a mark is run: SQL, shell and Python by tests/db/test_pages.py, in the order of the page, on a copy of a
small network; the blocks of CLIENT_PAGES by tests/clients. A block `text` is the output of the block before it. A
comment `<!-- not run: REASON -->` on the line above a block excludes it.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
CLIENT_PAGES = tuple(DOCS / "how-to" / f"{name}.md" for name in (
    "call-from-your-language", "serve-over-http", "attach-django-models", "attach-rails-models",
))
BLOCK = re.compile(r"^(?P<above>[^\n]*)\n```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
MARK = re.compile(r"<!-- not run: (.+) -->$")
RULE = re.compile(r"[-─━+=]{3,}")
NUMBER = re.compile(r"-?\d[\d.,:]*")


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


def shape(text: str) -> list[str]:
    """Return an output's lines with 9 for every number, without rules and lines of texts, which are cut with ..."""
    lines = (RULE.sub(" ", line.replace("|", " ")) for line in text.splitlines() if "..." not in line
             and "…" not in line)
    return [line for line in (" ".join(NUMBER.sub("9", line).split()) for line in lines) if line]
