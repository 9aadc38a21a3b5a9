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


if __name__ == "__main__":
    main(prog_name="./run")
