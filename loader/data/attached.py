"""The application's own tables: attaching and detaching them."""

import re
from collections.abc import Callable

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.server.db import interruptible, outside_transaction
from loader.terminal import progress

# What each procedure takes beside the relation.
ARGUMENTS = {
    "users": ("key", "features", "sync"),
    "posts": ("key", "text", "topic", "created_at", "available", "features", "sync"),
    "events": ("user_key", "post_key", "at", "action", "target", "condition", "sync"),
}
REQUIRED = {"users": ("key",), "posts": ("key",), "events": ("user_key", "post_key", "at")}
READ = re.compile(r"NOTICE: .* is read to (\d+) %")
FOUND = """
    select a.row_count, case when a.compared_at is not null then a.rejected_count end
    from pgfeed.attachments as a
    where a.kind = %s
    order by a.attachment_id desc
    limit 1
"""


class Notices(list):
    """The notices of a load: those that tell how far it is advance a bar, in per cent."""

    def __init__(self, advance: Callable[[float], None]) -> None:
        super().__init__()
        self.advance, self.done = advance, 0

    def append(self, notice: str) -> None:
        match = READ.match(notice)
        if match:
            self.advance(int(match[1]) - self.done)
            self.done = int(match[1])
        else:
            super().append(notice)


def attach(connection: Connection, kind: str, relation: str, **given: str | None) -> tuple[int | None, int | None]:
    """Attach a relation as users, posts or events and load it; return the rows that are here and those rejected (None:
    not counted yet; those of events that were rejected are counted by the next refresh).

    given: the arguments of pgfeed.attach_KIND() by name; None: not given. Raises PgfeedError for one that it does not
    take or lacks.
    """
    arguments = {name: value for name, value in given.items() if value is not None}
    for name in arguments:
        if name not in ARGUMENTS[kind]:
            raise PgfeedError(f"{kind} have no --{name.replace('_', '-')}", f"they take {options(ARGUMENTS[kind])}",
                              "pgfeed attach --help")
    missing = [name for name in REQUIRED[kind] if name not in arguments]
    if missing:
        raise PgfeedError(f"{options(missing)} is missing", f"{kind} need it", "pgfeed attach --help")
    call = sql.SQL("call pgfeed.{procedure}(%s, {arguments})").format(
        procedure=sql.Identifier(f"attach_{kind}"),
        arguments=sql.SQL(", ").join(sql.SQL("{} => %s").format(sql.Identifier(name)) for name in arguments),
    )
    with progress(f"reading {relation}", 100) as advance, outside_transaction(connection), interruptible():
        before, connection.notices = connection.notices, Notices(advance)
        try:
            with connection.cursor() as cursor:
                cursor.execute(call, [relation, *arguments.values()])
        finally:
            connection.notices = before
        with connection.cursor() as cursor:
            cursor.execute(FOUND, [kind])
            return cursor.fetchone()


def options(names: tuple[str, ...] | list[str]) -> str:
    """Return the options of these names."""
    return ", ".join(f"--{name.replace('_', '-')}" for name in names)


@interruptible()
def detach(connection: Connection, relation: str, action: str | None, kind: str | None) -> None:
    """Detach a relation, or only its events of one action, or what it is attached as: users, posts or events."""
    with connection, connection.cursor() as cursor:
        cursor.execute("call pgfeed.detach(%s, %s, %s)", [relation, action, kind])
