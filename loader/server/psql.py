"""Start psql on PGFEED_DSN's server, with the password where the list of processes does not show it."""

import os
import sys

import click
from psycopg2 import ProgrammingError
from psycopg2.extensions import make_dsn, parse_dsn

from loader.server import db


def main() -> None:
    """Become psql with the command line's arguments."""
    try:
        options = parse_dsn(db.dsn())
    except ProgrammingError as error:
        click.echo(f"error: PGFEED_DSN is not a connection string: {' '.join(str(error).split())}", err=True)
        sys.exit(1)
    if "password" in options:
        os.environ["PGPASSWORD"] = options.pop("password")
    os.execvp("psql", ["psql", make_dsn(**options), *sys.argv[1:]])


if __name__ == "__main__":
    main()
