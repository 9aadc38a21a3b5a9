"""Errors that a user can mend."""


class PgfeedError(Exception):
    """A failure that names the thing, its cause and the next command."""

    def __init__(self, what: str, cause: str | None = None, next: str | None = None):
        self.what, self.cause, self.next = what, cause, next
        message = what if cause is None else f"{what}: {cause}"
        message = " ".join(message.split())
        super().__init__(message if next is None else f"{message.rstrip('.')}. Next: {next}")
