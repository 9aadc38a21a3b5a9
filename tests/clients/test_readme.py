"""The examples of README's section "From your language" run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.callers import JDBC, require_program
from tests.db.conftest import ROOT

SECTION = (ROOT / "README.md").read_text().split("## From your language")[1].split("\n## ")[0]
EXAMPLES = re.findall(r"```(\w+)\n(.*?)```", SECTION, re.S)
JAVA = "public class Example {{ public static void main(String[] arguments) throws Exception {{\n{}}} }}\n"


def addressed(text, address):
    """Return an example with the served database in place of its made-up address."""
    place = f"{address.host}:{address.port}/{address.database}"
    for old, new in [
        ("reader:secret@db.example.com/feed", f"{address.user}:{address.password}@{place}"),
        ("postgresql://db.example.com/feed", f"postgresql://{place}"),
        ("db.example.com", address.host), ("5432", str(address.port)), ("feed;", f"{address.database};"), ('"feed"', f'"{address.database}"'),
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
    assert [language for language, _ in EXAMPLES] == ["sh", "python", "python", "python", "python", "js", "java", "r"]


@pytest.mark.parametrize(("language", "text"), EXAMPLES, ids=[f"{language}-{text.split()[1]}" for language, text in EXAMPLES])
def test_example(tmp_path, direct, language, text):
    if "pyodbc" in text and not Path("/etc/odbcinst.ini").exists():
        pytest.skip("odbc-postgresql is not installed")
    file = tmp_path / f"Example.{language}"
    text = addressed(text, direct)
    file.write_text(JAVA.format(text) if language == "java" else text)
    environment = {**os.environ, "NODE_PATH": os.environ.get("PGFEED_NODE_MODULES", "")}
    result = subprocess.run(command_of(language, str(file)), capture_output=True, text=True, timeout=60, env=environment)
    assert result.returncode == 0, result.stderr
    assert len(re.findall(r"-?\d\.\d{4,}", result.stdout)) == 5, result.stdout
