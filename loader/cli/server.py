"""Verbs about the database itself: migrate, check, worker, jobs."""

import sys
from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.table import Table

from loader.cli.command import JSON, connected, database, main, say, show
from loader.terminal import table, tell

if TYPE_CHECKING:
    from loader.server.check import Probe


@main.command("migrate")
def migrate_schema():
    """Make the schema, or bring it up to date.

    \b
    Example:
      ./run migrate
      PGFEED_DSN=postgresql://postgres@db.example.com/feed ./run migrate
    """
    from loader.server import migrate, objects

    revision, following, restored, mended = migrate.migrate()
    if restored:
        tell(f"made again: {objects.in_words(restored)}", err=True)
    for words in mended:
        tell(f"put right: {words}", err=True)
    say(f"the schema is at revision {revision}" + (f". Next: {following}" if following else ""))


@main.command("worker")
@click.option("--once", "is_once", is_flag=True, help="End when nothing is left to do, with 1 if something failed.")
def work_on_jobs(is_once):
    """Do what is due, as tick() does, and the jobs that are asked for, one at a time, as train and embed do.

    Jobs come from tick(), ask_for_training() and ask_for_embedding(). Several workers share them. A job that fails is
    tried three times; one whose worker was stopped or killed is taken again. health() shows them.

    \b
    Example:
      ./run worker
      ./run worker --once
    """
    from loader import worker

    with database():
        pass
    is_done = True
    for is_well, text in worker.work(is_once):
        say(text, err=not is_well)
        is_done = is_done and is_well
    sys.exit(not is_done)


@main.command("jobs")
@JSON
@connected
def show_jobs(connection, as_json):
    """Show what goes on by itself: jobs, what tick() does when, and what the gate decided, and why.

    Jobs that are not finished and the last ten that are; the last ten decisions. due now: by the next call of tick().
    left: its worker was stopped or killed, and another one takes it again.

    \b
    Example:
      ./run jobs
    """
    from loader import jobs

    found = jobs.load(connection)
    show(found, as_json, Group(*jobs.tables(found)))


@main.command("check")
@JSON
def check_database(as_json):
    """Look for what is wrong with the database and say what mends it; exit code 1 if something fails.

    The rows are those of `select * from pgfeed.health()`, which any monitoring can read, and the client's own.

    \b
    Example:
      ./run check
    """
    from loader.server import check

    probes = check.check()
    urgent = check.by_urgency(probes)
    show([probe.as_dict() for probe in probes], as_json, probe_table(urgent))
    if not as_json:
        tell(remedies_of(urgent))
    sys.exit(any(probe.status == "fail" for probe in probes))


def probe_table(probes: "list[Probe]") -> Table:
    """Return the table that people read."""
    rows = [(probe.name, probe.status, probe.found) for probe in probes]
    return table("", ["name", "status", "found"], rows)


def remedies_of(probes: "list[Probe]") -> str:
    """Return one line for each probe that is not ok, or one that says that all are."""
    lines = [f"{probe.status} {probe.name}. Next: {probe.remedy}" for probe in probes if probe.status != "ok"]
    return "\n".join(lines) or "all well"
