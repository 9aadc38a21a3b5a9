"""What every object of the schema should be: owner, rights, comment, settings, body, as the revisions' script says."""

import functools
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from alembic import command
from alembic.config import Config

from migrations import objects as texts

TOKEN = re.compile(
    r"--[^\n]*|'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$|begin atomic.*?\nend(?=;)|(?:(?!begin atomic)[^;'$-])+|.", re.DOTALL
)
KIND = r"(table|view|materialized view|function|procedure|type|schema|column)"
OWNS = re.compile(rf"alter {KIND} (\S+?(?:\(.*\))?)\s+owner to (\w+)", re.DOTALL)
COMMENTS = re.compile(rf"comment on {KIND} (\S+?(?:\(.*\))?) is\s+'(.*)'", re.DOTALL)
GRANTS = re.compile(rf"grant ([a-z, ]+?)(?: \(([\w, ]+)\))? on (?:{KIND} )?(.+?)\s+to ([\w,\s]+)", re.DOTALL)
REVOKES = re.compile(rf"revoke ([a-z, ]+?)(?: \(([\w, ]+)\))? on (?:{KIND} )?(.+?)\s+from ([\w,\s]+)", re.DOTALL)
DROPS = re.compile(
    r"drop (?:table|view|materialized view|function|procedure|type)(?: if exists)? (.+?)(?: cascade)?", re.DOTALL
)
NAME = re.compile(r"[\w.]+(?:\([^)]*\))?")
NEXT_LITERAL = re.compile(r"'\s*\n\s*'")
SETTING = re.compile(r"^set ([\w.]+) = (.+)$", re.MULTILINE)
TYPE_NAMES = {"timestamptz": "timestamp with time zone"}


@dataclass
class Wanted:
    """One object as the revisions leave it, with the statements that state its owner, comment and rights."""

    kind: str
    name: str
    owner: str | None = None
    comment: str | None = None
    rights: set[str] = field(default_factory=set)
    statements: list[str] = field(default_factory=list)
    pin: str | None = None
    options: list[str] | None = None
    body: str | None = None
    settings: set[str] = field(default_factory=set)


def plain_name(name: str) -> str:
    """Return an object's name as a person says it."""
    return name.partition("(")[0].removeprefix("pgfeed.")


def statements(script: str) -> Iterator[str]:
    """Yield the statements of a script without comments; a body counts as one word."""
    words: list[str] = []
    for token in TOKEN.finditer(script):
        if token[0] == ";":
            yield "".join(words).strip()
            words = []
        elif not token[0].startswith("--"):
            words.append(token[0])


def script() -> str:
    """Return what makes the whole schema: the revisions' script, and the materialized views, which it has in blocks."""
    buffer = io.StringIO()
    command.upgrade(Config(str(texts.ROOT / "alembic.ini"), output_buffer=buffer), "head", sql=True)
    return "\n".join(
        [
            buffer.getvalue(),
            *(
                texts.resolve(*pin)
                for pin in texts.pins().items()
                if pin[0].startswith("matviews/") and is_here(pin[0])
            ),
        ]
    )


def is_here(pin: str) -> bool:
    return (texts.ROOT / f"sql/{pin}.sql").exists()


def canonical(name: str) -> str:
    """Return a name as FOUND gives it."""
    for short, long in TYPE_NAMES.items():
        name = re.sub(rf"\b{short}\b", long, name)
    return " ".join(name.split()).replace("( ", "(").replace(" )", ")").replace("pg_catalog.", "")


@functools.cache
def wanted(schema: str) -> dict[str, Wanted]:
    """Return all objects by their names as the revisions leave them, with pgvector in this schema."""
    things: dict[str, Wanted] = {}
    for statement in statements(texts.placed(script(), schema)):
        note(statement, things)
    things = {
        name: thing for name, thing in things.items() if name.startswith("pgfeed.") or name in ("pgfeed", schema)
    }
    by_name = {plain_name(name) + ("__anyelement" * ("anyelement" in name)): thing for name, thing in things.items()}
    for pin, digest in texts.pins().items():
        if is_here(pin) and (thing := by_name.get(pin.partition("/")[2])):
            thing.pin = pin
            read_code(thing, texts.placed(texts.resolve(pin, digest), schema))
    return things


def note(statement: str, things: dict[str, Wanted]) -> None:
    """Add what a statement says about owner, comment or rights."""

    def thing(kind: str, name: str) -> Wanted:
        name = canonical(name)
        known = things.setdefault(name, Wanted(kind, name))
        known.kind = kind if known.kind == "table" else known.kind
        known.statements.append(statement)
        return known

    if match := DROPS.fullmatch(statement):
        for name in NAME.findall(match[1]):
            things.pop(canonical(name), None)
    elif match := OWNS.fullmatch(statement):
        thing(match[1], match[2]).owner = match[3]
    elif match := COMMENTS.fullmatch(statement):
        if match[1] != "column":
            thing(match[1], match[2]).comment = NEXT_LITERAL.sub("", match[3]).replace("''", "'")
    elif match := GRANTS.fullmatch(statement):
        for name in NAME.findall(match[4]):
            thing(match[3] or "table", name).rights |= rights(match)
    elif (match := REVOKES.fullmatch(statement)) and match[1] != "all":
        for name in NAME.findall(match[4]):
            thing(match[3] or "table", name).rights -= rights(match)


def rights(match: re.Match[str]) -> set[str]:
    """Return what a grant or revoke names: roles, privileges, columns."""
    privileges, columns, _, _, roles = match.groups()
    return {
        " ".join(filter(None, [role, privilege, column]))
        for role in NAME.findall(roles)
        for privilege in privileges.split(", ")
        for column in (columns.split(", ") if columns else [None])
    }


def read_code(thing: Wanted, text: str) -> None:
    """Take language, settings and body from the text of a function or procedure."""
    head, mark, rest = text.partition("\nas $$")
    if thing.kind not in ("function", "procedure"):
        return
    head = head if mark else text.partition("\nbegin atomic")[0]
    thing.settings = {f"{name.lower()}={value.strip(chr(39))}" for name, value in SETTING.findall(head)}
    language = re.search(r"^language (\w+)", head, re.MULTILINE)
    volatility = re.search(r"\b(immutable|stable)\b", head)
    parallel = re.search(r"\bparallel (safe|restricted)\b", head)
    thing.options = [
        language[1] if language else "sql", volatility[1] if volatility else "volatile",
        "security definer" if "security definer" in head else "security invoker",
        "strict" if re.search(r"\bstrict\b", head) else "not strict",
        f"parallel {parallel[1] if parallel else 'unsafe'}",
    ]  # fmt: skip
    thing.body = rest.partition("\n$$;")[0] + "\n" if mark else None
