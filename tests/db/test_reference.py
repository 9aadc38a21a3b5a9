"""The generated pages of docs/reference say what the database and the command say."""

import os

from tests.reference import RENEW, SQL, VERBS, sql_page, verbs_page


def assert_current(path, text):
    """Compare a page with what it would be now; PGFEED_UPDATE_SNAPSHOTS=1 writes it anew."""
    if os.environ.get("PGFEED_UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"{path} is stale. Next: {RENEW}"


def test_the_page_about_sql_is_current(query):
    query("set search_path = pgfeed, public")  # types without their schema, whoever logs in
    assert_current(SQL, sql_page(query))


def test_the_page_about_verbs_is_current():
    assert_current(VERBS, verbs_page())
