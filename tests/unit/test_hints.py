"""The server's hints in the words of the command line."""

import pytest

from loader.hints import as_verbs, plain


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
