"""Definitions under sql/ as revisions see them: pinned by the digest of their text.

A file NAME__anyelement.sql has the overload of NAME for keys of any type.
A revision's PINS say `"functions/recommend_posts": "3631372035c9"`. The digest is found in the
current file under sql/, else in migrations/archive; otherwise the pin is broken.
To change an object, edit its file and run `python -m migrations.objects pin functions/NAME`, or `pin` for
all that changed. It writes into the open revision: the newest one, unless released.txt names it; then a new one.
`release` closes the open revision: from then on its texts are archived when they change.
"""

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = ROOT / "migrations"
ARCHIVE = MIGRATIONS / "archive"
BASELINE = MIGRATIONS / "baseline"
RELEASED = MIGRATIONS / "released.txt"
VERSIONS = MIGRATIONS / "versions"
INCLUDE = re.compile(r"^--!include (plpy/\w+\.py|sql/\w+\.sql)$", re.MULTILINE)
LIBRARY = re.compile(r"^--!library ([\w ./]+)$", re.MULTILINE)
PUBLIC = re.compile(r"\bpublic(?=\.)|(?<=\bschema )public\b")
VECTOR_SCHEMA = "select extnamespace::regnamespace::text from pg_catalog.pg_extension where extname = 'vector'"
PIN = re.compile(r"^    \"((?:functions|procedures|views|matviews)/\w+)\": \"([0-9a-f]{12})\",\n", re.MULTILINE)
KINDS = {"functions": "function", "procedures": "procedure", "views": "view", "matviews": "materialized view"}
SIGNATURE = re.compile(r"^alter (?:\w+ )+(pgfeed\..+?)\s+owner to pgfeed_owner;", re.MULTILINE | re.DOTALL)
REVISION = '''"""{title}."""

from migrations.objects import install, revert

revision = "{number:04d}"
down_revision = "{before:04d}"

PINS = {{
}}


def upgrade() -> None:
    install(PINS)


def downgrade() -> None:
    revert(PINS, revision)
'''


class PinError(Exception):
    """A revision names a text that is neither current nor archived."""


def compose(name: str, read: Callable[[str], str] | None = None) -> str:
    """Return the text of sql/NAME.sql with what it includes put in: as code, or for `--!library` as strings by name."""
    read = read or (lambda path: (ROOT / path).read_text(encoding="utf-8"))

    def included(path: str) -> str:
        return INCLUDE.sub(lambda found: included(found[1]).strip("\n"), read(path))

    text = included(f"sql/{name}.sql")
    return LIBRARY.sub(lambda found: "\n".join(as_string(module, read) for module in found[1].split()), text)


def as_string(name: str, read: Callable[[str], str]) -> str:
    """Return a line of a Python dictionary: a module of plpy, or a file by its path, and its text."""
    path = name if "/" in name else f"plpy/{name}.py"
    text = read(path)
    if "'''" in text:
        raise PinError(f"{path} has ''', which ends its string in the library. Next: write \"\"\"")
    return f'"{name}": r\'\'\'{text}\'\'\','


