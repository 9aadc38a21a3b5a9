"""The code of the pages about drivers and about HTTP runs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.callers import JDBC, require_program
from tests.clients.test_gateway import dsn_of, serving
from tests.pages import CLIENT_PAGES, blocks

DRIVERS, HTTP = CLIENT_PAGES[:2]
EXAMPLES = blocks(DRIVERS)
JAVA = "public class Example {{ public static void main(String[] arguments) throws Exception {{\n{}}} }}\n"


def addressed(text, address):
    """Return an example with the served database in place of its made-up address."""
    place = f"{address.host}:{address.port}/{address.database}"
    for old, new in [
        ("reader:secret@db.example.com/feed", f"{address.user}:{address.password}@{place}"),
        ("postgresql://db.example.com/feed", f"postgresql://{place}"),
        ("db.example.com", address.host), ("5432", str(address.port)), ("feed;", f"{address.database};"),
        ('"feed"', f'"{address.database}"'),
        ('"reader"', f'"{address.user}"'), ("=reader;", f"={address.user};"), ("secret", address.password),
    ]:
        text = text.replace(old, new)
    return text


def command_of(language, file):
    if language == "sh":
        return ["sh", file]
    if language == "python":
        return [sys.executable, file]
    if language == "js":
        return [require_program("node"), file]
    if language == "r":
        return [require_program("Rscript"), file]
    require_program("javac")
    return [require_program("java"), "-cp", str(JDBC), file]


def test_every_family_has_an_example():
    assert [example.language for example in EXAMPLES] == ["sh", "python", "python", "python", "python",
            "js", "java", "r"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.language}-{example.text.split()[1]}")
def test_example(tmp_path, direct, example):
    if "pyodbc" in example.text and not Path("/etc/odbcinst.ini").exists():
        pytest.skip("odbc-postgresql is not installed")
    file = tmp_path / f"Example.{example.language}"
    text = addressed(example.text, direct)
    file.write_text(JAVA.format(text) if example.language == "java" else text)
    environment = {**os.environ, "NODE_PATH": os.environ.get("PGFEED_NODE_MODULES", "")}
    result = subprocess.run(command_of(example.language, str(file)), capture_output=True, text=True, timeout=60,
                            env=environment)
    assert result.returncode == 0, result.stderr
    assert len(re.findall(r"-?\d\.\d{4,}", result.stdout)) == 5, result.stdout


def test_the_gateway_answers_as_its_page_shows(direct):
    written = [block for block in blocks(HTTP) if block.reason is None]
    assert [block.language for block in written] == ["sh", "text"] * 2
    require_program("curl")
    with serving(dsn_of(direct), "--explain") as address:
        printed = [json.loads(subprocess.run(
            ["sh", "-c", block.text.replace("http://127.0.0.1:8000", address).replace("post=4029", "post=29")],
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout) for block in written[::2]]
    posts, explanation = printed
    names = [re.findall(r'"(\w+)":', block.text) for block in written[1::2]]
    assert len(posts) == 5 and list(posts[0]) == names[0]
    assert [*explanation, *explanation["contributions"][0]] == names[1]
