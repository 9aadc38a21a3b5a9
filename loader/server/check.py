"""The doctor: what is wrong with a database and this checkout, and the command that mends it."""

from contextlib import closing
from dataclasses import asdict, dataclass, field
from importlib.metadata import version

import psycopg2
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.server import db, definitions, install, objects, strangers
from loader.server.remedies import as_command, as_verb, grant, plain

STATUSES = ("fail", "warn", "ok")


@dataclass
class Probe:
    """One thing looked at: status ok, warn or fail, what was found, the command that mends it, numbers behind it."""

    name: str
    status: str
    found: str
    remedy: str | None = None
    figures: dict[str, float] = field(default_factory=dict)

    as_dict = asdict


def failure(name: str, error: PgfeedError) -> Probe:
    """Return the failed probe that an error tells of."""
    return Probe(name, "fail", ": ".join(filter(None, [error.what, error.cause])), error.next)


def check() -> list[Probe]:
    """Look at everything; remedies are commands for a shell."""
    probes = look()
    for probe in probes:
        probe.remedy = probe.remedy and as_command(probe.remedy)
    return probes


def look() -> list[Probe]:
    """Look at the connection, the schema, everything that health() looks at, and this checkout's packages."""
    try:
        connection = db.connect()
    except PgfeedError as error:
        return [failure("connection", error)]
    with closing(connection):
        connection.autocommit = True
        address = connection.info
        place = f"port {address.port} of {address.host or 'localhost'}"
        reached = Probe("connection", "ok", f"database {address.dbname} as {address.user}, {place}")
        probes = [reached, schema_probe(connection)]
        if probes[-1].status == "ok":
            probes += definition_probes(connection)
        server = server_probes(connection)
        server += feature_probes(connection, server)
    return [*probes, *server, *package_probes(server)]


def schema_probe(connection: Connection) -> Probe:
    """Return whether the schema is what this checkout needs."""
    try:
        db.require_schema(connection)
    except PgfeedError as error:
        return failure("schema", error)
    with connection.cursor() as cursor:
        if names := objects.missing(cursor):
            return failure("schema", objects.error(connection.info.dbname, names))
        cursor.execute("select version_num from pgfeed.alembic_version")
        return Probe("schema", "ok", f"revision {cursor.fetchone()[0]}")


def definition_probes(connection: Connection) -> list[Probe]:
    """Return whether every object is what it should be, and whether there are others."""
    with connection.cursor() as cursor:
        faults = definitions.faults(cursor)
        words = "; ".join(definitions.in_words(faults)) or "owners, rights, settings and bodies are as they should be"
        status = "fail" if any(fault.matters for fault in faults) else "warn" if faults else "ok"
        others, is_led_here = strangers.strangers(cursor), strangers.is_led_here(cursor)
    named = [
        *([f"in the schema pgfeed, but not pgfeed's: {', '.join(map(str, others))}"] if others else []),
        *(["what the login pgfeed makes lands in the schema pgfeed"] if is_led_here else []),
    ]
    ways_out = [other.departure for other in others] + [strangers.LEAD_AWAY] * is_led_here
    return [
        Probe("definitions", status, words, "pgfeed migrate" if faults else None),
        Probe(
            "strangers", "warn" if named else "ok", "; ".join(named) or "none in the schema pgfeed",
            "; ".join(ways_out) or None,
        ),
    ]


def server_probes(connection: Connection) -> list[Probe]:
    """Return the rows of health(); one failed probe if it cannot be called; none if the schema does not have it."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("select to_regproc('pgfeed.health') is not null")
            if not cursor.fetchone()[0]:
                return []
            # A schema that is older than this checkout has fewer columns.
            cursor.execute("select to_jsonb(h) from pgfeed.health() as h")
            probes = [Probe(**row) for (row,) in cursor.fetchall()]
    except psycopg2.Error as error:
        message = (error.diag.message_primary or str(error)).strip()
        remedy = grant("pgfeed_reader", connection.info.user) if error.pgcode == "42501" else "pgfeed migrate"
        return [Probe("health", "fail", message, remedy)]
    for probe in probes:
        probe.found = as_verb(plain(probe.found))
        if probe.name == "versions" and probe.status == "fail":
            probe.remedy = install.remedy(connection)
    return probes


def feature_probes(connection: Connection, server: list[Probe]) -> list[Probe]:
    """Return whether features of add_feature() look ahead, if there are any and the login may try."""
    if not any(probe.name == "own features" for probe in server):
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "select has_function_privilege('pgfeed.check_features(text[])', 'execute') and not pg_is_in_recovery()"
        )
        if not cursor.fetchone()[0]:
            return []
        cursor.execute("call pgfeed.check_features()")
        problems = cursor.fetchone()[0]
    words = "; ".join(problems) or "none changes when later events are deleted"
    return [Probe("look ahead", "fail" if problems else "ok", words, "mend their functions" if problems else None)]


def package_probes(server: list[Probe]) -> list[Probe]:
    """Return whether server and client have the same CatBoost, which activation needs for equal scores."""
    mine = f"catboost {version('catboost')}"
    theirs = " ".join(probe.found for probe in server if probe.name == "versions")
    if "catboost" not in theirs or mine in theirs.split(", "):
        return [Probe("client packages", "ok", mine)]
    return [Probe("client packages", "warn", f"{mine} here, another one on the server",
                  f"as root on the server's machine: {install.FOLDER}/bin/pip install {mine.replace(' ', '==')}"
                  "  # or the pip of the folder that the server's PYTHONPATH names")]


def by_urgency(probes: list[Probe]) -> list[Probe]:
    """Return the probes, those that failed first."""
    return sorted(probes, key=lambda probe: STATUSES.index(probe.status))
