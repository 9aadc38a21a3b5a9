"""The server's hints in the words of the command line."""

import pytest
from click.testing import CliRunner

from loader.cli import main
from loader.server.remedies import as_command, as_verbs, here, plain


@pytest.mark.parametrize(("sql", "verb"), [
    ("Run: call pgfeed.refresh_features()", "Run: ./run refresh"),
    ("call pgfeed.stop_experiment('try'), or ./run refresh", "./run experiment stop try, or ./run refresh"),
    ("See: select name, started_at from pgfeed.experiments", "See: ./run experiment list"),
    ("call pgfeed.refresh_recommendations(k => 5, variant => NULL, active_days => null)", "./run recommend --batch -k 5"),
    (
        "call pgfeed.refresh_recommendations(ts => '2021-12-13 12:00:00+00', k => 7, variant => 'control', active_days => 30)",
        "./run recommend --batch --at '2021-12-13 12:00:00+00' -k 7 --variant control --active 30",
    ),
    ("no model was active. See: select * from pgfeed.model_activations", 'no model was active. See: ./run psql -c "select * from pgfeed.model_activations"'),
    ("call pgfeed.activate_model('control', 1)", "call pgfeed.activate_model('control', 1)"),
])
def test_sql_becomes_a_verb(sql, verb):
    assert as_verbs(sql) == verb


def test_what_pl_python_puts_before_a_message_is_left_out():
    assert plain("plpy.Error: k is 0") == plain("spiexceptions.QueryCanceled: k is 0") == plain("k is 0") == "k is 0"


@pytest.mark.parametrize(("remedy", "command"), [
    ("call pgfeed.refresh_features()", "./run refresh"),
    ("./run embed", "./run embed"),
    ("select pg_terminate_backend(7)", './run psql -c "select pg_terminate_backend(7)"'),
    ('alter database "my-feed" reset pgfeed.x', './run psql -c "alter database \\"my-feed\\" reset pgfeed.x"'),
    ("alter system set a = '1'; alter system set b = '2'; then restart the server",
     """./run psql -c "alter system set a = '1'" -c "alter system set b = '2'"; then restart the server"""),
])
def test_a_remedy_can_be_typed(remedy, command):
    assert as_command(remedy) == command


@pytest.mark.parametrize(("words", "said"), [
    (["ingest", "--timezon", "x"], "error: No such option '--timezon'. Did you mean '--timezone'? Next: "),
    (["train"], "error: Missing argument 'VARIANT'. Next: "),
])
def test_a_line_has_one_full_stop(words, said):
    assert CliRunner().invoke(main, words).stderr.startswith(said)


def test_commands_name_the_database_that_is_not_the_default(monkeypatch):
    text = "./run refresh, or ./run train control"
    monkeypatch.delenv("PGFEED_DSN", raising=False)
    for default in ("", "pgfeed"):
        monkeypatch.setenv("PGFEED_DATABASE", default)
        assert here(text) == text
    monkeypatch.setenv("PGFEED_DATABASE", "other")
    assert here(text) == "PGFEED_DATABASE=other ./run refresh, or PGFEED_DATABASE=other ./run train control"
    monkeypatch.setenv("PGFEED_DSN", "dbname=x")
    assert here(text) == text
