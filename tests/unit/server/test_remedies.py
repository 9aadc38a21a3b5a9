"""Remedies as they are typed in a shell."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from psycopg2.extensions import parse_dsn

from loader.cli import main
from loader.errors import PgfeedError
from loader.server.remedies import VERBS, as_command, grant, plain, public, told

ROOT = Path(__file__).resolve().parents[3]
URL = "postgresql://reader@db.example.com/feed"


@pytest.fixture(autouse=True)
def default_database(monkeypatch):
    monkeypatch.delenv("PGFEED_DSN", raising=False)
    monkeypatch.delenv("PGFEED_DATABASE", raising=False)


@pytest.mark.parametrize(("remedy", "command"), [
    ("pgfeed embed", "./run embed"),
    ("pgfeed ingest FILE... && pgfeed refresh", "./run ingest FILE... && ./run refresh"),
    ("as a superuser: pgfeed migrate", "as a superuser: ./run migrate"),
    ("git checkout v0.1.0 && pgfeed migrate", "git checkout v0.1.0 && ./run migrate"),
    ("call pgfeed.refresh_features()", './run psql -c "call pgfeed.refresh_features()"'),
    ('alter database "my-feed" reset pgfeed.x', './run psql -c "alter database \\"my-feed\\" reset pgfeed.x"'),
    ("alter database pgfeed reset pgfeed.x", './run psql -c "alter database pgfeed reset pgfeed.x"'),
    ("select '$HOME `id` \\'", './run psql -c "select \'\\$HOME \\`id\\` \\\\\'"'),
    ("call pgfeed.stop_experiment('a!b')", """./run psql -c 'call pgfeed.stop_experiment('"'"'a!b'"'"')'"""),
    (
        "alter system set a = '1'; alter system set b = '2' -- then restart the server",
        """./run psql -v ON_ERROR_STOP=1 -c "alter system set a = '1'" -c "alter system set b = '2'"  """
        "# then restart the server",
    ),
    (
        "call pgfeed.refresh_features() -- if that does not help: pgfeed train control --activate",
        './run psql -c "call pgfeed.refresh_features()"  # if that does not help: ./run train control --activate',
    ),
    (
        "call pgfeed.stop_experiment('x') -- or, if the features lack something: call pgfeed.refresh_features()",
        """./run psql -c "call pgfeed.stop_experiment('x')"  # or, if the features lack something:"""
        """ ./run psql -c "call pgfeed.refresh_features()\"""",
    ),
    ("pip install numpy  # into the server's Python", "pip install numpy  # into the server's Python"),
    ("use postgresql://user:password@host:port/database", "use postgresql://user:password@host:port/database"),
])
def test_a_remedy_can_be_typed(remedy, command):
    assert as_command(remedy) == command


@pytest.mark.parametrize(("message", "said"), [
    ("database pgfeed is empty. Next: pgfeed demo", "database pgfeed is empty. Next: ./run demo"),
    ("try runs. One at a time. Run: call pgfeed.stop_experiment('try')",
     """try runs. One at a time. Run: ./run psql -c "call pgfeed.stop_experiment('try')\""""),
    ("no model was active. See: select * from pgfeed.model_activations",
     'no model was active. See: ./run psql -c "select * from pgfeed.model_activations"'),
    ("try runs. Next, when users were served: pgfeed experiment report try",
     "try runs. Next, when users were served: ./run experiment report try"),
    (str(PgfeedError("no rights", "none", grant("pgfeed_reader", "a b"))),
     'no rights: none. Next: as an administrator: ./run psql -c "grant pgfeed_reader to \\"a b\\""'),
    ("arm test: there is no such model (pgfeed train test --activate)",
     "arm test: there is no such model (./run train test --activate)"),
    ("k is 0. Ask for 1 to 1000 posts", "k is 0. Ask for 1 to 1000 posts"),
])
def test_the_remedy_of_a_message_can_be_typed(message, said):
    assert told(message) == said


def test_what_pl_python_puts_before_a_message_is_left_out():
    assert plain("plpy.Error: k is 0") == plain("spiexceptions.QueryCanceled: k is 0") == plain("k is 0") == "k is 0"


@pytest.mark.parametrize(("words", "said"), [
    (["ingest", "--timezon", "x"], "error: No such option '--timezon'. Did you mean '--timezone'? Next: "),
    (["train"], "error: Missing argument 'VARIANT'. Next: "),
])
def test_a_line_has_one_full_stop(words, said):
    assert CliRunner().invoke(main, words).stderr.startswith(said)


def test_commands_name_the_database_that_is_not_the_default(monkeypatch):
    for default in ("", "pgfeed"):
        monkeypatch.setenv("PGFEED_DATABASE", default)
        assert as_command("pgfeed refresh") == "./run refresh"
    monkeypatch.setenv("PGFEED_DATABASE", "other")
    assert as_command(
        "pgfeed refresh, or pgfeed train control"
    ) == "PGFEED_DATABASE=other ./run refresh, or PGFEED_DATABASE=other ./run train control"
    assert as_command("select 1") == 'PGFEED_DATABASE=other ./run psql -c "select 1"'
    assert as_command("pgfeed experiment create --help") == "./run experiment create --help"


