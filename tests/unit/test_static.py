"""What can be said of the code without running it: lint, types, dead code, SQL that parses, safe migrations."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pglast
import pytest
from pglast.visitors import Visitor

from migrations.objects import ARCHIVE, ROOT, compose

SCRIPTS = Path(sys.executable).parent
OFFLINE = [sys.executable, "-m", "alembic"]
# By Alembic, psycopg2, numpy, io, pydantic, CatBoost, importlib; by SQL.
USED_BY_OTHERS = [
    "upgrade", "downgrade", "revision", "down_revision", "autocommit", "writeable", "readable", "recommendations",
    "id", "__instancecheck__", "__call__", "__getattr__", "sparse",
    "find_spec", "get_source", "exec_module", "advantage",
    *{name for path in (ROOT / "sql").rglob("*.sql")
      for name in re.findall(r"^(?:return|if not SD:.*\n) +(\w+)\(", path.read_text(), re.MULTILINE)},
]
# In a transaction of its own, with a lock_timeout (migrations/env.py), and on tables that the same revision makes;
# functions and views are dropped where their signature changes.
NOT_HERE = [
    "ban-drop-function", "ban-drop-view", "prefer-bigint-over-int", "prefer-bigint-over-smallint",
    "prefer-robust-stmts",
    "prefer-text-field", "require-concurrent-index-creation", "require-lock-timeout", "require-statement-timeout",
]
CHECKS = {
    "lint": [SCRIPTS / "ruff", "check", "--quiet", "."],
    "types": [SCRIPTS / "mypy", "--no-error-summary"],
    "dead code": [
        SCRIPTS / "vulture", "loader", "plpy", "migrations", "--ignore-decorators",
        "@main.*,@experiment_group.*,@feed_group.*,@model_group.*,@app.*",
        "--ignore-names", ",".join(USED_BY_OTHERS),
    ],
}


def output_of(*command: str | Path) -> str:
    """Run a command in the checkout; return what it prints, which is to fail the test if it ends with an error."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Refused(Visitor):
    """Collects what no statement of ours may say."""

    def __init__(self):
        self.found = []

    def visit_A_Star(self, ancestors, node):
        self.found.append("select *")

    def visit_DropStmt(self, ancestors, node):
        if node.behavior == pglast.enums.DropBehavior.DROP_CASCADE:
            self.found.append("drop ... cascade")


@pytest.fixture(scope="module")
def migration() -> str:
    """The SQL of all revisions from nothing to head."""
    return output_of(*OFFLINE, "upgrade", "head", "--sql")


@pytest.mark.parametrize("check", CHECKS)
def test_nothing_is_found(check):
    output_of(*CHECKS[check])


def test_scripts_are_clean():
    if shutil.which("shellcheck") is None:
        pytest.skip("there is no shellcheck here")
    output_of("shellcheck", "run", ".ci/run")


def test_all_sql_parses_and_has_neither_star_nor_cascade(migration):
    texts = {str(path): compose(str(path.relative_to(ROOT / "sql").with_suffix("")))
             for path in (ROOT / "sql").rglob("*/*.sql")}
    texts |= {str(path): path.read_text(encoding="utf-8") for path in ARCHIVE.glob("*.sql")}
    texts |= {"upgrade": migration, "downgrade": output_of(*OFFLINE, "downgrade", "head:base", "--sql")}
    for name, text in texts.items():
        refused = Refused()
        refused(pglast.parse_sql(text))
        assert refused.found == [], name


def test_no_empty_list_of_columns_is_asked_of_tables_that_citus_spreads():
    """It fails there: a column definition list is required for functions returning "record"."""
    spread = re.findall(r"create_distributed_table\('pgfeed\.(\w+)'", (ROOT / "sql/citus.sql").read_text("utf-8"))
    assert "feed_events" in spread
    empty = re.compile(rf"exists\s*\(\s*select\s+from\s+pgfeed\.({'|'.join([*spread, 'impressions', 'likes', '%'])})")
    assert [str(path) for path in (ROOT / "sql").rglob("*.sql") if empty.search(path.read_text("utf-8"))] == []


# What begins like a statement, or compares a text with a pattern.
STATEMENT = re.compile(
    r"\s*(alter|call|copy|create|delete|insert|merge|select|set|update|values|with)\b|.* (!?~\*?|like) '"
)
QUOTED = re.compile(
    r"--[^\n]*|/\*.*?\*/"
    r"|(?<!\w)e'(?:[^'\\]|''|\\.)*'(?:\s*\n\s*'(?:[^'\\]|''|\\.)*')*"
    r"|(?P<literal>'(?:[^']|'')*')"
    r"|(?P<tag>\$\w*\$)(?P<body>.*?)(?P=tag)",
    re.DOTALL | re.IGNORECASE,
)


def plain_backslashes(text: str) -> list[str]:
    """Return the literals of an SQL text, and of the bodies in it, that have a backslash and are no E'' strings.

    What they say depends on standard_conforming_strings.
    """
    found = []
    for part in QUOTED.finditer(text):
        if part["body"]:
            found += plain_backslashes(part["body"])
        elif "\\" in (part["literal"] or ""):
            found.append(part["literal"])
    return found


@pytest.mark.parametrize(("text", "count"), [
    ("select 'a' ~ 'b\\d', '\\'", 2), ("select E'a\\n'\n    'b\\n', e'\\\\'", 0), ("-- it's\n/* \\' */ select ''", 0),
    ("do $$ begin if a ~ '\\w' then raise 'no'; end if; end $$", 1), ("select 'it''s \\w'", 1),
    ("select $x$\\w$x$", 0), ("as $a$ execute $b$ select '\\w' $b$ $a$", 1),
])  # fmt: skip
def test_literals_with_a_backslash_are_found(text, count):
    assert len(plain_backslashes(text)) == count


def test_no_literal_of_ours_depends_on_standard_conforming_strings():
    texts = {str(path): compose(str(path.relative_to(ROOT / "sql").with_suffix("")))
             for path in (ROOT / "sql").rglob("*/*.sql")}
    texts = {name: text for name, text in texts.items() if "plpython3u" not in text}
    texts |= {str(path): path.read_text("utf-8") for path in (ROOT / "sql").glob("*.sql") if path.name != "citus.sql"}
    texts |= {str(path): path.read_text("utf-8") for path in (ROOT / "migrations/baseline").rglob("*.sql")}
    modules = [path for folder in ("loader", "plpy", "migrations/versions") for path in (ROOT / folder).rglob("*.py")]
    for path in modules:
        statements = [node.value for node in ast.walk(ast.parse(path.read_text("utf-8")))
                      if isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.match(node.value)]
        texts[str(path)] = ";\n".join(statements)
    assert [(name, literal) for name, text in texts.items() for literal in plain_backslashes(text)] == []


def test_migrations_are_safe_on_a_live_database(migration, tmp_path):
    path = tmp_path / "upgrade.sql"
    # Bodies of functions migrate nothing.
    path.write_text(re.sub(r"\$(\w*)\$.*?\$\1\$", "''", migration, flags=re.DOTALL), encoding="utf-8")
    output_of(SCRIPTS / "squawk", "--pg-version", "15", "--exclude", ",".join(NOT_HERE), path)
