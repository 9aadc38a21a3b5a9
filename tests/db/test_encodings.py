"""Databases in other encodings than UTF-8 are refused with the line that makes one; other encodings of clients work."""


import pytest

from loader.errors import PgfeedError
from loader.server import migrate
from tests.db.conftest import administer, autocommit, database_name, dsn_of, queries
from tests.db.test_hardened import verb

OTHERS = ["SQL_ASCII", "LATIN1", "LATIN2", "LATIN9", "KOI8R", "WIN1251", "WIN1252", "ISO_8859_5", "EUC_JP"]


@pytest.mark.parametrize("encoding", OTHERS)
def test_another_encoding_is_refused_with_the_line_that_makes_a_database(encoding, monkeypatch):
    name = database_name("encoding")
    administer(f"create database {name} template template0 encoding '{encoding}' locale 'C'")
    try:
        monkeypatch.setenv("PGFEED_DSN", dsn_of(name))
        with pytest.raises(PgfeedError, match=f"^database {name} is in {encoding}: texts need UTF-8. Next: ") as caught:
            migrate.migrate()
        administer(caught.value.next.partition(" -- ")[0])
        with autocommit(dsn_of(f"{name}_utf8")) as connection:
            assert queries(connection)("select pg_encoding_to_char(encoding), lower('ÄЖ') from pg_database"
                                       " where datname = current_database()") == [("UTF8", "äж")]  # fmt: skip
    finally:
        administer(f"drop database if exists {name}", f"drop database if exists {name}_utf8")


@pytest.mark.parametrize("encoding", ["LATIN1", "WIN1251", "SQL_ASCII"])
def test_an_encoding_of_the_client_changes_nothing(network, network_dsn, monkeypatch, encoding):
    network("update pgfeed.posts set text = 'Ж – 漢字 😀 ' || text")
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    said = verb(network_dsn, "recommend", "7")
    monkeypatch.setenv("PGCLIENTENCODING", encoding)
    assert verb(network_dsn, "recommend", "7").splitlines()[1:] == said.splitlines()[1:] and "Ж – 漢字" in said
    verb(network_dsn, "refresh")
