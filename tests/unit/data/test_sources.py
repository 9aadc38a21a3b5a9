"""Files as ingest reads them: kinds, encodings, quotes, lines, and what is refused as a whole."""

import gzip
import os
import random

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loader.data import batches, csv_files
from loader.data.checked import records_of
from loader.data.sources import open_file, open_sources
from loader.errors import PgfeedError

HEADER = "timestamp,user_id,post_id,action,target\n"
ROW = "2021-10-20 11:08:10,{},5,view,0\n"
POSTS = 'post_id,text,topic\n1,"two\nlines, one ""quote""",a\n2,plain,b\n3,,c\n'


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "file") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def read(path: str, kind: str | None = None):
    """Return rows as dicts, their lines, and what was malformed."""
    source = open_file(path, kind)
    rows, lines, malformed = [], [], []
    for batch in source.read(source):
        columns = {name: column.to_pylist() for name, column in batch.columns.items()}
        rows += [dict(zip(columns, values)) for values in zip(*columns.values())]
        lines += batch.lines.tolist()
        malformed += batch.malformed
        for i in range(len(batch.lines)):
            assert isinstance(batch.content(i), str)
    return rows, lines, malformed


@pytest.mark.parametrize(
    "header, kind",
    [
        ("user_id,gender,age,country,city,exp_group,os,source", "users"),
        ("post_id,text,topic", "posts"),
        ("post_id,topic", "posts"),
        ("timestamp,user_id,post_id,action,target", "events"),
        ("target,post_id,user_id,timestamp", "events"),
        ("event_at,user_id,post_id,action", "events"),
        (" User_ID ,AGE", "users"),
        ('"post_id","text"', "posts"),
        ("user_id", "users"),
        ("post_id", "posts"),
        (" USER_ID ", "users"),
        ('"post_id"', "posts"),
        (",user_id", "users"),
        ("\ufeffuser_id", "users"),
        ("post_id,created_at", "posts"),
        ("timestamp,user_id,post_id,target", "events"),
        ("timestamp,user_id,post_id,action", "events"),
    ],
)
def test_the_kind_is_known_by_the_header(write, header, kind):
    assert open_file(write(header + "\n")).kind == kind


@pytest.mark.parametrize(
    "header",
    ["a,b", "user", "user_id,shoe_size", "post_id,price", "user_id,post_id", "user_id,post_id,action",
        "user_id,post_id,topic", "timestamp,user_id,post_id"],
)
def test_wrong_headers(write, header):
    with pytest.raises(PgfeedError, match="has a wrong header: found .* expected users: "):
        open_file(write(header + "\n1,2\n"))


def test_forced_kinds(write):
    assert open_file(write("post_id\n1\n"), "posts").kind == "posts"
    with pytest.raises(PgfeedError, match="expected timestamp,user_id,post_id,action,target"):
        open_file(write("post_id,text\n"), "events")
    with pytest.raises(PgfeedError, match="unknown kind 'likes'"):
        open_sources(["a"], None, "likes")
    with pytest.raises(PgfeedError, match="2 kinds for 1 file"):
        open_sources(["a"], None, "posts,users")
    with pytest.raises(PgfeedError, match="nothing to load"):
        open_sources([])


def test_extra_columns_are_ignored_and_named(write):
    path = write(",post_id,topic,colour\n0,1,a,red\n")
    assert open_file(path).ignored == ["(unnamed)", "colour"]
    assert read(path)[0] == [{"post_id": "1", "topic": "a"}]


@pytest.mark.parametrize(
    "encode",
    [
        str.encode,
        lambda text: gzip.compress(text.encode()),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.rstrip("\n").encode(),
        lambda text: gzip.compress(text[:30].encode()) + gzip.compress(text[30:].encode()),
    ],
)
@pytest.mark.parametrize("block", [7, 64, 1 << 20])
def test_quotes_blocks_gzip_and_line_ends(write, encode, block, monkeypatch):
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", block)
    rows, lines, malformed = read(write(encode(POSTS)))
    texts = [row["text"] and row["text"].replace("\r", "") for row in rows]
    assert texts == ['two\nlines, one "quote"', "plain", None]
    assert [row["topic"] for row in rows] == ["a", "b", "c"]
    assert (lines, malformed) == ([2, 4, 5], [])


@pytest.mark.parametrize("block", [50, 1 << 20])
def test_malformed_lines_do_not_take_others_with_them(write, block, monkeypatch):
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", block)
    lines = [
        ROW.format(1),
        "x,y\n",
        "\n",
        ROW.format(2),
        '"2021-10-20 11:08:10,3,5,view,0\n',
        ROW.format(4),
        '"2021-10-20 11:08:10","5",5,view,0\n',
        "2021-10-20 11:08:10,6,5,vi\rew,0\n",
        ROW.format(7),
        '"never closed\n',
        ROW.format(8),
    ]
    rows, numbers, malformed = read(write(HEADER + "".join(lines)))
    assert [int(row["user_id"]) for row in rows] == [1, 2, 4, 5, 7, 8]
    assert numbers == [2, 5, 7, 8, 10, 12]
    assert [(line, reason[:7]) for line, reason, _ in sorted(malformed)] == [
        (3, "2 field"),
        (6, "not CSV"),
        (9, "not CSV"),
        (11, "not CSV"),
    ]


def test_a_text_column_spoils_only_its_rows(write):
    rows, lines, _ = read(write(HEADER + ROW.format("12a") + "\n" + ROW.format(3)))
    assert [row["user_id"] for row in rows] == ["12a", "3"] and lines == [2, 4]


