"""The same requests by SQL, by HTTP and in a large catalogue have the same posts."""

from itertools import cycle
from urllib.parse import urljoin

import pytest

from loader.recommendations import WISHES
from migrations.objects import compose
from tests.clients.test_gateway import PATH, client_of
from tests.db.conftest import autocommit, clone, queries

AT = "2021-12-13 12:00:00+00"
PAGES = 3
CALL = """
    select post_id, cursor
    from pgfeed.recommend_posts(%s, %s, 5, candidates => %s::bigint[], exclude => %s::bigint[], hide_viewed => %s,
        max_per_topic => %s, feed => %s, after => %s)
    order by rank
"""
ANYTHING = (
    {}, {"candidates": [*range(1, 81, 3)]}, {"candidates": [2, 3, 5, 7, 11, 999]}, {"exclude": [*range(1, 41)]},
    {"hide_viewed": "36 hours"}, {"max_per_topic": 2},
    {"candidates": [*range(10, 81)], "exclude": [12, 13], "hide_viewed": "1 day", "max_per_topic": 3},
    {"feed": "home"}, {"feed": "home", "exclude": [*range(1, 31)], "hide_viewed": "12 hours"},
)
FEED = """
    call pgfeed.create_feed(
        'home', 'post_id % 9 <> 4 and extract(hour from ts) < 20', max_per => '{"topic": 3}',
        boosts => '{"topic:sport": 0.4}', hide_viewed => '1 day', fallbacks => '{newest}'
    )
"""
REQUESTS = [*zip(range(45, 65), cycle(ANYTHING))]  # of 61 to 64 nothing is known


@pytest.fixture
def dsn(network_template):
    """Connection string of a copy of the network."""
    with clone(network_template) as result:
        yield result


def by_sql(query, user_id, wishes):
    """Return the pages of a request, lists of ids."""
    pages, cursor = [], None
    for _ in range(PAGES):
        rows = query(CALL, user_id, AT, *(wishes.get(name) for name in WISHES[:-1]), cursor)
        pages.append([row[0] for row in rows])
        if len(rows) < 5:
            break
        cursor = rows[-1][1]
    return pages


def by_http(client, user_id, wishes):
    """Return the pages of a request, lists of ids."""
    answer = client.get(PATH, params={"id": user_id, "time": AT, **wishes})
    pages = []
    while answer and len(pages) < PAGES:
        assert answer.status_code == 200, answer.text
        pages.append([post["id"] for post in answer.json()])
        link = answer.links.get("next")
        answer = link and client.get(urljoin(str(answer.url), link["url"]))
    return pages


def test_twenty_requests_have_the_same_posts_everywhere(dsn, monkeypatch):
    with autocommit(dsn) as connection, client_of(monkeypatch, dsn) as client:
        query = queries(connection)
        query(FEED)
        expected = [by_sql(query, *request) for request in REQUESTS]
        assert len(expected) == 20 and len({str(pages) for pages in expected}) > 15
        assert sum(len(pages) == PAGES and len(pages[-1]) == 5 for pages in expected) > 12
        assert [by_http(client, *request) for request in REQUESTS] == expected

        query(compose("functions/_is_large").replace("> 25000", "> 0"))
        query("call pgfeed.refresh_features()")
        assert query("select is_shortlist from pgfeed.feature_packs order by pack_id desc limit 1") == [(True,)]
        assert [by_sql(query, *request) for request in REQUESTS] == expected
        assert [by_http(client, *request) for request in REQUESTS] == expected
