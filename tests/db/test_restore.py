"""Dump and restore, with and without data, into a database of another name."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import psycopg2
import pytest

from loader.errors import PgfeedError
from loader.server import db, migrate
from loader.simulation import simulate
from tests.db.conftest import ROOT, administer, autocommit, database_name, dsn_of, queries
from tests.db.test_health import check
from tests.db.test_structure import dump as schema
from tests.servers import primary

pytestmark = pytest.mark.usefixtures("durable")

END = "2021-12-13 12:00+00"
STORED = "select * from pgfeed.recommendations order by user_id, rank"

ALL_CODE = """
    select format('drop routine if exists %s', p.oid::regprocedure)
    from pg_proc as p
    where p.pronamespace = 'pgfeed'::regnamespace
        and not exists (select from pg_depend as d where d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid
            and d.deptype = 'n')
    union all
    select 'drop view ' || string_agg(c.oid::regclass::text, ', ') || ' cascade' from pg_class as c
        where c.relnamespace = 'pgfeed'::regnamespace and c.relkind = 'v'
"""


@pytest.fixture(scope="module")
def other_server():
    """A server whose superuser is not named as ours."""
    with primary(user="dba") as server:
        yield server


@pytest.fixture
def restored(network, network_dsn, tmp_path):
    """A function that dumps the network and restores it with the options given; it returns the connection string."""
    names = []
    network("call pgfeed.refresh_recommendations(%s)", END)

    def restore(*options: str) -> str:
        name = database_name("restored")
        names.append(name)
        # A dump does not hold settings of the database.
        administer(f'create database "{name}"', f"alter database \"{name}\" set pgfeed.events_max_age = 'off'")
        subprocess.run(["pg_dump", "-Fc", "-f", tmp_path / "dump", *options, network_dsn], check=True)
        done = subprocess.run(["pg_restore", "--exit-on-error", "-j", "2", "-d", dsn_of(name), tmp_path / "dump"],
                              capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        return dsn_of(name)

    yield restore
    administer(*(f'drop database "{name}" with (force)' for name in names))


def lists(query) -> list[tuple]:
    """Return the posts of all users now and in the past."""
    return [
        row
        for ts in (END, "2021-12-09 15:00+00")
        for row in query("select r.* from generate_series(1, 61) as u"
                         " cross join lateral pgfeed.recommend_posts(u, %s) as r", ts)
    ]


def test_a_restored_database_gives_the_same_posts_and_is_well(network, network_dsn, restored):
    dsn = restored()
    assert schema(dsn) == schema(network_dsn)
    with autocommit(dsn) as connection:
        copy = queries(connection)
        assert lists(copy) == lists(network)
        assert copy(STORED) == network(STORED)
        code, rows = check(dsn)
        assert code == 0 and {row["status"] for row in rows} == {"ok"}
        copy("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
             " values ('2021-12-12 23:00+00', 7, 3, 'like')")
        copy("call pgfeed.refresh_features()")
        copy("call pgfeed.activate_model('control', 1)")
        copy("call pgfeed.refresh_recommendations()")
        assert copy("select count(*) from pgfeed.recommendations where batch_id = 2") == [(300,)]
        assert 3 not in {row[0] for row in copy("select post_id from pgfeed.recommend_posts(7, %s, 80)", END)}


def test_migrate_says_that_features_must_be_packed_anew(network, network_dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    assert migrate.migrate()[1] is None
    network("truncate pgfeed.feature_packs")
    assert migrate.migrate()[1] == "pgfeed refresh"


def test_migrate_makes_dropped_code_again(dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", dsn)
    migrate.migrate()
    before = schema(dsn)
    with autocommit(dsn) as connection:
        run = queries(connection)
        bodies = (
            "select p.proname, p.prosrc, p.proacl::text from pg_proc as p where p.pronamespace = 'pgfeed'::regnamespace"
            " order by 1, 2"
        )
        code = run(bodies)
        # Materialized views need the others.
        for drop, in run(ALL_CODE):
            run(drop)
        restored = migrate.migrate()[2]
        assert len(restored) > 60 and "functions/health" in restored and "views/data_stages" in restored
        assert schema(dsn) == before and run(bodies) == code
        assert migrate.migrate()[2] == []
        run("drop materialized view pgfeed.post_text_features cascade; drop view pgfeed.likes cascade")
        with pytest.raises(PgfeedError, match="has no materialized view .*post_text_features.*restore a backup"):
            migrate.migrate()


def test_a_migration_whose_connection_is_lost_says_so(network, network_dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    waits = (
        "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        " and wait_event = 'advisory'"
    )
    network("select pg_advisory_lock(hashtext('pgfeed.refresh_features'))")
    with ThreadPoolExecutor() as pool:
        migration = pool.submit(migrate.migrate)
        while not (found := network(waits)):
            assert not migration.done()
        network("select pg_terminate_backend(%s)", found[0][0])
        with pytest.raises(PgfeedError, match="the connection to the server was lost"):
            migration.result()


def test_a_schema_without_data_works_once_it_knows_its_revision(network, network_dsn, restored, monkeypatch):
    dsn = restored("--schema-only")
    assert schema(dsn) == schema(network_dsn)
    monkeypatch.setenv("PGFEED_DSN", dsn)
    with pytest.raises(PgfeedError, match="does not know its revision: it was restored without data") as raised:
        migrate.migrate()
    with autocommit(dsn) as connection:
        copy = queries(connection)
        assert {row["name"]: row["status"] for row in check(dsn)[1]}["schema"] == "fail"
        copy(raised.value.next.partition(": ")[2])
        assert migrate.migrate()[0] == network("select version_num from pgfeed.alembic_version")[0][0]

        for table in ("users", "posts", "feed_events"):
            text = subprocess.run(
                ["pg_dump", "--data-only", f"--table=pgfeed.{table}*", network_dsn], capture_output=True, check=True
            ).stdout
            subprocess.run(
                ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", dsn], input=text, check=True, stdout=subprocess.DEVNULL
            )
        copy("call pgfeed.refresh_features()")
        features = "select * from pgfeed.user_features order by 1"
        assert copy(features) == network(features)
        assert copy("call pgfeed.roll_up_events()") == [(0,)]
        assert check(dsn)[0] == 0


@pytest.mark.parametrize(("before", "found", "remedy"), [
    ('create schema "Ext"; create extension vector schema "Ext"', 'vector is in the schema "Ext"',
     "alter extension vector set schema public"),
    ("drop schema public", "has no schema public", "create schema public"),
])  # fmt: skip
def test_migrate_says_where_vector_has_to_be(empty_dsn, monkeypatch, before, found, remedy):
    monkeypatch.setenv("PGFEED_DSN", empty_dsn)
    with autocommit(empty_dsn) as connection:
        queries(connection)(before)
        with pytest.raises(PgfeedError, match=f"{found}.*{remedy}"):
            migrate.migrate()
        queries(connection)(remedy)
        assert migrate.migrate()[0] == db.head()


@pytest.mark.parametrize("place", ["extensions", "pg_catalog", "public"])
def test_vector_can_move_after_migrate(network, network_dsn, monkeypatch, place):
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    before = lists(network)
    network(
        "create schema other; create schema extensions;"
        f" alter extension vector set schema {place if place != 'public' else 'other'}"
    )
    if place == "public":
        network("alter extension vector set schema public")
    else:
        assert {row["name"]: row["status"] for row in check(network_dsn)[1]}["definitions"] == "fail"
    migrate.migrate()
    network("call pgfeed.refresh_features()")
    assert lists(network) == before
    assert {row["status"] for row in check(network_dsn)[1]} == {"ok"}


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--no-owner"],
        ["--no-acl"],
        ["--no-owner", "--no-acl"],
        ["--no-comments"],
        ["--section=pre-data", "--section=data", "--section=post-data"],
    ],
    ids=lambda options: " ".join(options) or "plain",
)
def test_a_dump_restores_for_a_superuser_of_any_name_and_migrate_puts_right_what_it_lost(
    network, network_dsn, other_server, tmp_path, monkeypatch, options
):
    network(simulate.TABLES.read_text(encoding="utf-8"))
    other_server.clone(None, "other")
    subprocess.run(["pg_dump", "-Fc", "-f", tmp_path / "dump", network_dsn], check=True)
    subprocess.run(
        [
            "psql",
            "-Xq",
            "-v",
            "ON_ERROR_STOP=1",
            "-f",
            ROOT / "migrations/baseline/roles.sql",
            other_server.dsn("other"),
        ],
        check=True,
    )
    done = subprocess.run(
        ["pg_restore", "--exit-on-error", *options, "-d", other_server.dsn("other"), tmp_path / "dump"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    with other_server.connect("other") as copy:
        monkeypatch.setenv("PGFEED_DSN", other_server.dsn("other"))
        found = {row["name"]: row for row in check(other_server.dsn("other"))[1]}
        lost = {"--no-owner", "--no-acl"} & set(options)
        assert found["definitions"]["status"] == (
            "fail" if lost else "warn" if options == ["--no-comments"] else "ok"
        ), found["definitions"]
        assert lost != {"--no-owner", "--no-acl"} or (
            "belongs to dba" in found["definitions"]["found"] and "everybody" in found["definitions"]["found"]
        )
        migrate.migrate()
        assert {row["status"] for row in check(other_server.dsn("other"))[1]} == {"ok"}
        assert lists(copy) == lists(network)
        # In which order rights were granted is no matter.
        assert sorted(schema(other_server.dsn("other"), "--no-comments").splitlines()) == sorted(
            schema(network_dsn, "--no-comments").splitlines()
        )
        copy("create role stranger; grant usage on schema pgfeed to stranger; set role stranger")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            copy("call pgfeed.drop_exposures('2100-01-01')")
        copy("reset role; drop owned by stranger; drop role stranger")
