"""Files that people have: separators, archives, encodings, words for null, times of other countries."""

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader.data import csv_files
from loader.data.batches import Batch
from loader.data.checked import events_of, records_of
from loader.data.ingest import require_format
from loader.data.sources import open_file, open_files
from loader.data.times import moment, parse_time, time_format, times_of
from loader.data.values import parse_integer, parse_target, parse_text, time_zone
from loader.errors import PgfeedError

EVENTS = [["timestamp", "user_id", "post_id", "action", "target"], ["2021-10-20 11:08:10", "1", "5", "view", "0"]]
NOON = int(datetime(2021, 4, 3, 12, 0, 5, tzinfo=UTC).timestamp()) * 10**6


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "file") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def lines(rows: list[list[str]], mark: str = ",") -> str:
    return "".join(mark.join(row) + "\n" for row in rows)


def checked(path: str, form: str | None = None, kind: str | None = None):
    """Return rows as ingest loads them, and the rejects."""
    source = open_file(path, kind)
    source.time_type = pa.string() if form and "%" in form else None
    rows, rejects = [], []
    for batch in source.read(source):
        if source.kind == "events":
            events, bad, _ = events_of(batch, None, form)
            rows += zip(*(getattr(events, n).tolist() for n in ("event_at", "user_id", "post_id", "action", "target")))
        else:
            records, bad, _ = records_of(batch, source.kind, None, form)
            rows += records
        require_format(path, bad, len(batch.lines))
        rejects += [(line, reason) for line, reason, _ in bad]
    return rows, rejects


