"""The `pgfeed` command: one verb per job."""

import functools
import sys

import click
import psycopg2

from loader import db
from loader.errors import PgfeedError


class Main(click.Group):
    """A group whose verbs end with one clear line instead of a stack trace."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PgfeedError as error:
            message = str(error)
        except psycopg2.Error as error:
            message = " ".join(filter(None, [(error.diag.message_primary or str(error)).strip(), error.diag.message_hint]))
        except KeyboardInterrupt:
            message = "interrupted. Nothing finished is lost: run the same command again"
        click.echo(f"error: {message}", err=True)
        sys.exit(1)


@click.group(cls=Main, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """pgfeed: a post recommender that lives inside PostgreSQL."""


def connected(verb):
    """Pass an open connection to a migrated database as the verb's first argument."""

    @functools.wraps(verb)
    def wrapper(*args, **kwargs):
        connection = db.connect()
        try:
            db.require_schema(connection)
            return verb(connection, *args, **kwargs)
        finally:
            connection.close()

    return wrapper


@main.command("ingest")
@click.argument("files", nargs=-1, type=click.Path())
@click.option("--from", "url", metavar="URL", help="Read user_data, post_text_df and feed_data from this Postgres.")
@click.option("--as", "kinds", metavar="KINDS", help="Kinds of the files in order, or one for all: users,posts,events.")
@click.option("--timezone", default="UTC", show_default=True, help="Zone of times that are written without one.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
@connected
def ingest_files(connection, files, url, kinds, timezone, as_json):
    """Load users, posts and events from CSV (plain or gzip), Parquet or a running Postgres.

    The kind of a file is known by its header. Loading a file again is harmless and completes an interrupted load. Rows
    that cannot be loaded are kept in pgfeed.ingest_rejects with their line and the reason.

    \b
    Example:
      ./run ingest user_data.csv post_text_df.csv feed_data.csv.gz --timezone Europe/Moscow
      ./run ingest --from postgresql://reader@db.example.com/feed --as events
    """
    from loader.ingest import ingest, report, require_loaded
    from loader.rows import time_zone
    from loader.sources import open_sources

    results = []
    try:
        results.extend(ingest(connection, open_sources(files, url, kinds), time_zone(timezone)))
    finally:
        report(results, as_json)
    require_loaded(results)


if __name__ == "__main__":
    main(prog_name="./run")
