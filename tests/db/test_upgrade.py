"""Upgrades: a database of the last release comes to head and back; a revision that fails leaves the one before."""

import os
import subprocess
import sys

import pytest
from alembic import command
from alembic.config import Config

from loader.errors import PgfeedError
from loader.server import migrate as migrations_verb
from loader.simulation import simulate
from migrations import objects
from tests.db.conftest import NETWORK, ROOT, administer, alembic, autocommit, clone, database_name, dsn_of, queries
from tests.db.test_structure import dump

RELEASE = "bbf6a3813e94b0c22b9c134858338034f285260f"  # v0.1.0
TABLES = """
    select c.relname, string_agg(format('%I', a.attname), ', ' order by a.attnum)
    from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'pgfeed'::regnamespace and c.relkind in ('r', 'p', 'm') and not c.relispartition
        and c.relname <> 'alembic_version'
    group by c.relname order by c.relname
"""
TRAIN = """
from loader import db, models, train
connection = db.connect()
models.activate(connection, "control", models.store(connection, "control", train.train(connection, "control")))
"""
# The release counted a like again on another day, which is no second like now: without those both count the same.
LIKES_ONCE = """
    update pgfeed.feed_events as e set target = false
    where e.target and exists (
        select from pgfeed.feed_events as f
        where f.user_id = e.user_id and f.post_id = e.post_id and f.target and f.event_at < e.event_at
    )
"""
DATA = [
    NETWORK,
    LIKES_ONCE,
    """insert into pgfeed.embedders (name, checkpoint, dimensions, is_active) values ('tfidf', 'x', 3, true);
    insert into pgfeed.post_embeddings (embedder_id, dimensions, post_id, text_digest, embedding)
    select 1, 3, p.post_id, md5(p.text)::uuid, '[1,0,0]' from pgfeed.posts as p""",
    "call pgfeed.refresh_features()",
]
USE = [
    "call pgfeed.create_experiment('try', '{control,random}')",
    "call pgfeed.start_experiment('try')",
    "select 1 from generate_series(1, 9) as u cross join lateral pgfeed.serve_posts(u, '2021-12-13') as s",
    "call pgfeed.refresh_recommendations('2021-12-13', 3)",
    """insert into pgfeed.evaluations (protocol, method, metric, value, sample_count, parameters)
    values ('logged', 'model', 'HitRate@5', 0.5, 9, '{}')""",
]
EMPTY = ("ingest_files", "ingest_rejects", "post_components", "recommendation_chunks")
ANSWERS = """
    select
        u, t, r.rank, r.post_id, r.topic, r.text, r.score, r.variant, r.source, r.model_version, r.features_as_of
    from generate_series(0, 61, 7) as u
    cross join unnest(array['2021-12-07 20:00+00', '2021-12-13 09:30+00']::timestamptz[]) as t
    cross join lateral pgfeed.recommend_posts(u, t, 5, 'control') as r
    order by u, t, r.rank
"""