def packed(text: str | bytes, name: str = "feed_data.csv", **others: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
        for other, content in others.items():
            archive.writestr(other.replace("__", "."), content)
    return file.getvalue()


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_the_separator_is_known_by_the_header(write, mark, quote):
    rows = [[f"{quote}{value}{quote}" for value in row] for row in EVENTS]
    found, rejects = checked(write(lines(rows, mark)))
    assert [row[1:] for row in found] == [(1, 5, 0, 1)] and rejects == []
    (_, row), _ = (
        checked(write(mark.join(["post_id", '"text"', "topic"]) + f'\n1{mark}"a{mark}b"{mark}c\n2{mark}{mark}\n'))[0],
        0,
    )
    assert row == (2, None, None, None)


def test_a_separator_that_is_not_clear_is_asked_for(write):
    header = "post_id;text,topic"
    with pytest.raises(
        PgfeedError, match="has an unclear header: .* separated by ',' or ';'. Next: write a line .*: sep=;"
    ):
        open_file(write(header + "\n"))
    assert open_file(write("sep=;\n" + header + "\n"), "posts").header == ["post_id", "text,topic"]
    assert open_file(write("post_id;text;topic,old\n")).header == ["post_id", "text", "topic,old"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("statement", ["sep=;", '"sep=;"'])
def test_the_line_by_which_excel_states_the_separator(write, statement, end):
    path = write(f"{statement}{end}post_id;topic{end}1;a{end}x;b{end}")
    assert checked(path) == ([(1, None, "a", None)], [(4, "post_id: 'x' is not an integer")])


@pytest.mark.parametrize("form", ["plain", "gzip", "bzip2", "xz", "zstd", "zip"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("block", [64, 1 << 20])
def test_packings_and_encodings(write, form, encoding, block, monkeypatch):
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", block)
    text = "post_id\ttext\r\n" + "".join(f'{i}\t"жж \n{i}"\r\n' for i in range(50))
    content = ("\ufeff" * (encoding == "utf-16-be") + text).encode(encoding)
    pack = {
        "plain": bytes,
        "gzip": gzip.compress,
        "bzip2": bz2.compress,
        "xz": lzma.compress,
        "zip": packed,
        "zstd": lambda data: pa.compress(data, codec="zstd", asbytes=True),
    }[form]
    rows, rejects = checked(write(pack(content)))
    assert rejects == [] and rows == [(i, f"жж \n{i}", None, None) for i in range(50)]


def test_damaged_packings_are_named(write):
    noise = "".join(f"{random.Random(i).getrandbits(900)}\n" for i in range(500))
    text = "post_id,text\n" + "".join(f"{i},{line}\n" for i, line in enumerate(noise.split()))
    for form, pack, test in (
        ("gzip", gzip.compress, "gzip -t"),
        ("bzip2", bz2.compress, "bzip2 -t"),
        ("xz", lzma.compress, "xz -t"),
    ):
        whole = pack(text.encode())
        with pytest.raises(PgfeedError, match=f"is a truncated {form} file: .* Next: {test} "):
            checked(write(whole[:-100]))
        with pytest.raises(PgfeedError, match=f"is a damaged {form} file: "):
            checked(write(whole[: len(whole) // 2] + bytes(200) + whole[len(whole) // 2 + 200 :]))
    whole = packed(text)
    with pytest.raises(PgfeedError, match="is a damaged zip file: .* Next: unzip -t "):
        checked(write(whole[:-10]))
    with pytest.raises(PgfeedError, match="is a damaged zip file: Bad CRC-32"):
        checked(write(whole.replace(whole[14:18], b"\1\2\3\4")))


def test_files_of_a_zip(write):
    users = "user_id,age\n1,20\n"
    path = write(packed(lines(EVENTS), users__csv=users, readme__txt="What this is\n", __MACOSX="x"))
    first, second = open_files(path)
    assert [(s.shown, s.kind) for s in (first, second)] == [
        (f"{path}/feed_data.csv", "events"),
        (f"{path}/users.csv", "users"),
    ]
    assert first.unread == ["readme.txt"] and second.unread == []
    for content, message in (
        (packed("a\n", b__csv="c\n"), "feed_data.csv has a wrong header"),
        (packed("", "[Content_Types].xml"), "is an Excel workbook: .* Next: save its sheets as CSV"),
        (packed("", "folder/"), "is empty: the zip has no file"),
    ):
        with pytest.raises(PgfeedError, match=message):
            open_files(write(content))


def test_what_is_no_csv_is_named(write, tmp_path):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("posts.csv"))
    pa.parquet.write_table(pa.table({"post_id": [1], "topic": ["a"]}), tmp_path / "posts")
    for content, message in (
        (file.getvalue(), "is an archive: .* Next: unpack"),
        (b"\xd0\xcf\x11\xe0" + bytes(500), "is an Excel workbook"),
        (gzip.compress((tmp_path / "posts").read_bytes()), "has a packed Parquet file"),
        ('{"user_id": 1}\n', "has a wrong header"),
    ):
        with pytest.raises(PgfeedError, match=message):
            open_file(write(content))


def test_words_for_null(write):
    rows = [
        ["2021-10-20 11:08:10", "1", "5", "view", word]
        for word in ("NaN", "None", "null", "", "NULL", "nan", "\\N", "NaT", "<NA>")
    ]
    found, rejects = checked(write(lines([EVENTS[0], *rows])))
    assert [row[4] for row in found] == [0] and rejects == []
    posts = "post_id,text,topic,created_at\n1,null,NA,NaN\nNone,a,b,2021-10-20\n"
    assert checked(write(posts)) == ([(1, "null", "NA", None)], [(3, "post_id: is missing")])
    users = "user_id,gender,age,city\n1,NaN,None,nan\n"
    assert checked(write(users))[0] == [(1, None, None, None, "nan", None, None, None)]
    assert checked(write(lines([EVENTS[0], ["None", "1", "5", "view", "0"], ["nan", "2", "5", "null", "0"]])))[1] == [
        (2, "timestamp: is missing"),
        (3, "timestamp: is missing"),
    ]


def test_decimal_commas(write):
    assert [parse_integer(text) for text in ("34,0", "34,00", "34,", "-1,0")] == [34, 34, 34, -1]
    assert (parse_target("1,0"), parse_target("0,00"), parse_text("1,0")) == (2, 1, "1,0")
    for text in ("1,5", "1,000,000", "1.000,0"):
        with pytest.raises(ValueError, match="is not an integer"):
            parse_integer(text)
    with pytest.raises(ValueError, match="'1,000' may be 1 or 1000"):
        parse_integer("1,000")
    rows = [
        EVENTS[0],
        ["2021-10-20 11:08:10,5", "7,0", "5,0", "view", "1,0"],
        ["2021-10-20 11:08:10", "1.000", "5", "view", "1"],
    ]
    found, rejects = checked(write(lines(rows, ";")))
    assert [(row[0] % 10**6, *row[1:]) for row in found] == [(500_000, 7, 5, 0, 2)]
    assert rejects == [(3, "user_id: '1,000' may be 1 or 1000")]
    assert checked(write("user_id,age\n1,20.000\n"))[0][0][2] == 20


@pytest.mark.parametrize(
    "form, texts",
    [
        (
            "DMY",
            [
                "03.04.2021 12:00:05",
                "3.4.2021 12:00:05",
                "3/4/2021, 12:00:05",
                "03-04-2021 12:00:05,0",
                "03.04.21 12:00:05",
                "2021-04-03T12:00:05Z",
            ],
        ),
        ("MDY", ["04/03/2021 12:00:05", "4/3/2021 12:00:05 PM", "4/3/2021, 12:00:05\u202fPM", "4.3.2021 12:00:05 pm"]),
        ("dmy", ["3.4.2021 15:00:05+03:00", "2021-04-03 12:00:05"]),
        ("%d %b %Y %H:%M:%S", ["03 Apr 2021 12:00:05", "3 apr 2021 12:00:05"]),
        ("%d.%m.%y %H:%M:%S", ["03.04.21 12:00:05"]),
        ("%d/%b/%Y:%H:%M:%S %z", ["03/Apr/2021:12:00:05 +0000", "03/Apr/2021:15:00:05 +0300"]),
        ("%Y%m%d%H%M%S", ["20210403120005"]),
        ("epoch", ["1617451205", "1617451205.0", "1617451205,0"]),
        ("epoch-ms", ["1617451205000"]),
        (None, ["1617451205", "1617451205000", "1617451205000000", "1617451205000000000", "1617451205.0"]),
    ],
)
def test_times_of_other_forms(write, form, texts):
    form = time_format(form)
    for text in texts:
        assert parse_time(text, None, form) == NOON, text
    for column in [[text] for text in texts] + [texts, [*texts, "?"]]:
        rows = [EVENTS[0], *([text, str(i), "5", "view", "0"] for i, text in enumerate(column))]
        found, rejects = checked(write(lines(rows, ";")), form)
        assert [row[0] for row in found] == [NOON] * len(column[: len(texts)]), column
        assert len(rejects) == len(column) - len(found)


@pytest.mark.parametrize("text", ["03.04.2021", "3/4/2021", "13.04.2021 10:00", "4/13/2021 10:00:00 PM", "03-04-21"])
def test_a_date_that_may_be_of_two_countries_is_never_guessed(write, text):
    path = write(lines([EVENTS[0], [text, "1", "5", "view", "0"], [text, "2", "5", "view", "0"]], ";"))
    with pytest.raises(PgfeedError) as error:
        checked(path)
    assert str(error.value) == (
        f"the times of {path} are not clear: at 2, timestamp: '{text}' may begin with the day or the month."
        " Next: give --format DMY or --format MDY"
    )
    rows, rejects = checked(write(lines([*EVENTS, EVENTS[1], [text, "2", "5", "view", "0"]])))
    assert len(rows) == 1 and rejects[0][1].endswith("give --format DMY or --format MDY")


@pytest.mark.parametrize(
    "form, text",
    [
        ("DMY", "31.02.2021"),
        ("DMY", "4/13/2021"),
        ("MDY", "13/4/2021"),
        ("MDY", "4/3/2021 13:00 PM"),
        ("%d.%m.%Y", "31.02.2021"),
        ("%d.%m.%Y", "2021-04-03"),
        ("epoch", "2021-04-03x"),
        ("epoch-ms", "9999999999999"),
        ("epoch", "-1"),
        ("%d.%m.%Y", "03.04.2021 10:00"),
        ("DMY", "03.04.2021 25:00"),
        ("DMY", "03.04.20211"),
    ],
)
def test_what_does_not_fit_the_format_is_rejected(write, form, text):
    with pytest.raises(ValueError):
        parse_time(text, None, form)
    found, rejects = checked(write(lines([EVENTS[0], [text, "1", "5", "view", "0"]], ";")), form)
    assert found == [] and rejects[0][1].startswith("timestamp: ")


def test_wrong_formats_are_named():
    assert [time_format(text) for text in (None, "dmy", "EPOCH-MS", "%Y%m%d")] == [None, "DMY", "epoch-ms", "%Y%m%d"]
    for text in ("German", "", "%H:%M", "%d.%m", "%Q", "%"):
        with pytest.raises(PgfeedError, match="--format"):
            time_format(text)


@given(
    st.lists(st.datetimes(datetime(1970, 1, 2), datetime(2026, 1, 1)), min_size=1, max_size=20),
    st.sampled_from(["UTC", "Europe/Berlin"]),
)
def test_the_fast_ways_agree_with_the_slow_one(times, zone):
    zone = time_zone(zone)
    for form, pattern in (("DMY", "%d.%m.%Y %H:%M:%S"), ("MDY", "%m/%d/%Y %I:%M:%S %p"), ("%d.%m.%Y %H:%M:%S",) * 2):
        texts = [t.strftime(pattern) for t in times]
        slow = [parse_time(text, zone, form) for text in texts]
        assert times_of(pa.array(texts), zone, form)[0].tolist() == slow
        micros, reasons = times_of(pa.array([*texts, "?", None]), zone, form)
        assert micros[:-2].tolist() == slow and list(reasons) == [len(texts), len(texts) + 1]
    seconds = [int(t.replace(tzinfo=UTC).timestamp()) for t in times]
    assert times_of(pa.array(seconds), zone, "epoch")[0].tolist() == [s * 10**6 for s in seconds]
    assert times_of(pa.array([s * 1000 for s in seconds]), zone, "epoch-ms")[0].tolist() == [s * 10**6 for s in seconds]


@pytest.mark.parametrize(
    "column, form",
    [
        (pa.array([1617451205]), None),
        (pa.array([1617451205000]), None),
        (pa.array([1617451205], pa.uint32()), "epoch"),
        (pa.array([1617451205.0]), None),
        (pa.array([20210403]), "%Y%m%d"),
        (pa.array([1617451205], pa.uint64()), None),
    ],
)
def test_numbers_of_parquet(tmp_path, column, form):
    table = {"timestamp": column, "user_id": [1], "post_id": [5], "target": [1]}
    pa.parquet.write_table(pa.table(table), tmp_path / "feed")
    rows, rejects = checked(str(tmp_path / "feed"), form)
    assert rejects == [] and rows[0][0] in (NOON, NOON // (86400 * 10**6) * 86400 * 10**6)


def test_numbers_that_are_not_clear(write, tmp_path):
    for number in (12345, 20210403, 44259, 202104031200, -5):
        pa.parquet.write_table(
            pa.table({"timestamp": [number], "user_id": [1], "post_id": [5], "target": [1]}), tmp_path / "feed"
        )
        for path in (str(tmp_path / "feed"), write(lines([EVENTS[0], [str(number), "1", "5", "view", "0"]]))):
            with pytest.raises(
                PgfeedError, match=f"{number} may be seconds or milliseconds. Next: give --format epoch or"
            ):
                checked(path)
    pa.parquet.write_table(
        pa.table({"timestamp": [3042021], "user_id": [1], "post_id": [5], "target": [1]}), tmp_path / "feed"
    )
    with pytest.raises(PgfeedError, match="without zeros at the start"):
        checked(str(tmp_path / "feed"), "%d%m%Y")
    assert (
        checked(write(lines([EVENTS[0], ["03042021", "1", "5", "view", "0"]])), "%d%m%Y")[0][0][0]
        == NOON // 86400 // 10**6 * 86400 * 10**6
    )


def test_headers_with_blanks_and_capitals(write):
    path = write('\ufeff" Post_ID ";"TEXT ";Topic\r\n1;"a";b\r\n;;\r\n\r\n')
    assert checked(path) == ([(1, "a", "b", None)], [])


def test_a_column_that_is_missing_is_named(write):
    for header, kind, column in (
        ("timestamp;post_id;action", None, "user_id"),
        ("user_id,age", "posts", "post_id"),
        ("user_id,post_id,target", None, "timestamp"),
    ):
        with pytest.raises(PgfeedError, match=f"column {column} is missing; expected"):
            open_file(write(header + "\n"), kind)


def test_since(write):
    batch = Batch({
        "timestamp": pa.array(["2021-10-19", "2021-10-20", "2021-10-21", "x", "2021-10-01"]),
        "user_id": pa.array(["1", "2", "3", "4", "wrong"]), "post_id": pa.array([5] * 5),
    }, pa.array(range(5)).to_numpy(), str, [], 0)  # fmt: skip
    batch.columns["target"] = pa.array([1] * 5)
    events, rejects, _ = events_of(batch, None, None, moment("2021-10-20", None))
    assert events.user_id.tolist() == [2, 3] and events.old_count == 2 and [line for line, *_ in rejects] == [3]
    assert moment("2021-10-20 03:00", time_zone("Europe/Moscow")) == moment("2021-10-20", None)
    for text in ("yesterday", "20.10.2021", ""):
        with pytest.raises(PgfeedError, match="--since is not understood: .* Next: write it like"):
            moment(text, None)


HEADER = ",".join(EVENTS[0]) + "\n"


@pytest.mark.parametrize(
    "content, form",
    [
        ("timestamp\tuser_id\tpost_id\taction\r\n2021-04-03 12:00:05\t1\t5\tview\r\n".encode("utf-16"), None),
        ("sep=;\r\ntimestamp;user_id;post_id;target\r\n03.04.2021 12:00:05;1;5;1,0\r\n", "DMY"),
        ("timestamp;user_id;post_id;target\n2021-04-03 12:00:05;1;5;1\n;;;\n;;;\n", None),
        ("timestamp,user_id,post_id,target,\n2021-04-03 12:00:05,1,5,1,\n", None),
        (",timestamp,user_id,post_id,target\n0,2021-04-03 12:00:05,1.0,5,NaN\n", None),
        ('timestamp,user_id,post_id,target\n"4/3/2021, 12:00:05 PM",1,5,1\n', "MDY"),
        ("timestamp;user_id;post_id;target\n2021-04-03 12:00:05,000;1;5;1\n", None),
        ("timestamp\tuser_id\tpost_id\taction\ttarget\n2021-04-03 12:00:05\t1\t5\tview\t\\N\n", None),
        (HEADER + "1617451205000,1,5,view,null\n", None),
        (HEADER + "1617451205.0000001,1,5,view,\n", None),
        (packed(gzip.compress((HEADER + "2021-04-03 12:00:05,1,5,view,0\n").encode()), "feed.csv.gz"), None),
        (HEADER + "2021/04/03 12:00:05,1,5,view,0\n", "%Y/%m/%d %H:%M:%S"),
        (HEADER + "03-APR-21 12.00.05.000000 PM,1,5,view,0\n", "%d-%b-%y %I.%M.%S.%f %p"),
    ],
)
def test_files_of_excel_pandas_javascript_java_mysql_and_oracle(write, content, form):
    rows, rejects = checked(write(content), form)
    assert [row[:3] for row in rows] == [(NOON, 1, 5)] and rejects == []


def test_lines_that_end_with_cr_alone_are_named(write):
    with pytest.raises(PgfeedError, match=r"is one long line: its lines end with CR alone. Next: tr "):
        open_file(write(HEADER.replace("\n", "\r") + "2021-04-03,1,5,view,0\r"))
