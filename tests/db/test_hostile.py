"""Hostile input: whatever is passed, a call gives rows or one clear error, and its session goes on."""

import hashlib
import json
import os
import random
import re
from pathlib import Path

import numpy as np
import psycopg2
import pytest
from catboost import CatBoost
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loader.cli import main
from tests.db.conftest import autocommit, clone, queries

TEXTS = (
    "", " ", "'", '"', "\\", "%", "%s", "{}", "$1", "$$", ";--", "'; drop schema pgfeed cascade; --", "control", "try",
    "control@1", "a@99999999999", "pg_catalog", "pgfeed.posts", "NaN", "null", "\u202e", "😀", "e\u0301" * 500,
    "x" * 1_000_000,
)
MOMENTS = (
    "-infinity", "infinity", "4713-01-01 00:00+00 BC", "0044-03-15 12:00+00 BC", "0001-01-01 00:00+00",
    "1969-12-31 23:59:59.999999+00",
    "1970-01-01 00:00+00", "2021-03-28 01:30+00", "2021-12-05 12:00+00", "2021-12-13 00:00+00", "2022-01-01 00:00+14",
    "2099-12-31 23:59:59+00",
    "2100-01-01 00:00+00", "9999-12-31 23:59+00", "294276-12-31 23:59:59.999999+00",
)
INTERVALS = ("0", "-1 hour", "1 hour", "1 microsecond", "178000000 years", "-178000000 years", "1 month -30 days")
INTEGERS = (-(2**31), -1, 0, 1, 2, 5, 100, 1000, 1001, 10_000, 2**31 - 1)
BIGINTS = (*INTEGERS, -(2**63), 2**53 + 1, 2**63 - 1)
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.05, 1e-308, 1e308, float("inf"), float("-inf"), float("nan"))
VALUES = {
    "text": st.sampled_from(TEXTS) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    "timestamp with time zone": st.sampled_from(MOMENTS),
    "date": st.sampled_from(
        ("-infinity", "infinity", "4713-01-01 BC", "1969-12-31", "2021-12-05", "2099-12-31", "5874897-12-31")
    ),
    "interval": st.sampled_from(INTERVALS),
    "integer": st.sampled_from(INTEGERS) | st.integers(-(2**31), 2**31 - 1),
    "bigint": st.sampled_from(BIGINTS) | st.integers(-(2**63), 2**63 - 1),
    "double precision": st.sampled_from(FLOATS) | st.floats(),
    "boolean": st.booleans(),
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "real": st.floats(width=32),
    "jsonb": st.sampled_from(("null", "[]", "{}", "1", '"x"', '["a", "a"]', '[{"a": 1}]', '{"key": "id"}')),
    "bytea": st.binary(max_size=40),
    "uuid": st.uuids().map(str),
    "regclass": st.sampled_from(("pgfeed.posts", "pg_class", "0", "1")),
}
GOOD = {
    "user_id": (7, 61), "ts": ("2021-12-12 12:00+00", "2021-12-13 12:00+00"), "k": (5, 100),
    "variant": ("control", "popular", "random", None),
    "post_id": (3, 80), "experiment": ("try", "other", "fresh"), "variants": (["control", "random"],),
    "arms": (["a", "b"], None),
    "weights": ([9000, 1000], None), "attribution": ("1 hour",), "until": ("2021-12-14",), "winner": ("control",),
    "version": (1,),
    "as_of": ("2021-12-10",), "batch_id": (1,), "from_at": ("2021-12-01",), "to_at": ("2022-01-01",),
    "expected_lift": (0.05,),
}
# Verbs of the command that take texts or numbers; what they leave in the database is harmless.
COMMANDS = (
    ("recommend", "%", "--at", "%", "-k", "%"), ("recommend", "7", "--at", "%", "--variant", "%"),
    ("refresh", "--as-of", "%"),
    ("activate", "%", "%"), ("rollback", "%"), ("import", "%", "%"), ("export", "control", "%", "--version", "99"),
    ("experiment", "create", "%", "%", "%"),
    ("experiment", "create", "fresh", "control:50", "random:50", "--salt", "%"),
    ("experiment", "start", "%"), ("experiment", "report", "try", "--attribution", "%", "--until", "%"),
    ("experiment", "conclude", "%", "%"),
    ("evaluate", "%", "%"), ("ingest", "%", "--as", "%", "--timezone", "%"), ("ingest", "--from", "%"),
    ("simulate", "--users", "%"),
)
FUNCTIONS = """
    select p.proname, p.prokind, p.proargnames[:p.pronargs], array(select u.oid::regtype::text
        from unnest(p.proargtypes) as u (oid))
    from pg_proc as p
    where
        p.pronamespace = 'pgfeed'::regnamespace
            and p.proname <> 'refresh_recommendations' -- commits; its parts are here
        and exists (
            select from aclexplode(p.proacl) as a join pg_roles as r on r.oid = a.grantee
            where r.rolname in ('pgfeed_reader', 'pgfeed_writer', 'pgfeed_operator'))
        and 'anyelement'::regtype <> all (p.proargtypes)
    order by 1
"""
SLOW = ("refresh_features", "roll_up_events", "health", "create_event_partitions")
EMBEDDINGS = """
    insert into pgfeed.embedders (name, checkpoint, dimensions, is_active) values ('tfidf', 'x', 3, true);
    insert into pgfeed.post_embeddings (embedder_id, dimensions, post_id, text_digest, embedding)
    select e.embedder_id, 3, p.post_id, gen_random_uuid(), public.l2_normalize(array[1, p.post_id % 7,
        p.post_id % 11]::real[]::public.halfvec)
    from pgfeed.posts as p cross join pgfeed.embedders as e
"""
EFFORT = int(os.environ.get("PGFEED_TEST_EFFORT", "1"))  # multiplies what is tried
# What the caller can mend. Never an internal error (XX), an exception in Python (38), or SQL made of the input (42601,
# 42P01 and 42704 but for a relation that is named to be attached, or a feed).
MENDABLE = ("0A000", "22", "25", "2F", "23", "42602", "42809", "42883", "55000", "54", "P0002")


