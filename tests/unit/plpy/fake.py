"""A stand-in for the module plpy of the server."""

from plpy.statements import STATEMENTS


class FakePlpy:
    """Answers prepared statements from a dictionary by their name; records warnings."""

    class Error(Exception):
        pass

    def __init__(self, **rows):
        self.rows, self.warnings, self.prepared = rows, [], []

    def prepare(self, sql, types):
        name = next(name for name, statement in STATEMENTS.items() if statement[0] == sql)
        self.prepared.append(name)
        return name

    def execute(self, plan, arguments=None):
        return self.rows[plan]

    def warning(self, message):
        self.warnings.append(message)

    def error(self, message, **fields):
        raise FakePlpy.Error(f"{message} {fields}")