def test_a_lost_quote_swallows_no_more_than_a_record(write, monkeypatch):
    monkeypatch.setitem(batches.RECORD_LIMIT, "events", 500)
    rows, _, malformed = read(write(HEADER + '"' + "".join(ROW.format(i) for i in range(100))))
    assert len(rows) == 99 and [m[0] for m in malformed] == [2]


@given(
    st.lists(
        st.tuples(st.integers(), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))), max_size=8
    ),
    st.sampled_from([9, 1 << 20]),
)
@settings(deadline=None)
def test_any_text_survives(tmp_path_factory, rows, block):
    import csv

    path = tmp_path_factory.mktemp("any") / "posts.csv"
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([("post_id", "text"), *rows])
    whole, csv_files.BLOCK_BYTES = csv_files.BLOCK_BYTES, block
    try:
        found, _, malformed = read(str(path))
    finally:
        csv_files.BLOCK_BYTES = whole
    assert [(row["post_id"], row["text"]) for row in found] == [
        (str(i), text or None) for i, text in rows
    ] and malformed == []


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_no_bytes_break_the_reader(tmp_path_factory, noise):
    path = tmp_path_factory.mktemp("noise") / "noise.csv"
    packed = b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PK\3\4"
    for start in (b"", HEADER.encode(), b"post_id,text\n", b"PAR1", *packed, b"\xff\xfe", b"sep=\t\n", b"sep="):
        path.write_bytes(start + noise)
        try:
            read(str(path))
        except PgfeedError as error:
            assert "\n" not in str(error)


def failing(path: str) -> str:
    with pytest.raises(PgfeedError) as error:
        read(path)
    assert "\n" not in str(error.value)
    return str(error.value).replace(path, "FILE")


def test_files_that_cannot_be_read(write, tmp_path):
    assert failing(str(tmp_path / "missing")).startswith("cannot read FILE: No such file")
    assert failing(str(tmp_path)).startswith("cannot read FILE: Is a directory")
    assert failing(write("")).startswith("FILE is empty")
    assert failing(write("\n\n")).startswith("FILE has no header")
    assert failing(write("user_id,age,age\n")) == "FILE has a wrong header: column age is there twice"
    assert failing(write(b"PK\3\4....")).startswith("FILE is a damaged zip file")
    assert failing(write(b"7z\xbc\xaf....")).startswith("FILE is an archive")
    assert failing(write(b"\0\0\0\0user_id,age\n")) == "FILE is no text file: its header contains NUL bytes"
    assert failing(write(POSTS.encode("utf-16")[:-1])).startswith("FILE is damaged: its UTF-16 cannot be decoded")
    cyrillic = (POSTS + "4,да,d\n").encode("cp1251")
    assert failing(write(cyrillic)).startswith("FILE is not UTF-8: line 6 has the byte 0xe4 at position 3. Next: iconv")
    packed = gzip.compress((HEADER + "".join(map(ROW.format, range(99)))).encode())
    assert failing(write(packed[:-12])).startswith("FILE is a truncated gzip file")
    assert failing(write(packed[:40] + b"???" + packed[43:])).startswith("FILE is a damaged gzip file")
    assert failing(write(b"PAR1" + bytes(200) + b"PAR1")).startswith("FILE is a damaged Parquet file")


def test_files_that_cannot_be_kept_in_the_books_or_read_twice(write, tmp_path):
    with pytest.raises(PgfeedError, match=r"caf\\udce9.csv'?: its name is not UTF-8. Next: give it another name"):
        open_file(write(POSTS, os.fsdecode(b"caf\xe9.csv")))
    os.mkfifo(tmp_path / "pipe")
    assert failing(str(tmp_path / "pipe")).startswith("cannot read FILE: it is a pipe")


def test_parquet(tmp_path):
    path = str(tmp_path / "events")
    table = pa.table(
        {
            "Post_ID": [5, 6],
            "user_id": pa.array(["1", "2"], pa.large_string()),
            "timestamp": pa.array([1, 2], pa.timestamp("ns")),
            "action": pa.array(["view", None]).dictionary_encode(),
            "extra": [[1], [2]],
        }
    )
    pa.parquet.write_table(table, path)
    rows, lines, _ = read(path)
    assert [row["action"] for row in rows] == ["view", None] and [row["post_id"] for row in rows] == [5, 6]
    assert lines == [1, 2] and open_file(path).ignored == ["extra"]
    pa.parquet.write_table(pa.table({"post_id": [[1]], "text": ["a"]}), path)
    assert "column post_id has the type list" in failing(path)
    pa.parquet.write_table(pa.table({"post_id": [1], "text": pa.array([b"\xff\xfe"])}), path)
    assert failing(path).startswith("FILE is a damaged Parquet file")


def test_no_damage_breaks_the_parquet_reader(tmp_path):
    path = str(tmp_path / "posts")
    table = pa.table({"post_id": range(99), "text": ["a"] * 99, "created_at": pa.array(range(99), pa.timestamp("us"))})
    pa.parquet.write_table(table, path)
    whole = (tmp_path / "posts").read_bytes()
    rng = random.Random(1)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[rng.randrange(4, len(whole) - 4)] = rng.randrange(256)
        (tmp_path / "posts").write_bytes(damaged)
        try:
            source = open_file(path)
            for batch in source.read(source):
                assert isinstance(batch.content(0), str)
                records_of(batch, "posts", None)
        except PgfeedError as error:
            assert "\n" not in str(error)