@pytest.fixture(scope="module")
def hostile(network_template):
    """A connection to a copy of the network in which an experiment runs."""
    with clone(network_template) as dsn, autocommit(dsn) as connection:
        run = queries(connection)
        run("call pgfeed.create_experiment('try', '{control,popular}')")
        run("call pgfeed.start_experiment('try')")
        run("call pgfeed.create_experiment('other', '{popular,random}')")
        run("select pgfeed._start_recommendation_batch('2021-12-13', 5, null, null)")
        run(EMBEDDINGS)
        run("set statement_timeout = '20s'")
        yield connection


def arguments(names: list[str], types: list[str]) -> st.SearchStrategy:
    """Return tuples of good and hostile values for arguments; of arrays, hostile elements."""
    each = []
    for name, kind in zip(names, types):
        values = st.none() | VALUES[kind.removesuffix("[]")]
        hostile = st.lists(values, max_size=4) if kind.endswith("[]") else values
        each.append(st.sampled_from(GOOD[name]) | hostile if name in GOOD else hostile)
    return st.tuples(*each)


def failures_of(run, call: str, strategy: st.SearchStrategy, count: int) -> tuple[int, list[tuple]]:
    """Call with hostile arguments, undoing each call; return how often, and those whose error nobody can mend."""
    tried, failures = 0, []

    @settings(max_examples=count * EFFORT, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def check(values):
        nonlocal tried
        tried += 1
        run("begin")
        try:
            run(call, *values)
        except psycopg2.Error as error:
            is_named = re.match("(plpy.Error: )?there is no (relation|feed) ", error.diag.message_primary or "")
            if not (error.pgcode or "lost").startswith(MENDABLE) and not is_named:
                failures.append((call, [str(value)[:60] for value in values], error.pgcode, str(error)[:300]))
        run("rollback")

    check()
    return tried, failures


def test_every_function_survives_every_argument(hostile, record_property):
    run, tried, failures = queries(hostile), 0, []
    pid = run("select pg_backend_pid()")
    for name, kind, names, types in run(FUNCTIONS):
        verb = f"call pgfeed.{name}" if kind == "p" else f"select count(*) from pgfeed.{name}"
        call = f"{verb}({', '.join(f'cast(%s as {type_})' for type_ in types)})"
        count, found = failures_of(run, call, arguments(names or [], types), 4 if name in SLOW else 25)
        tried, failures = tried + count, failures + found
    record_property("tried", tried)
    assert not failures, "\n".join(map(str, failures))
    assert run("select pg_backend_pid(), (select count(*) from pgfeed.posts)") == [(*pid[0], 80)]


def splits_at(artifact: bytes, folder: Path) -> int:
    """Return where in an artifact the indices of its splits stand, which CatBoost follows unchecked."""
    CatBoost().load_model(blob=artifact).save_model(str(folder / "model.json"), format="json")
    trees = json.loads((folder / "model.json").read_text())["oblivious_trees"]
    return artifact.index(
        np.array([split["split_index"] for tree in trees for split in tree["splits"]], "<i4").tobytes()
    )


def damaged(artifact: bytes, draw: random.Random) -> bytes:
    """Return an artifact with bytes cut off, put in or changed; the first four stay."""
    found, at = bytearray(artifact), draw.randrange(4, len(artifact) - 8)
    kind = draw.randrange(4)
    if kind == 0:
        found[at:] = b""
    elif kind == 1:
        found[at:at] = draw.randbytes(draw.randrange(1, 200))
    elif kind == 2:
        found[at:at + 4] = draw.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\0\0\0\x80"])
    else:
        for _ in range(draw.choice([1, 2, 8])):
            found[draw.randrange(4, len(found))] = draw.randrange(256)
    return bytes(found)


def test_a_damaged_model_never_ends_the_session(network, tmp_path, record_property):
    network("""
        insert into pgfeed.models (variant, version, artifact, sha256, feature_names, encoders, parameters, metrics,
            golden_matrix, golden_scores)
        select variant, 2, artifact, sha256, feature_names, encoders, parameters, metrics, golden_matrix, golden_scores
            from pgfeed.models
    """)
    artifact = network("select artifact from pgfeed.models where version = 2")[0][0].tobytes()
    pid, seed = network("select pg_backend_pid()"), random.SystemRandom().randrange(10**6)
    record_property("seed", seed)
    draw = random.Random(seed)
    at = splits_at(artifact, tmp_path)
    blobs = [artifact[:at] + b"\xff\xff\xff\x7f" + artifact[at + 4:],
             *(damaged(artifact, draw) for _ in range(60 * EFFORT))]
    record_property("tried", len(blobs))
    for number, blob in enumerate(blobs):
        network("update pgfeed.models set artifact = %s, sha256 = %s where version = 2", blob,
                hashlib.sha256(blob).hexdigest())
        if number == 0:
            with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState,
                               match="cannot serve: CatBoost crashes on its artifact"):
                network("call pgfeed.activate_model('control', 2)")
        assert isinstance(network("select pgfeed._model_problems(model_id) from pgfeed.models where version = 2")[0][0],
                          list)
    assert network("select pg_backend_pid()") == pid


