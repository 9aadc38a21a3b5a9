"""Remedies in one language, and how they are typed in a shell.

A remedy says what mends something: in SQL where SQL mends it, else `pgfeed VERB`. It is commands, or prose that may end
with commands after a colon. Statements are separated by "; ", a comment follows them after " -- ":
`alter system set fsync = 'on'; alter system set autovacuum = 'on' -- then restart the server`.
"""

import os
import re
import shlex
import sys
from pathlib import Path

from psycopg2 import ProgrammingError
from psycopg2.extensions import make_dsn, parse_dsn

SQL = re.compile(r"(?:^|(?<=: ))(?=(?:alter|call|create|delete|drop|grant|insert|reindex|rollback|select|table) )")
VERBS = (
    "activate", "attach", "check", "compare", "demo", "detach", "embed", "env", "evaluate", "examples", "experiment",
    "export", "feed", "import", "ingest", "install", "jobs", "migrate", "model", "playground",
    "recommend", "refresh", "report", "reset", "rollback", "serve-http", "simulate", "train", "worker",
)
VERB = re.compile(rf"(?<![\w./-])pgfeed (?=(?:{'|'.join(VERBS)})\b)((?:[a-z-]+ )+--help)?")
MARKED = re.compile(r"(.*\b(?:Next|Run|See)\b[^:.]*: )(.+)", re.DOTALL)
SPECIAL = re.compile(r'[\\"$`]')
PYTHON_ERROR = re.compile(r"(plpy\.Error|spiexceptions\.\w+): ")
USER_WITH_PASSWORD = re.compile(r"(?<=://)([^:/@]*):[^/@]*@")
SECRETS = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
SECRET_OPTION = re.compile(r"(?:-c *|--)[^ =]*(?:pass|secret|token)[^ =]*=(?:\\.|[^ ])*", re.IGNORECASE)


def plain(message: str) -> str:
    """Return a message without what PL/Python puts before those of its functions."""
    return PYTHON_ERROR.sub("", message)


def grant(role: str, user: str) -> str:
    """Return what gives a user the rights of a role of pgfeed."""
    name = user if re.fullmatch("[a-z_][a-z0-9_]*", user) else '"' + user.replace('"', '""') + '"'
    return f"as an administrator: grant {role} to {name}"


def told(message: str) -> str:
    """Return a message whose verbs can be typed, and whose statements after Next, Run or See."""
    match = MARKED.fullmatch(message)
    return as_verb(match[1]) + as_command(match[2]) if match else as_verb(message)


def as_command(remedy: str) -> str:
    """Return a remedy as a person types it in a shell."""
    match = SQL.search(remedy)
    if not match:
        return as_verb(remedy)
    prose, (statements, mark, comment) = remedy[: match.start()], remedy[match.start() :].partition(" -- ")
    return as_verb(prose) + as_psql(statements.split("; ")) + (f"  # {as_command(comment)}" if mark else "")


def as_verb(text: str) -> str:
    """Return a text whose `pgfeed VERB`s act on the server and database that this process was asked to use."""
    return VERB.sub(lambda match: f"{'' if match[1] else address()}{program()} {match[1] or ''}", text)


def as_psql(statements: list[str]) -> str:
    """Return the call of psql that runs statements, none of them in a transaction with another."""
    dsn = os.environ.get("PGFEED_DSN")
    other = f"psql {shlex.quote(public(dsn))}" if dsn else "psql"
    words = [f"{address()}./run psql" if program() == "./run" else other]
    if len(statements) > 1:
        words.append("-v ON_ERROR_STOP=1")
    return " ".join([*words, *(f"-c {quoted(statement)}" for statement in statements)])


def quoted(statement: str) -> str:
    """Return a statement as one word of a shell, which reads ! even between double quotes."""
    return shlex.quote(statement) if "!" in statement else '"' + SPECIAL.sub(r"\\\g<0>", statement) + '"'


def program() -> str:
    """Return how this program was called: by the script that installing makes, or by ./run."""
    return "pgfeed" if Path(sys.argv[0]).name == "pgfeed" else "./run"


def address() -> str:
    """Return the assignment before a command that names the server or database, if it is not the default one."""
    if dsn := os.environ.get("PGFEED_DSN"):
        return f"PGFEED_DSN={shlex.quote(public(dsn))} "
    database = os.environ.get("PGFEED_DATABASE", "pgfeed")
    return f"PGFEED_DATABASE={database} " if program() == "./run" and database not in ("", "pgfeed") else ""


def public(dsn: str) -> str:
    """Return a connection string without its secrets, as it was written if that can be; ... if it is none."""
    try:
        options = parse_dsn(dsn)
    except ProgrammingError:
        return "..."
    kept = {name: value for name, value in options.items() if name not in SECRETS}
    if "options" in kept:
        kept["options"] = SECRET_OPTION.sub("", kept["options"]).strip()
    if kept == options:
        return dsn
    shorter = without_secrets(dsn)
    try:
        return shorter if "://" in dsn and parse_dsn(shorter) == kept else make_dsn(**kept)
    except ProgrammingError:
        return make_dsn(**kept)


def without_secrets(url: str) -> str:
    """Return a URL without the password of its user and of its query."""
    path, mark, query = USER_WITH_PASSWORD.sub(r"\1@", url).partition("?")
    rest = "&".join(pair for pair in query.split("&") if pair.partition("=")[0] not in SECRETS)
    return path + mark * bool(rest) + rest