def digest(text: str) -> str:
    """Return the first 12 hexadecimal digits of the text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def archived(name: str, pin: str) -> Path:
    """Return where the text of NAME with this digest is, or would be, archived."""
    return ARCHIVE / f"{name.replace('/', '.')}@{pin}.sql"


def resolve(name: str, pin: str) -> str:
    """Return the text of NAME that has this digest; PinError if there is none."""
    current = ROOT / f"sql/{name}.sql"
    if current.exists() and digest(text := compose(name)) == pin:
        return text
    if archived(name, pin).exists():
        return archived(name, pin).read_text(encoding="utf-8")
    raise PinError(f"sql/{name}.sql changed after {pin} was pinned. Next: python -m migrations.objects pin {name}")


def placed(text: str, schema: str | None) -> str:
    """Return a text for a database that has pgvector in this schema; None: not yet, it will be in public."""
    return text if schema in (None, "public") else PUBLIC.sub(schema, text)


def execute(sql: str) -> None:
    """Run SQL as it stands: no binds, no placeholders, no changed tabs; but with the schema that pgvector is in."""
    from alembic import context, op

    if context.is_offline_mode():
        context.get_context().impl.static_output(sql.rstrip().rstrip(";") + ";\n")
    else:
        bind = op.get_bind()
        schema = bind.exec_driver_sql(VECTOR_SCHEMA).scalar()
        bind.exec_driver_sql(placed(sql, schema), execution_options={"no_parameters": True})


def execute_each(sql: str) -> None:
    """Run the statements of a text; on Citus one by one, as it sends all of the text along with any of them."""
    execute(f"do $each$ begin {sql} end; $each$" if is_on_citus() else sql)


def install(pins: Mapping[str, str]) -> None:
    """Create or replace objects from their pinned texts, in this order.

    A materialized view that is there stays with its rows: a revision that changes one drops it first.
    On Citus, which refuses to replace some of them everywhere, what is in Python is replaced on the coordinator only:
    it runs nowhere else.
    """
    for name, pin in pins.items():
        text = resolve(name, pin)
        if name.startswith("matviews/"):
            relation = f"pgfeed.{name.partition('/')[2]}"
            text = f"do $install$\nbegin\nif to_regclass('{relation}') is null then\n{text}\nend if;\nend;\n$install$"
        if "language plpython3u" in text and is_on_citus():
            setting = "set local citus.enable_ddl_propagation"
            text = f"{setting} = off;\n{text}\n{setting} = on;"
        execute(text)


def revert(names: Iterable[str], revision: str) -> None:
    """Put back what earlier revisions installed under these names; drop, in reverse order, what they did not have."""
    before = pins(until=revision)
    for name in reversed(list(names)):
        if name not in before:
            kind = name.partition("/")[0]
            execute(f"drop {KINDS[kind]} {signature(name)}")
    install({name: before[name] for name in names if name in before})


def signature(name: str) -> str:
    """Return the name of an object with the types of its arguments, as its current text says it."""
    found = SIGNATURE.search(compose(name))
    if not found:
        raise PinError(f"sql/{name}.sql does not say who owns it. Next: alter ... owner to pgfeed_owner")
    return found[1]


def is_on_citus() -> bool:
    """Return whether the database that is migrated has the extension citus."""
    from alembic import context, op

    if context.is_offline_mode():
        return False
    found = op.get_bind().exec_driver_sql("select exists (select from pg_extension where extname = 'citus')")
    return bool(found.scalar())


def revisions() -> list[Path]:
    """Return the files of the revisions, the oldest first."""
    return sorted(VERSIONS.glob("[0-9]*.py"))


def pins(until: str = "9999") -> dict[str, str]:
    """Return the digest that the newest revision before `until` installs, by object name."""
    texts = (path.read_text(encoding="utf-8") for path in revisions() if path.name[:4] < until)
    return {name: pin for text in texts for name, pin in PIN.findall(text)}


def released() -> dict[str, str]:
    """Return the SHA-256 of each file that may never change, by its path below migrations/."""
    lines = (line.split() for line in RELEASED.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {path: sha256 for sha256, path in lines}


def open_revision() -> Path:
    """Return the newest revision if it is not released, else a new one after it."""
    newest = revisions()[-1]
    if f"versions/{newest.name}" not in released():
        return newest
    number = int(newest.name[:4]) + 1
    path = VERSIONS / f"{number:04d}_next.py"
    text = REVISION.format(title="What changes in the next release", number=number, before=number - 1)
    path.write_text(text, encoding="utf-8")
    return path


def changed() -> list[str]:
    """Return the objects under sql/ that no revision installs as they are now."""
    paths = sorted((ROOT / "sql").glob("*/*.sql"))
    names = (path.relative_to(ROOT / "sql").with_suffix("").as_posix() for path in paths)
    now = pins()
    return [name for name in names if now.get(name) != digest(compose(name))]


def pin(name: str) -> Path:
    """Let the open revision install the current text of NAME; archive the text of a release that it replaces."""
    new, old = digest(compose(name)), pins().get(name)
    if new == old:
        others = ", ".join(changed()) or "nothing"
        raise PinError(f"{name} has not changed, {others} has. Next: python -m migrations.objects pin")
    path = open_revision()
    if old and old == pins(until=path.name[:4]).get(name):
        archive(name, old)
    line, text = f'    "{name}": "{new}",\n', path.read_text(encoding="utf-8")
    if f'    "{name}": "' in text:
        text = PIN.sub(lambda found: line if found[1] == name else found[0], text)
    else:
        text = text.replace("\n}\n", f"\n{line}}}\n", 1)
    path.write_text(text, encoding="utf-8")
    return path


def archive(name: str, released_pin: str) -> None:
    """Keep the committed text of NAME, which a release installs."""
    show = ["git", "-C", str(ROOT), "show"]
    text = compose(name, lambda path: subprocess.check_output([*show, f"HEAD:{path}"], text=True))
    if digest(text) != released_pin:
        raise PinError(f"the committed sql/{name}.sql is not the released {released_pin}. Next: git log sql/{name}.sql")
    archived(name, released_pin).write_text(text, encoding="utf-8")


def release(version: str) -> Path:
    """Add the open revision to released.txt: it may not change any more."""
    newest = revisions()[-1]
    if f"versions/{newest.name}" in released():
        raise PinError("no revision is open. Next: tag the release, it needs none")
    sha256 = hashlib.sha256(newest.read_bytes()).hexdigest()
    with RELEASED.open("a", encoding="utf-8") as file:
        file.write(f"# {version}\n{sha256}  versions/{newest.name}\n")
    return newest


def main(words: list[str]) -> None:
    """Pin objects, or release the open revision; print the files that were written."""
    if words[:1] == ["pin"] and len(words) <= 2:
        paths = {pin(name) for name in words[1:] or changed()}
    elif words[:1] == ["release"] and len(words) == 2:
        paths = {release(words[1])}
    else:
        sys.exit("usage: python -m migrations.objects pin [functions/recommend_posts] | release v0.2.0")
    for path in sorted(paths):
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (PinError, OSError, subprocess.CalledProcessError) as problem:
        sys.exit(f"error: {problem}")
