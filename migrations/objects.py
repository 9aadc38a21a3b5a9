"""Definitions under sql/ as revisions see them: pinned by the digest of their text.

A revision says `install("functions/recommend_posts", "3631372035c9")`. The digest is found in the
current file under sql/, else in migrations/archive; otherwise the pin is broken.
To change an object, edit its file and run `python -m migrations.objects pin functions/NAME`.
"""

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ARCHIVE = ROOT / "migrations" / "archive"
VERSIONS = ROOT / "migrations" / "versions"
INCLUDE = re.compile(r"^--!include (plpy/\w+\.py)$", re.MULTILINE)
OWN_IMPORT = re.compile(r"^from plpy\.\w+ import (?:\([^)]*\)|.*)\n", re.MULTILINE)
PIN = re.compile(r"install\(\s*\"([a-z_/]+)\",\s*\"([0-9a-f]{12})\"\s*\)")


class PinError(Exception):
    """A revision names a text that is neither current nor archived."""


def compose(name: str, read: Callable[[str], str] | None = None) -> str:
    """Return the text of sql/NAME.sql with its plpy modules put in.

    Imports between plpy modules are left out: in a function body they stand in one text.
    """
    read = read or (lambda path: (ROOT / path).read_text(encoding="utf-8"))
    return INCLUDE.sub(lambda found: OWN_IMPORT.sub("", read(found[1])).strip("\n"), read(f"sql/{name}.sql"))


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


def execute(sql: str) -> None:
    """Run SQL as it stands: no binds, no placeholders, no changed tabs."""
    from alembic import context, op

    if context.is_offline_mode():
        context.get_context().impl.static_output(sql.rstrip().rstrip(";") + ";\n")
    else:
        op.get_bind().exec_driver_sql(sql, execution_options={"no_parameters": True})


def install(name: str, pin: str) -> None:
    """Create or replace one object from the pinned text.

    On Citus, which refuses to replace some of them everywhere, what is in Python is replaced on the coordinator only:
    it runs nowhere else.
    """
    text = resolve(name, pin)
    if "language plpython3u" in text and is_on_citus():
        text = f"set local citus.enable_ddl_propagation = off;\n{text}\nset local citus.enable_ddl_propagation = on;"
    execute(text)


def is_on_citus() -> bool:
    """Return whether the database that is migrated has the extension citus."""
    from alembic import context, op

    if context.is_offline_mode():
        return False
    found = op.get_bind().exec_driver_sql("select exists (select from pg_extension where extname = 'citus')")
    return bool(found.scalar())


def pins() -> dict[str, str]:
    """Return the digest that the newest revision installs, by object name."""
    upgrades = (path.read_text(encoding="utf-8").split("def downgrade")[0] for path in sorted(VERSIONS.glob("*.py")))
    return {name: pin for upgrade in upgrades for name, pin in PIN.findall(upgrade)}


def pin(name: str) -> Path:
    """Archive the committed text of NAME and start a revision that installs the current one."""
    show = ["git", "-C", str(ROOT), "show"]
    old = compose(name, lambda path: subprocess.check_output([*show, f"HEAD:{path}"], text=True))
    new = digest(compose(name))
    if digest(old) != pins().get(name):
        raise PinError(f"the committed sql/{name}.sql is not what the newest revision installs. Next: git log sql/{name}.sql")
    if digest(old) == new:
        raise PinError(f"sql/{name}.sql has not changed. Next: edit it, then pin it")
    archived(name, digest(old)).write_text(old, encoding="utf-8")
    number = max(int(path.name[:4]) for path in VERSIONS.glob("[0-9]*.py")) + 1
    path = VERSIONS / f"{number:04d}_change_{name.split('/')[-1]}.py"
    path.write_text(
        f'"""Change {name}."""\n\nfrom migrations.objects import install\n\n'
        f'revision = "{number:04d}"\ndown_revision = "{number - 1:04d}"\n\n\n'
        f'def upgrade() -> None:\n    install("{name}", "{new}")\n\n\n'
        f'def downgrade() -> None:\n    install("{name}", "{digest(old)}")\n'
    )
    return path


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "pin":
        sys.exit("usage: python -m migrations.objects pin functions/recommend_posts")
    try:
        print(pin(sys.argv[2]).relative_to(ROOT))
    except (PinError, OSError, subprocess.CalledProcessError) as problem:
        sys.exit(f"error: {problem}")