def test_a_server_with_lower_limits_of_its_own_does_not_blame_the_model(network):
    network("do language plpython3u $$ import resource; resource.setrlimit(resource.RLIMIT_DATA, (2**31, 2**31)) $$")
    assert network("select pgfeed._model_problems(model_id) from pgfeed.models") == [([],)]


def test_a_serving_model_that_is_damaged_later_is_never_loaded(network, tmp_path):
    artifact = network("select artifact from pgfeed.models where variant = 'control'")[0][0].tobytes()
    at = splits_at(artifact, tmp_path)
    network("update pgfeed.models set artifact = %s where variant = 'control'",
            artifact[:at] + b"\xff\xff\xff\x7f" + artifact[at + 4:])
    assert {row[0] for row in network("select source from pgfeed.recommend_posts(7, '2021-12-13')")} == {"popular"}


def test_hostile_topics_and_cities_are_only_texts(network):
    topics = [text for text in TEXTS if text and len(text.encode()) <= 2000] + ["ж" * 1000]
    for number, topic in enumerate(topics):
        network("insert into pgfeed.posts (post_id, text, topic) values (%s, %s, %s)", 1000 + number, topic, topic)
        network("insert into pgfeed.users (user_id, city, country, os, source) values (%s, %s, %s, %s, %s)",
                1000 + number, *[topic] * 4)
        network("insert into pgfeed.feed_events (event_at, user_id, post_id, action)"
                " values ('2021-12-12 12:00', %s, %s, 'view')", 1000 + number, 1000 + number)
    with pytest.raises(psycopg2.errors.CheckViolation, match="posts_topic_check"):
        network("insert into pgfeed.posts (post_id, topic) values (999, repeat('x', 2001))")
    with pytest.raises(psycopg2.errors.CheckViolation, match="posts_text_check"):
        network("insert into pgfeed.posts (post_id, text) values (999, repeat('x', 20000001))")
    network("call pgfeed.refresh_features()")
    for user_id in (7, *range(1000, 1000 + len(topics))):
        found = network("select post_id, topic, text, source from pgfeed.recommend_posts(%s, '2021-12-13', 1000)",
                        user_id)
        given_back = {row[0]: row[1:3] for row in found if row[0] >= 1000}
        assert given_back == {1000 + n: (topic, topic) for n, topic in enumerate(topics)}
        assert {row[3] for row in found} == {"model"}
    assert {row[0] for row in network("select distinct topic from pgfeed.user_topic_features")} >= {*topics}


