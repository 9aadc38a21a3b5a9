"""Every remedy that is printed runs in a shell as it was printed, on the server and database that it is about."""

import re
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from loader.cli import main
from tests.db.conftest import ROOT, alembic, autocommit, queries
from tests.db.test_health import check

pytestmark = pytest.mark.usefixtures("durable")

BROKEN = {
    "roll-ups and features": (
        {"roll-ups", "features", "model control", "default variant", "indexes", "recommendations", "recommend_posts"},
        """
        update pgfeed.rollup_days set is_stale = true where day > '2021-12-10';
        update pg_index set indisvalid = false where indexrelid = 'pgfeed.users_pkey'::regclass;
        do $$ begin execute format('alter database %I set pgfeed.default_variant = nope', current_database()); end $$;
        select pgfeed._start_recommendation_batch(null, 5, 'control', null);
        update pgfeed.recommendation_batches set started_at = now() - interval '1 hour';
        truncate pgfeed.feature_packs;
        """,
    ),
    "models": (
        {"model", "experiment", "roll-ups"},
        """
        call pgfeed.create_experiment('try', '{control,popular}');
        call pgfeed.start_experiment('try');
        truncate pgfeed.model_activations;
        call pgfeed.create_event_partitions('2074-02-10', '2074-02-10');
        insert into pgfeed.feed_events (event_at, user_id, post_id, action) values ('2074-02-10', 7, 3, 'view');
        call pgfeed.roll_up_events();
        """,
    ),
}
# What is done, the verb that is refused then, and whether its remedy mends that or shows what there is.
REFUSED = {
    "a dropped function": ("drop function pgfeed.search_posts(text, integer)", ["check"], True),
    "no revision": ("truncate pgfeed.alembic_version", ["refresh"], True),
    "an experiment that runs": (
        "call pgfeed.create_experiment('a', '{control,popular}'); call pgfeed.start_experiment('a');"
        " call pgfeed.create_experiment('b', '{control,random}')", ["experiment", "start", "b"], True,
    ),
    "features that a model lacks": (
        "call pgfeed.create_experiment('a', '{control,popular}'); truncate pgfeed.feature_packs",
        ["experiment", "start", "a"], True,
    ),
    "an experiment that is not there": ("select", ["experiment", "stop", "nope"], False),
    "a model that is not there": ("select", ["activate", "control", "7"], False),
    "nothing to go back to": ("select", ["rollback", "control"], False),
    "a protocol that is not there": ("select", ["evaluate", "nonsense", "control"], False),
    "no simulated network": ("select", ["evaluate", "live", "control"], False),
}


def paste(command: str) -> None:
    """Run a command as a person types it at the root of the checkout."""
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stdout, done.stderr)


def try_remedy(dsn: str, monkeypatch, words: list[str], is_mended: bool) -> None:
    """Paste what a verb prints that is refused; the verb works then if that was to mend it."""
    monkeypatch.setenv("PGFEED_DSN", dsn)
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 1, refused.output
    paste(re.search(r"(PGFEED_DSN=\S+ )?\./run .*", refused.output)[0])
    assert (CliRunner().invoke(main, words).exit_code == 0) is is_mended


@pytest.mark.parametrize("situation", BROKEN)
def test_what_check_prints_mends(network, network_dsn, situation):
    names, change = BROKEN[situation]
    for statement in re.findall(r"\S.*;$", change, re.MULTILINE):
        network(statement)
    found = {row["name"]: row["remedy"] for row in check(network_dsn)[1] if row["status"] != "ok"}
    assert set(found) == names
    for remedy in found.values():
        paste(remedy)
    assert [row for row in check(network_dsn)[1] if row["status"] != "ok"] == []


@pytest.mark.parametrize("situation", REFUSED)
def test_what_an_error_prints_mends(network_dsn, monkeypatch, situation):
    change, words, is_mended = REFUSED[situation]
    with autocommit(network_dsn) as connection:
        queries(connection)(change)
    try_remedy(network_dsn, monkeypatch, words, is_mended)


def test_a_database_of_another_revision_is_migrated(network_dsn, monkeypatch):
    alembic(network_dsn, "downgrade", "0012")
    try_remedy(network_dsn, monkeypatch, ["refresh"], True)


def test_the_winner_serves_after_what_conclude_prints(network, network_dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    network("truncate pgfeed.model_activations")
    network("call pgfeed.create_experiment('try', '{random,control@1}', arms => '{old,new}');"
            " call pgfeed.start_experiment('try')")
    concluded = CliRunner().invoke(main, ["experiment", "conclude", "try", "new"])
    assert concluded.exit_code == 0, concluded.output
    paste(concluded.stdout.partition("Next, to let it serve everybody: ")[2])
    assert network("select variant, version from pgfeed.active_models") == [("control", 1)]
    with autocommit(network_dsn) as connection:
        assert queries(connection)("show pgfeed.default_variant") == [("control",)]


def write_feed(folder: Path) -> str:
    """Write a file of posts and one of events that have just come in; return their names as a shell reads them."""
    now = datetime.now(UTC)
    events = [f"{now - timedelta(minutes=n)},{n % 5},{n % 7},view,{n % 2}" for n in range(1, 36)]
    files = {
        folder / "posts.csv": ["post_id,text,topic", *(f"{n},post {n},sport" for n in range(7))],
        folder / "events.csv": ["timestamp,user_id,post_id,action,target", *events],
    }
    for path, lines in files.items():
        path.write_text("\n".join(lines) + "\n")
    return shlex.join(map(str, files))


def test_an_empty_database_becomes_one_that_serves(empty_dsn, monkeypatch, tmp_path):
    monkeypatch.setenv("PGFEED_DSN", empty_dsn)
    files = write_feed(tmp_path)
    for _ in range(4):
        code, rows = check(empty_dsn)
        remedies = [row["remedy"] for row in rows if row["status"] != "ok" and row["name"] != "model"]
        if not remedies:
            break
        for remedy in remedies:
            paste(remedy.replace("FILE...", files))
    assert (code, remedies) == (0, [])
    with autocommit(empty_dsn) as connection:
        assert queries(connection)("select count(*) from pgfeed.recommend_posts(99)") == [(5,)]
