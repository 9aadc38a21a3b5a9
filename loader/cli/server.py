"""Verbs about the database itself: migrate, check."""

import sys

import click

from loader.cli.command import JSON, main, say, show
from loader.terminal import out


@main.command("migrate")
def migrate_schema():
    """Make the schema, or bring it up to date.

    \b
    Example:
      ./run migrate
      PGFEED_DSN=postgresql://postgres@db.example.com/feed ./run migrate
    """
    from loader.server import migrate, objects

    revision, following, restored = migrate.migrate()
    if restored:
        click.echo(f"made again: {objects.in_words(restored)}", err=True)
    say(f"the schema is at revision {revision}" + (f". Next: {following}" if following else ""))


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
    show([probe.as_dict() for probe in probes], as_json, check.as_table(probes))
    if not as_json:
        out.print(check.remedies(probes), soft_wrap=True)
    sys.exit(any(probe.status == "fail" for probe in probes))