@given(st.sampled_from(TEXTS) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
       st.sampled_from(BIGINTS), st.sampled_from([100, 10_000]))
@settings(max_examples=100 * EFFORT, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_any_salt_splits_users_as_python_does(hostile, salt, user_id, slot_count):
    expected = int(hashlib.md5(f"{user_id}{salt}".encode()).hexdigest(), 16) % slot_count
    assert queries(hostile)("select pgfeed._slot(%s, %s, %s)", user_id, salt, slot_count) == [(expected,)]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_verb_answers_in_one_line(hostile, command, tmp_path, monkeypatch, record_property):
    monkeypatch.setenv("PGFEED_DSN", hostile.dsn)
    monkeypatch.chdir(tmp_path)
    short_texts = [text for text in TEXTS if len(text) < 2000]
    short = st.sampled_from(short_texts) | st.sampled_from(MOMENTS) | st.sampled_from(INTERVALS)
    words = short | st.sampled_from([str(number) for number in BIGINTS]) | st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20
    )

    record_property("tried", 10 * EFFORT)

    @settings(max_examples=10 * EFFORT, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.tuples(*(words if word == "%" else st.just(word) for word in command)))
    def check(found):
        result = CliRunner().invoke(main, list(found))
        assert result.exception is None or isinstance(result.exception, SystemExit), (found, result.exc_info)
        assert result.exit_code in (0, 1), (found, result.output)
        lines = result.stderr.splitlines()
        errors = [line for line in lines if line.startswith("error: ")]
        assert result.exit_code == 0 or len(errors) == 1 or "rejected" in result.output, (found, result.output)

    check()


@pytest.mark.parametrize(
    "command", [("evaluate", "full", "control", "--seed", "-1"), ("simulate", "--users", "3", "--seed", "-1")]
)
def test_negative_seeds(hostile, command, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", hostile.dsn)
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1 and "not in the range x>=0" in result.stderr


@pytest.mark.parametrize("command",
                         [("activate", "\udcff"), ("recommend", "7", "--at", "\udcff"), ("rollback", "\udcff")])
def test_arguments_that_are_not_utf8(hostile, command, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", hostile.dsn)
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1 and result.stderr.startswith("error: ") and "is no text in utf-8" in result.stderr
