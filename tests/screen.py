"""A terminal of 80 columns, without one."""

import click
from click.testing import CliRunner, Result

from loader import terminal
from loader.cli import main
from loader.terminal import COMMAND

WIDTH = 80


def shown(monkeypatch, *words: str) -> Result:
    """Run a verb as if stdout and stderr were a terminal of WIDTH columns; no line of it may be longer."""
    with monkeypatch.context() as patch:
        patch.setenv("COLUMNS", str(WIDTH))
        for screen in (terminal.out, terminal.console):
            patch.setattr(screen, "_force_terminal", True)
        done = CliRunner().invoke(main, words, prog_name="./run", terminal_width=WIDTH - 2)
    assert too_long(done.output) == []
    return done


def too_long(text: str) -> list[str]:
    """Return the lines that do not fit, but for those that are commands to copy."""
    lines = [line.rpartition("\r")[2].rstrip() for line in click.unstyle(text).splitlines()]
    return [line for line in lines if len(line) > WIDTH and not COMMAND.match(line.lstrip())]
