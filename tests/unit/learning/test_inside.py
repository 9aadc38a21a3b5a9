"""What train_model() says to those who have no shell."""

import ast
from pathlib import Path

import pytest

from loader.learning import inside
from loader.server.remedies import VERB

LEARNING = Path(inside.__file__).parent


def remedies():
    """Yield the file and the text of every remedy in loader.learning, names as themselves."""
    for file in sorted(LEARNING.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                text = "".join(
                    part.value if isinstance(part, ast.Constant) else ast.unparse(part.value) for part in node.values
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            if "\n" not in text and VERB.search(text):
                yield file.name, text


def test_every_remedy_is_for_psql():
    found = [(file, text, inside.in_sql(text)) for file, text in remedies() if file != "inside.py"]
    assert len(found) > 15
    for file, text, told in found:
        verbs = [match.start() for match in VERB.finditer(told) if "in a shell" not in told[: match.start()]]
        assert not verbs and " && " not in told, (file, text, told)


@pytest.mark.parametrize("verb, told", [
    ("pgfeed train mine --recipe control --set ...", "call pgfeed.train_model('mine', 'control', seed => 1)"),
    ("pgfeed train control", "call pgfeed.train_model('control')"),
    ("pgfeed train mine --negatives 100", "call pgfeed.train_model('mine', 'negatives')"),
    ("pgfeed train mine --activate", "call pgfeed.train_model('mine')"),
    ("pgfeed refresh", "call pgfeed.refresh_features()"),
    ("pgfeed ingest FILE... && pgfeed refresh", f"{inside.EVENTS}; then: call pgfeed.refresh_features()"),
    ("pgfeed embed && pgfeed refresh",
     "call pgfeed.ask_for_embedding(); when a worker has done it: call pgfeed.refresh_features()"),
    ("pgfeed evaluate full VARIANT", "in a shell, pgfeed evaluate full VARIANT"),
    ("give one of these, or TOML", "give one of these, or TOML"),
])
def test_verbs_become_statements(verb, told):
    assert inside.in_sql(verb) == told
