"""Values and rows of ingest: what is accepted, what is refused and why, and how equal keys merge."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader.data.batches import Batch
from loader.data.checked import events_of, records_of, storable
from loader.data.times import parse_time
from loader.data.values import parse_integer, parse_post, parse_small, parse_text, parse_topic, time_zone
from loader.errors import PgfeedError

MOMENT = datetime(2021, 10, 20, 11, 8, 10, tzinfo=UTC)
MICROS = int(MOMENT.timestamp()) * 10**6
MOSCOW, BERLIN = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")


def batch(**columns: pa.Array) -> Batch:
    count = len(next(iter(columns.values())))
    return Batch(columns, np.arange(2, count + 2), lambda i: f"row {i}", [], 0)


def events(times, users=(1,), posts=(5,), actions=("view",), targets=("0",)):
    names = ("timestamp", "user_id", "post_id", "action", "target")
    columns = [c if isinstance(c, pa.Array) else pa.array(c) for c in (times, users, posts, actions, targets)]
    return batch(**dict(zip(names, columns)))


@pytest.mark.parametrize(
    "value, expected",
    [
        ("12", 12),
        (" +7 ", 7),
        ("-0", 0),
        ("34.0", 34),
        ("34.", 34),
        (34.0, 34),
        (Decimal("34.00"), 34),
        (True, 1),
        ("", None),
        (None, None),
        (float("nan"), None),
        (Decimal("NaN"), None),
        (str(2**63 - 1), 2**63 - 1),
        (str(-(2**63)), -(2**63)),
    ],
)
def test_integers(value, expected):
    assert parse_integer(value) == expected


@pytest.mark.parametrize(
    "value, reason",
    [
        ("12a", "'12a' is not an integer"),
        ("1.5", "'1.5' is not an integer"),
        (1.5, "'1.5' is not an integer"),
        ("١٢", "'١٢' is not an integer"),
        ("1\0", "contains a NUL byte"),
        (float("inf"), "'inf' is not an integer"),
        (str(2**63), f"{2**63} does not fit in a bigint"),
        ("9" * 5000, f"{'9' * 40} does not fit in a bigint"),
        (1e17, "1e+17 is a float beyond 2**53, its last digits are lost"),
    ],
)
def test_what_is_no_integer(value, reason):
    with pytest.raises(ValueError) as error:
        parse_integer(value)
    assert str(error.value) == reason


def test_topics_fit_in_an_index_entry():
    assert (parse_topic("ж" * 1000), parse_topic("")) == ("ж" * 1000, None)
    with pytest.raises(ValueError, match=r"'жж.*\.\.\.' has more than 2,000 bytes"):
        parse_topic("ж" * 1001)


def test_texts_fit_in_an_answer():
    with pytest.raises(ValueError, match="has more than 20,000,000 bytes"):
        parse_post("ж" * 10_000_001)


def test_small_integers_and_texts():
    assert parse_small("-32768") == -32768
    with pytest.raises(ValueError, match="32768 does not fit in a smallint"):
        parse_small("32768")
    assert (parse_text(""), parse_text(None), parse_text("a'; drop table")) == (None, None, "a'; drop table")
    with pytest.raises(ValueError, match="NUL"):
        parse_text("a\0b")


@pytest.mark.parametrize(
    "value",
    [
        "2021-10-20 11:08:10",
        "2021-10-20T11:08:10Z",
        "2021-10-20 14:08:10+03",
        "2021-10-20 14:08:10+03:00",
        "2021-10-20 11:08:10 UTC",
        " 2021-10-20 11:08:10.000000 ",
        MOMENT,
        MOMENT.replace(tzinfo=None),
        MOMENT.astimezone(MOSCOW),
    ],
)
def test_times(value):
    assert parse_time(value) == MICROS


@pytest.mark.parametrize(
    "value, reason",
    [
        ("20211-10-20 11:08:10", "year 20211 is out of range"),
        ("1969-12-31 23:59:59", "year 1969 is out of range"),
        ("2100-01-01", "year 2100 is out of range"),
        ("1970-01-01 00:00+03", "is out of range 1970 to 2099"),
        ("infinity", "'infinity' is not a time, write 2021-02-01 10:00:00 or give --format"),
        ("0044-03-15 BC", "'0044-03-15 BC' is not a time, write 2021-02-01 10:00:00 or give --format"),
        ("2021-02-30", "'2021-02-30' is not a time, write 2021-02-01 10:00:00 or give --format"),
        ("20211020", "20211020 may be seconds or milliseconds, give --format epoch or --format epoch-ms"),
        (12, "12 may be seconds or milliseconds, give --format epoch or --format epoch-ms"),
        (b"12", "\"b'12'\" is not a time, write 2021-02-01 10:00:00 or give --format"),
        ("", "is missing"),
        (None, "is missing"),
        ("2021\0", "contains a NUL byte"),
    ],
)
def test_what_is_no_time(value, reason):
    with pytest.raises(ValueError) as error:
        parse_time(value)
    assert str(error.value) == reason


def test_times_in_a_gap_or_an_overlap_are_standard_time():
    winter = datetime(2021, 3, 28, 2, 30), datetime(2021, 10, 31, 2, 30)
    assert [datetime.fromtimestamp(parse_time(t, BERLIN) / 1e6, UTC).hour for t in winter] == [1, 1]


@given(
    st.lists(st.datetimes(datetime(1969, 1, 1), datetime(2026, 1, 1)), min_size=1),
    st.sampled_from([None, MOSCOW, BERLIN]),
)
def test_the_fast_way_agrees_with_the_slow_one(times, zone):
    texts = [t.isoformat(" ") for t in times]

    def slow(text):
        try:
            return parse_time(text, zone)
        except ValueError:
            return None

    expected = sorted(m for m in map(slow, texts) if m is not None)
    many = [list(range(len(times))), [5] * len(times), ["view"] * len(times), [None] * len(times)]
    for column in (pa.array(texts), pa.array(times, pa.timestamp("us")), pa.array([*texts, "x"])):
        extra = len(column) - len(times)
        loaded, rejects, _ = events_of(events(column, *[m + m[:extra] for m in many]), zone)
        assert sorted(loaded.event_at.tolist()) == expected
        assert len(rejects) == len(column) - len(expected)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([MOMENT], pa.timestamp("s", "UTC")),
        pa.array([MOMENT], pa.timestamp("ns", "Europe/Moscow")),
        pa.array([MOMENT.replace(tzinfo=None)], pa.timestamp("ms")),
        pa.array(["2021-10-20 14:08:10+03:00"]),
    ],
)
def test_typed_times(column):
    assert events_of(events(column), None)[0].event_at.tolist() == [MICROS]


def test_dates_and_far_times():
    assert events_of(events(pa.array([date(2021, 10, 20)])), None)[0].event_at.tolist() == [1634688000 * 10**6]
    far = pa.array([2**62, -(2**62), None], pa.timestamp("s"))
    loaded, rejects, _ = events_of(events(far, [1] * 3, [1] * 3, ["view"] * 3, ["0"] * 3), BERLIN)
    assert len(loaded.line) == 0 and rejects[0][1].endswith("is out of range 1970 to 2099")
    assert rejects[2][1] == "timestamp: is missing"


@pytest.mark.parametrize(
    "users, targets",
    [
        (pa.array([1, 2], pa.uint64()), pa.array([True, None])),
        (pa.array([1.0, 2.0]), pa.array([1.0, float("nan")])),
        (pa.array(["1", "2.0"]), pa.array(["t", ""]).dictionary_encode()),
        (pa.array([1, 2], pa.int8()), pa.array([1, None], pa.int8())),
    ],
)
def test_typed_columns(users, targets):
    loaded, rejects, _ = events_of(events([MOMENT] * 2, users, [5, 6], ["view", "LIKE "], targets), None)
    assert rejects == []
    assert (loaded.user_id.tolist(), loaded.action.tolist(), loaded.target.tolist()) == ([1, 2], [0, 1], [2, 0])


def test_every_reason_names_its_column():
    wrong = events(
        ["x", "2021-10-20", "2021-10-20", "2021-10-20", None],
        ["1", "2a", "3", "4", "5"],
        ["1", "1", str(2**63), "1", "1"],
        ["view", "view", "view", "share", "view"],
        ["0", "0", "0", "0", "0"],
    )
    loaded, rejects, _ = events_of(wrong, None)
    assert len(loaded.line) == 0
    assert sorted(rejects) == [
        (2, "timestamp: 'x' is not a time, write 2021-02-01 10:00:00 or give --format", "row 0"),
        (3, "user_id: '2a' is not an integer", "row 1"),
        (4, f"post_id: {2**63} does not fit in a bigint", "row 2"),
        (5, "action: 'share' is neither view nor like", "row 3"),
        (6, "timestamp: is missing", "row 4"),
    ]


def test_action_may_be_absent_and_target_too():
    both = events([MOMENT])
    del both.columns["action"]
    assert events_of(both, None)[0].action.tolist() == [0]
    del both.columns["target"]
    assert events_of(both, None)[0].target.tolist() == [0]


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([None, "0", "1"])), min_size=1, max_size=40))
def test_equal_keys_merge_to_the_most_liked(rows):
    users, targets = [u for u, _ in rows], [t for _, t in rows]
    many = len(rows)
    loaded, _, repeats = events_of(
        events([MOMENT] * many, users, [5] * many, ["view"] * many, pa.array(targets, pa.string())), None
    )
    rank = {None: 0, "0": 1, "1": 2}
    best = {u: max(rank[t] for v, t in rows if v == u) for u in set(users)}
    assert dict(zip(loaded.user_id.tolist(), loaded.target.tolist())) == best
    assert repeats.exact == many - len(set(rows))
    assert repeats.exact + repeats.differing == many - len(best)


def test_repeats_are_named_by_their_lines():
    loaded, _, repeats = events_of(
        events([MOMENT] * 4, [1, 2, 1, 2], [5] * 4, ["view"] * 4, ["0", "1", "0", "0"]), None
    )
    assert (repeats.exact, repeats.first_exact) == (1, (4, 2))
    assert (repeats.differing, repeats.first_differing) == (1, (5, 3))
    assert loaded.target.tolist() == [1, 2]


def test_an_empty_batch():
    nothing = pa.array([], pa.string())
    loaded, rejects, repeats = events_of(events(nothing, nothing, nothing, nothing, nothing), None)
    assert len(loaded.line) == 0 and rejects == [] and repeats.exact == 0


def test_later_users_and_posts_win_where_not_null():
    rows, rejects, repeats = records_of(
        batch(
            post_id=pa.array(["7", "7", "8", "8", "x"]),
            text=pa.array(["a", None, "b", "b", "c"]),
            topic=pa.array([None, "t", "u", "u", "v"]),
        ),
        "posts",
        None,
    )
    assert rows == [(7, "a", "t", None), (8, "b", "u", None)]
    assert rejects == [(6, "post_id: 'x' is not an integer", "row 4")]
    assert (repeats.exact, repeats.first_exact, repeats.differing, repeats.first_differing) == (1, (5, 4), 1, (3, 2))


def test_created_at_is_kept_with_its_zone():
    posts = batch(post_id=pa.array([1, 2]), created_at=pa.array(["2021-10-20 14:08:10", None]))
    assert records_of(posts, "posts", MOSCOW)[0] == [
        (1, None, None, "2021-10-20 11:08:10+00:00"),
        (2, None, None, None),
    ]


def test_time_zones():
    assert time_zone("UTC") is None and time_zone("Europe/Moscow").key == "Europe/Moscow"
    for name in ("Mars/Base", "../../etc/passwd", "Europe", "", "/etc/passwd", "a\0b"):
        with pytest.raises(PgfeedError, match="unknown time zone"):
            time_zone(name)


def test_rejects_are_cut_and_free_of_nul():
    assert storable((1, "r\0", "x\0" + "y" * 2000)) == (1, "r\\0", ("x\\0" + "y" * 2000)[:1000])


def test_far_created_at_is_refused_by_row():
    posts = batch(post_id=pa.array([1, 2, 3]), created_at=pa.array([0, 2**60, None], pa.timestamp("s")))
    rows, rejects, _ = records_of(posts, "posts", None)
    assert rows == [(1, None, None, "1970-01-01 00:00:00+00:00"), (3, None, None, None)]
    assert rejects[0][0] == 3 and rejects[0][1].endswith("is out of range 1970 to 2099")