def test_commands_name_the_server_that_is_not_the_embedded_one(monkeypatch):
    monkeypatch.setenv("PGFEED_DATABASE", "other")
    monkeypatch.setenv("PGFEED_DSN", URL)
    assert as_command("pgfeed migrate") == f"PGFEED_DSN={URL} ./run migrate"
    assert as_command("select 1") == f'PGFEED_DSN={URL} ./run psql -c "select 1"'
    assert as_command("pgfeed evaluate --help") == "./run evaluate --help"


def test_the_installed_script_names_itself(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/pgfeed", "check"])
    assert as_command("pgfeed refresh") == "pgfeed refresh" and as_command("select 1") == 'psql -c "select 1"'
    monkeypatch.setenv("PGFEED_DSN", "host=h password=secret")
    assert as_command("pgfeed refresh") == "PGFEED_DSN=host=h pgfeed refresh"
    assert as_command("select 1") == 'psql host=h -c "select 1"'


@pytest.mark.parametrize(("dsn", "shown"), [
    (URL, URL),
    ("postgresql:///feed", "postgresql:///feed"),
    ("postgresql://reader:secret@db.example.com/feed", URL),
    ("postgres://reader:s%40cr%2Fet@[::1]:5433/feed?sslmode=require", "postgres://reader@[::1]:5433/feed?sslmode=require"),
    ("postgresql://my%3Areader:secret@a:1,b:2/feed", "postgresql://my%3Areader@a:1,b:2/feed"),
    ("postgresql://db/feed?user=reader&password=secret&sslmode=require", "postgresql://db/feed?user=reader&sslmode=require"),
    ("postgresql://reader@db/feed?password=secret", "postgresql://reader@db/feed"),
    ("postgresql://reader:secret@db/feed?sslkey=k&sslpassword=secret", "postgresql://reader@db/feed?sslkey=k"),
    ("host=db dbname=feed user=reader", "host=db dbname=feed user=reader"),
    ("host=db password=secret dbname='my feed'", "dbname='my feed' host=db"),
    ("password = 'se\\'cret ' host=db", "host=db"),
    ("service=prod", "service=prod"),
    ("service=prod password=secret", "service=prod"),
    ("passfile=/home/me/pgpass host=db", "passfile=/home/me/pgpass host=db"),
    ("secret", "..."),
    ("host=db nonsense=secret", "..."),
])
def test_a_printed_address_has_no_password(dsn, shown):
    assert public(dsn) == shown


@pytest.mark.parametrize("dsn", [
    "postgresql://reader@db/feed?pass%77ord=s3cret",
    "postgresql://reader@db/feed?options=-c%20search_path%3Dx%20-c%20my.password%3Ds3cret",
    "host=db options='-c my.secret=s3cret -c search_path=x' user=reader",
    "host=db options='--my.token=s3\\\\ cret -c search_path=x' user=reader password=s3cret",
])
def test_no_secret_is_left_in_unusual_places(dsn):
    options = parse_dsn(public(dsn))
    assert "s3" not in str(options) and "cret" not in str(options)
    assert options["host"] == "db" and options["user"] == "reader"
    assert options.get("options") in (None, "-c search_path=x")


def test_every_verb_of_the_loader_is_known():
    assert {*main.commands, "env", "install", "reset"} == {*VERBS}


@pytest.mark.parametrize("dsn", ["postgresql://reader@db/feed?application_name=$(id)'&connect_timeout=3",
                                 "host=db dbname='a b \"c\" `id` $HOME!'"])
def test_a_shell_reads_the_address_as_it_is(monkeypatch, dsn):
    monkeypatch.setenv("PGFEED_DSN", dsn)
    assignment = shlex.split(as_command("pgfeed check"))[0]
    shown = subprocess.run(["bash", "-c", as_command("pgfeed check").replace("./run check", "printenv PGFEED_DSN")],
                           capture_output=True, text=True, check=True)
    assert assignment == f"PGFEED_DSN={shown.stdout[:-1]}" and shown.stdout == f"{public(dsn)}\n"


@pytest.mark.parametrize(("dsn", "shown"), [
    (URL, URL),
    ("postgresql://reader:secret@db.example.com/feed?a=b&c=d", "postgresql://reader@db.example.com/feed?a=b&c=d"),
    ("postgresql://reader@db/feed?password=secret", "..."),
    ("host=db password=secret user=reader", "host=db user=reader"),
    ("host=db password = 'a \\' secret' user=reader", "host=db user=reader"),
    ("password=a\\ secret host=db", "host=db"),
    ("host=db sslpassword=secret", "..."),
])
def test_run_prints_no_password_either(dsn, shown):
    done = subprocess.run([ROOT / "run", "nonsense"], env={**os.environ, "PGFEED_DSN": dsn}, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1 and "secret" not in done.stderr
    assert shlex.split(done.stderr)[-3:] == [f"PGFEED_DSN={shown}", "./run", "help"]