def run_there(folder, dsn: str, *arguments: str) -> None:
    """Run Python in another checkout on a database."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env={**os.environ, "PGFEED_DSN": dsn, "PYTHONPATH": str(folder)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def old_checkout(tmp_path_factory):
    """The files of the last release."""
    folder = tmp_path_factory.mktemp("release")
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", RELEASE], capture_output=True)
    if archive.returncode:
        pytest.skip("this checkout has no history that reaches v0.1.0")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


@pytest.fixture(scope="module")
def released(old_checkout):
    """Name of a database that the last release made and filled."""
    name = database_name("released")
    administer(f'create database "{name}"')
    run_there(old_checkout, dsn_of(name), "-m", "alembic", "upgrade", "head")
    with autocommit(dsn_of(name)) as connection:
        run = queries(connection)
        for statement in DATA:
            run(statement)
        run_there(old_checkout, dsn_of(name), "-c", TRAIN)
        for statement in USE:
            run(statement)
    yield name
    administer(f'drop database "{name}" with (force)')


@pytest.fixture
def migrate(monkeypatch):
    """A function that moves a database to a revision."""
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))

    def run(dsn: str, revision: str) -> None:
        monkeypatch.setenv("PGFEED_DSN", dsn)
        with autocommit(dsn) as connection:
            now = queries(connection)("select max(version_num) from pgfeed.alembic_version")[0][0]
        (command.downgrade if now > revision else command.upgrade)(config, revision)

    return run


def look(dsn: str, released_dsn: str) -> tuple[dict[str, tuple], list[tuple]]:
    """Return the number of rows and a digest of each relation of the release, by name; and what is recommended."""
    digest = "select count(*), md5(string_agg(r::text, '|' order by r::text)) from (select {} from pgfeed.{}) as r"
    with autocommit(released_dsn) as connection:
        tables = queries(connection)(TABLES)
    with autocommit(dsn) as connection:
        run = queries(connection)
        return {name: run(digest.format(columns, name))[0] for name, columns in tables}, run(ANSWERS)


def test_a_database_of_the_release_answers_the_same_at_head(released, migrate, dsn):
    contents, answers = look(dsn_of(released), dsn_of(released))
    assert [name for name, (rows, _) in contents.items() if not rows and name not in EMPTY] == []
    assert {row[8] for row in answers} == {"model", "cold_start"}
    with clone(released) as old:
        migrate(old, "head")
        assert look(old, dsn_of(released)) == (contents, answers)
        assert dump(old) == dump(dsn)
        with autocommit(old) as connection:
            run = queries(connection)
            likes = run("select sum(like_count) from pgfeed.rollup_days")
            assert run("select count(*) from pgfeed.liked_posts") == likes
            assert run("select count(*), count(event_count) from pgfeed.rollup_days") == [(12, 0)]
            run("call pgfeed.refresh_features()")
            assert run("select count(*), count(event_count) from pgfeed.rollup_days") == [(12, 12)]
        assert look(old, dsn_of(released))[1] == answers


def test_the_first_roll_up_after_the_release_counts_again_but_not_what_is_gone(released, migrate):
    with clone(released) as old, autocommit(old) as connection:
        run = queries(connection)
        before = run("select sum(like_count) from pgfeed.rollup_days where day <> '2021-12-03'")
        run("delete from pgfeed.feed_events where event_at::date = '2021-12-03'")
        run("update pgfeed.rollup_days set like_count = like_count + 5")
        migrate(old, "head")
        run("call pgfeed.roll_up_events()")
        assert run("select sum(like_count) from pgfeed.rollup_days where day <> '2021-12-03'")[0][0] <= before[0][0]
        assert run("select view_count, missing_count from pgfeed.rollup_days where day = '2021-12-03'") == [(720, 720)]


def test_the_release_goes_on_after_a_downgrade(released, migrate, old_checkout):
    before = look(dsn_of(released), dsn_of(released))
    with clone(released) as old:
        migrate(old, "head")
        migrate(old, "0012")
        run_there(old_checkout, old, "-m", "loader.cli", "migrate")
        assert look(old, dsn_of(released)) == before


@pytest.mark.parametrize("is_used", [True, False])
def test_the_schema_of_a_simulation_stays_where_there_is_one(empty_dsn, migrate, is_used):
    alembic(empty_dsn, "upgrade", "0012")
    with autocommit(empty_dsn) as connection:
        run = queries(connection)
        if is_used:
            run(simulate.TABLES.read_text(encoding="utf-8"))
        for revision in ("head", "0012", "head"):
            migrate(empty_dsn, revision)
            assert run(
                "select to_regclass('simulation.worlds') is not null, to_regnamespace('simulation') is not null"
            ) == [
                (is_used, is_used or revision == "0012"),
            ]  # fmt: skip
        alembic(empty_dsn, "downgrade", "base")
        assert run("select to_regnamespace('simulation')") == [(None,)]


def test_a_revision_that_fails_leaves_the_one_before(empty_dsn, migrate):
    alembic(empty_dsn, "upgrade", "0012")
    with autocommit(empty_dsn) as connection:
        run = queries(connection)
        run("create table pgfeed.impressions (mine integer)")
        with pytest.raises(Exception, match="impressions"):
            migrate(empty_dsn, "head")
        assert run(
            "select version_num, to_regproc('pgfeed._like_window') from pgfeed.alembic_version"
        ) == [("0012", None)]
        run("drop table pgfeed.impressions")
        migrate(empty_dsn, "head")
        assert run("select version_num from pgfeed.alembic_version") == [(objects.revisions()[-1].name[:4],)]


@pytest.mark.parametrize("revision, way_out", [("0007", "git checkout v0.1.0"), ("9000", "git pull")])
def test_a_database_of_another_history_is_told_what_to_run(dsn, monkeypatch, revision, way_out):
    with autocommit(dsn) as connection:
        queries(connection)("update pgfeed.alembic_version set version_num = %s", revision)
    monkeypatch.setenv("PGFEED_DSN", dsn)
    with pytest.raises(PgfeedError, match=rf"is at revision {revision}.*Next: {way_out}"):
        migrations_verb.migrate()
