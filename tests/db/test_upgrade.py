"""Upgrades: from every revision with data to head and back, nothing lost; a revision that fails leaves the one before."""

import hashlib

import pytest
from alembic import command
from alembic.config import Config
from catboost import CatBoost, Pool

from loader.learning import registry
from loader.server import db
from tests.db.conftest import NETWORK, ROOT, administer, autocommit, clone, database_name, dsn_of, queries

REVISIONS = [path.name[:4] for path in sorted(db.VERSIONS.glob("[0-9]*.py"))]
TABLES = """
    select c.relname, string_agg(format('%I', a.attname), ', ' order by a.attnum)
    from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'pgfeed'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'alembic_version'
    group by c.relname order by c.relname
"""
MODEL = """
    insert into pgfeed.models (variant, version, artifact, sha256, feature_names, encoders, parameters, metrics, golden_matrix, golden_scores)
    values ('control', 1, %s, %s, '{user.age,post.like_rate}', '{}', '{}', '{}', float4send(20) || float4send(0.5), array[%s])
"""
FIVE = "select count(*) from pgfeed.recommend_posts(7, '2021-12-13')"
EMPTY = ("ingest_files", "ingest_rejects", "post_components", "recommendation_chunks")
# What each revision brings: the data to make as soon as it is there.
STEPS = {
    "0001": [NETWORK.replace("random()", "0.3")],
    "0002": ["call pgfeed.roll_up_events()"],
    "0003": ["call pgfeed.refresh_features()"],
    "0004": [
        "call pgfeed.activate_model('control', 1)",
        "insert into pgfeed.evaluations (protocol, method, metric, value, sample_count, parameters) values ('logged', 'model', 'HitRate@5', 0.5, 9, '{}')",
    ],
    "0005": ["call pgfeed.refresh_features()"],
    "0006": [
        "insert into pgfeed.embedders (name, checkpoint, dimensions, is_active) values ('tfidf', 'x', 3, true)",
        """insert into pgfeed.post_embeddings (embedder_id, dimensions, post_id, text_digest, embedding)
        select 1, 3, p.post_id, md5(p.text)::uuid, '[1,0,0]' from pgfeed.posts as p""",
    ],
    "0007": [
        "call pgfeed.create_experiment('try', '{control,random}')", "call pgfeed.start_experiment('try')",
        "select 1 from generate_series(1, 9) as u cross join lateral pgfeed.serve_posts(u, '2021-12-13') as s",
    ],
    "0008": ["call pgfeed.refresh_recommendations('2021-12-13', 3)"],
    "0010": ["call pgfeed.refresh_features()"],
}


@pytest.fixture
def migrate(monkeypatch):
    """A function that moves a database to a revision."""
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))

    def run(dsn: str, revision: str) -> None:
        monkeypatch.setenv("PGFEED_DSN", dsn)
        with autocommit(dsn) as connection:
            exists = queries(connection)("select to_regclass('pgfeed.alembic_version') is not null")[0][0]
            now = exists and queries(connection)("select max(version_num) from pgfeed.alembic_version")[0][0]
        (command.downgrade if now and now > revision else command.upgrade)(config, revision)

    return run


def artifact() -> tuple[bytes, str, float]:
    """Return a model of two features, its digest and its score of the golden sample."""
    pool = Pool([[20.0, 0.1], [40.0, 0.5]] * 9, [0, 1] * 9, feature_names=["user.age", "post.like_rate"])
    booster = CatBoost({"iterations": 2, "verbose": False, "allow_writing_files": False, "loss_function": "Logloss"}).fit(pool)
    blob = registry.artifact(booster)
    return blob, hashlib.sha256(blob).hexdigest(), float(booster.predict([[20.0, 0.5]], prediction_type="RawFormulaVal")[0])


def contents(run, tables: list[tuple[str, str]]) -> dict[str, tuple]:
    """Return how many rows each table has, and a digest of them, by its name."""
    digest = "select count(*), md5(string_agg(r::text, '|' order by r::text)) from (select {} from pgfeed.{}) as r"
    return {name: run(digest.format(columns, name))[0] for name, columns in tables}


@pytest.fixture(scope="module")
def growing():
    """Connection string of a database that the tests below take from revision to revision, in order."""
    name = database_name("growing")
    administer(f'create database "{name}"')
    yield name
    administer(f'drop database "{name}" with (force)')


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_data_survives_the_way_to_head_and_back(growing, migrate, revision):
    migrate(dsn_of(growing), revision)
    with autocommit(dsn_of(growing)) as connection:
        run = queries(connection)
        if revision == "0004":
            run(MODEL, *artifact())
        for statement in STEPS.get(revision, []):
            run(statement)
        tables = run(TABLES)
        before = contents(run, tables)
    assert revision < "0010" or all(rows for name, (rows, _) in before.items() if name not in EMPTY), before

    with clone(growing) as dsn:
        migrate(dsn, "head")
        with autocommit(dsn) as connection:
            run = queries(connection)
            after = contents(run, tables)
            if revision < "0010":  # which takes away the packs of features that are no more
                assert after.pop("feature_packs", None) != before.pop("feature_packs", None) or revision < "0003"
            assert after == before
            if revision >= "0003":
                assert run(FIVE) == [(5,)]
            run("call pgfeed.refresh_features()")
            assert run(FIVE) == [(5,)]
    with clone(growing) as dsn:
        migrate(dsn, "head")
        migrate(dsn, revision)
        with autocommit(dsn) as connection:
            run = queries(connection)
            assert run(TABLES) == tables
            assert contents(run, tables).items() >= before.items()
            if revision >= "0004":
                run("call pgfeed.refresh_features()")
                assert run(FIVE) == [(5,)]


def test_a_revision_that_fails_leaves_the_one_before(empty_dsn, migrate):
    migrate(empty_dsn, "0006")
    with autocommit(empty_dsn) as connection:
        run = queries(connection)
        run("create table pgfeed.exposures (mine integer)")
        with pytest.raises(Exception, match="exposures"):
            migrate(empty_dsn, "head")
        assert run("select version_num, to_regclass('pgfeed.experiments') from pgfeed.alembic_version") == [("0006", None)]
        run("drop table pgfeed.exposures")
        migrate(empty_dsn, "head")
        assert run("select version_num from pgfeed.alembic_version") == [(REVISIONS[-1],)]
