"""Every verb explains itself, also where nothing is set up."""

import os
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from loader.cli import main
from loader.cli.experiments import experiment_group
from loader.cli.feeds import feed_group
from loader.cli.versions import model_group

ROOT = Path(__file__).resolve().parents[2]
USAGE = subprocess.run([ROOT / "run"], capture_output=True, text=True, check=True).stdout
VERBS = [verb for line in re.findall(r"^  ([a-z][a-z|-]+)", USAGE, re.MULTILINE) for verb in line.split("|")]
WORDS = [
    ["help"], *([verb] for verb in VERBS), *(["experiment", verb] for verb in experiment_group.commands),
    *(["feed", verb] for verb in feed_group.commands), *(["model", verb] for verb in model_group.commands),
]
SCREEN = 40


@pytest.fixture
def run(tmp_path):
    """Call ./run where there are the Python packages and nothing else; it must change nothing."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "venv").symlink_to(Path(sys.prefix).parent)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PYTHON", "COVERAGE"))}

    def call(*words: str, **variables: str) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [ROOT / "run", *words], cwd=tmp_path, capture_output=True, text=True,
            env={**kept, "PGFEED_HOME": str(home), **variables}, check=False,
        )
        assert [path.name for path in home.iterdir()] == ["venv"]
        return done

    return call


def test_a_wrong_option_of_demo_is_refused_before_anything_is_installed(run):
    done = run("demo", "--own")
    assert done.returncode == 1 and "demo does not take --own: its one option is --own-tables" in done.stderr


def test_the_list_names_every_verb():
    assert set(main.commands) < set(VERBS) and len(VERBS) == len(set(VERBS))
    assert len(USAGE.splitlines()) <= SCREEN


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_verb_explains_itself(run, words):
    done = run(*words, "--help")
    assert done.returncode == 0 and done.stderr == ""
    text = done.stdout
    assert text.startswith(f"Usage: ./run {' '.join(words)}")
    assert re.search(rf"^ *Example:\n( +.*\n)* +([A-Z_]+=\S+ |eval \"\$\()*\./run {' '.join(words)}\b", text,
                     re.MULTILINE), text
    for other in (run(*words, "-h"), run("help", *words), run(*words, "--help", PGFEED_DSN="host=nowhere.invalid")):
        assert other.stdout == text


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_verb_explains_itself_where_nothing_is_installed(run, words, tmp_path):
    done = run(*words, "-h", PGFEED_HOME=str(tmp_path / "none"))
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(f"Usage: ./run {' '.join(words)}") and "\nExample" in done.stdout
    assert not (tmp_path / "none").exists()


def test_the_version_is_that_of_setup_cfg(run):
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert run("--version").stdout == f"pgfeed {setup['metadata']['version']}\n"


@pytest.mark.parametrize("words", [["nonsense", "--help"], ["help", "nonsense"]])
def test_there_is_no_help_about_no_verb(run, words):
    done = run(*words)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == "error: there is no verb nonsense: ./run help lists them. Next: ./run help\n"


def test_every_benchmark_is_listed(run):
    listed = re.findall(r"^  ([a-z_]+)", run("bench", "--help").stdout, re.MULTILINE)
    assert listed == sorted(path.stem for path in (ROOT / "tests" / "bench").glob("[a-z]*.py")
                            if path.stem != "yardstick")
