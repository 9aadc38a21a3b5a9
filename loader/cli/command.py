"""The command itself: errors as one line, the connection that a verb gets, results as JSON or for people."""

import contextlib
import functools
import json
import re
import sys
from collections.abc import Iterator

import click
import psycopg2
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.figures import defined
from loader.server import db
from loader.server.remedies import as_command, grant, plain, told
from loader.terminal import out, tell

WRONG_VALUE = "22"
NOT_UNDERSTOOD = re.compile(r'.*: (".*")$', re.DOTALL)
DENIED = "42501"
FOR_OPERATORS = ("attach", "detach", "refresh", "activate", "rollback", "model", "experiment", "feed", "recommend")
MOMENT = "no date or moment that exists", 'Next: write it like 2021-12-20 or "2021-12-20 18:00+00"'
TIME_SPAN = "no length of time", 'Next: write it like "7 days" or "12 hours"'
NO_MOMENT = ("22007", "22008", "22009")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


class Main(click.Group):
    """A group whose verbs end with one clear line instead of a stack trace."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PgfeedError as error:
            message = str(error)
        except psycopg2.Error as error:
            message = describe(error, ctx)
        except click.UsageError as error:
            command = error.ctx.command_path if error.ctx else ctx.command_path
            said = error.format_message().rstrip(".")
            message = f"{said}{'' if said.endswith('?') else '.'} Next: {command} --help"
        except UnicodeEncodeError as error:
            message = f"{error.object!a} is no text in {error.encoding}. Next: {ctx.command_path} --help"
        except KeyboardInterrupt:
            message = "interrupted. Nothing finished is lost: run the same command again"
        say(f"error: {message}")
        sys.exit(1)


def say(text: str, err: bool = True) -> None:
    """Print a line whose commands can be typed as they stand."""
    tell(told(text), err)


def describe(error: psycopg2.Error, ctx: click.Context) -> str:
    """Return what the server said in one line: its message and its hint, or where the verb is explained."""
    if isinstance(error, psycopg2.InterfaceError) or error.pgcode in db.CONNECTION_LOST or not error.pgcode:
        cause = " ".join(str(error).split())
        return f"the connection to the server was lost: {cause}. Next: run the same command again"
    message = plain(error.diag.message_primary or str(error))
    hint = error.diag.message_hint
    if error.pgcode in NO_MOMENT:
        what, hint = TIME_SPAN if "interval" in message else MOMENT
        message = NOT_UNDERSTOOD.sub(rf"\1 is {what}", message)
    if hint is None and error.pgcode == DENIED:
        with contextlib.closing(db.connect()) as connection:
            role = "pgfeed_operator" if ctx.invoked_subcommand in FOR_OPERATORS else "pgfeed_owner"
            hint = f"Next: {grant(role, connection.info.user)}"
    if hint is None and error.pgcode.startswith(WRONG_VALUE):
        hint = f"Next: {ctx.command_path} {ctx.invoked_subcommand} --help"
    said, mended = (" ".join((part or "").split()).rstrip(".") for part in (message, hint))
    return f"{said}. {as_command(mended)}" if mended else said


@click.group(cls=Main, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="pgfeed", message="pgfeed %(version)s")
def main() -> None:
    """pgfeed: a post recommender that lives inside PostgreSQL.

    \b
    Example:
      pgfeed check
    """


@contextlib.contextmanager
def database() -> Iterator[Connection]:
    """Yield an open connection to a migrated database."""
    with contextlib.closing(db.connect()) as connection:
        db.require_schema(connection)
        yield connection


def connected(verb):
    """Pass an open connection to a migrated database as the verb's first argument."""

    @functools.wraps(verb)
    def wrapper(*args, **kwargs):
        with database() as connection:
            return verb(connection, *args, **kwargs)

    return wrapper


def show(data: object, as_json: bool, text: object) -> None:
    """Print the data as JSON, or the text or table for people."""
    if as_json:
        click.echo(json.dumps(defined(data), ensure_ascii=False, allow_nan=False))
    elif isinstance(text, str):
        say(text, err=False)
    else:
        out.print(text, crop=False)


def say_warnings(connection) -> None:
    """Print what the server warned of."""
    for notice in connection.notices:
        if notice.startswith("WARNING:"):
            say(f"warning: {notice.removeprefix('WARNING:').splitlines()[0].strip()}")
