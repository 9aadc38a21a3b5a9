"""README and docs/: every code block runs, every link leads somewhere, the index lists every page."""

import gzip
import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import closing
from functools import partial
from pathlib import Path

import psycopg2
import pytest

from loader import demo
from loader.data.embed import embed
from loader.errors import PgfeedError
from loader.learning import registry, train
from tests.db.conftest import autocommit, clone, copy_of, dsn_of, queries
from tests.db.test_embed import Words
from tests.pages import CLIENT_PAGES, DOCS, README, ROOT, blocks, pages, shape
from tests.reference import help_of

RUNNERS = {
    "sql": ["psql", "-X", "-v", "ON_ERROR_STOP=1"], "sh": ["bash", "-euo", "pipefail", "-c"],
    "python": [sys.executable, "-c"],
}
# What the pages speak of: a user 1000 with a history, and the posts 5373 and 9 to view and hide.
SPOKEN_OF = """
    insert into pgfeed.posts (post_id, text, topic) values (5373, 'a film about football', 'movie');
    insert into pgfeed.feed_events (event_at, user_id, post_id, action, target)
    select event_at, 1000, post_id, action, target from pgfeed.feed_events where user_id = 7;
    call pgfeed.refresh_features()
"""
FILES = {
    "user_data.csv": "user_id,gender,age,country,city,exp_group,os,source\n61,1,30,Russia,Moscow,2,iOS,ads\n",
    "post_text_df.csv": "post_id,text,topic\n81,one more football match,sport\n",
    "feed_data.csv.gz": "timestamp,user_id,post_id,action,target\n2021-12-11 10:00:00,61,81,view,1\n",
}


@pytest.fixture(scope="module")
def documented_template(network_template):
    """Name of a copy of the network with all that the pages speak of, and an active model `test`."""
    with copy_of(network_template, "pages") as name:
        with closing(psycopg2.connect(dsn_of(name))) as connection:
            embed(connection, Words())
            with connection, connection.cursor() as cursor:
                cursor.execute(SPOKEN_OF)
            registry.activate(connection, "test", registry.store(connection, "test", train.train(connection, "test")))
        yield name


@pytest.fixture
def folder(tmp_path):
    """A folder with `run` and sql/ as in the checkout and with files of data; what the pages write stays there."""
    for name in ("run", "sql"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name, text in FILES.items():
        (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return tmp_path


def run(language: str, text: str, dsn: str, folder: Path) -> str:
    """Run a block; return what it printed."""
    runner, environment = RUNNERS[language], {**os.environ, "PGFEED_DSN": dsn, "PYTHONPATH": str(ROOT)}
    if language == "sql":
        done = subprocess.run([*runner, "-f", "-", dsn], input=text, cwd=folder, env=environment,
                              capture_output=True, text=True)
    else:
        done = subprocess.run([*runner, text], stdin=subprocess.DEVNULL, cwd=folder, env=environment,
                              capture_output=True, text=True)
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
    return done.stdout


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def is_here(block) -> bool:
    return block.reason is None and block.page not in CLIENT_PAGES


def assert_looks_like(shown: str, printed: str) -> None:
    """Compare an output in a page with the real one: the same lines in the same order, whatever the figures are."""
    rest = iter(shape(printed))
    for line in shape(shown):
        assert line in rest, f"{line!r} is not printed, or in another order"


@pytest.mark.parametrize("page", [page for page in pages() if any(map(is_here, blocks(page)))], ids=name_of)
def test_the_blocks_of_a_page_run(page, documented_template, folder):
    with clone(documented_template) as dsn:
        printed = None
        for block in filter(is_here, blocks(page)):
            if block.language == "text":
                assert page == README or printed is not None, f"{block}: no block before it was run"
                if printed is not None:
                    assert_looks_like(block.text, printed)
            else:
                assert block.language in RUNNERS, f"{block} has a language that no test runs: {block.language!r}"
                printed = run(block.language, block.text, dsn, folder)


def test_the_demo_prints_what_readme_shows(dsn, monkeypatch, capsys):
    shown = next(block for block in blocks(README) if block.language == "text")
    monkeypatch.setattr(demo, "USERS", 200)
    monkeypatch.setattr(demo.simulate, "simulate", partial(demo.simulate.simulate, posts=300, days=30))
    with closing(psycopg2.connect(dsn)) as connection:
        monkeypatch.setenv("PGFEED_DSN", dsn)
        demo.demo(connection)
    assert_looks_like(shown.text, capsys.readouterr().out)


SUITS = """
    select a.slug from app.articles as a
    where a.section in ('sport', 'tech') and a.published_at > %s - interval '10 days' and a.published_at <= %s
        and not a.is_hidden and (a.expires_at is null or a.expires_at > %s) and a.slug <> all(%s)
        and not exists (select from app.reads as r where r.slug = a.slug and r.member_id = %s::uuid)
        and not exists (select from app.hearts as h where h.slug = a.slug and h.member_id = %s::uuid)
"""


def test_the_demo_of_own_tables_follows_hearts_and_hidden_articles(dsn, monkeypatch, capsys):
    for name, few in (("MEMBERS", 150), ("ARTICLES", 80), ("DAYS", 12)):
        monkeypatch.setattr(demo.site, name, few)
    monkeypatch.setenv("PGFEED_DSN", dsn)
    with closing(psycopg2.connect(dsn)) as connection:
        demo.own_tables(connection)
        first, second = re.split(r"^5 the member hearts", capsys.readouterr().out, flags=re.MULTILINE)
        demo.own_tables(connection)
        assert "there already: app.articles, app.hearts, app.members, app.reads" in capsys.readouterr().out
    before, after = (re.findall(r"^ +[1-5] +(\S+)", part, re.MULTILINE) for part in (first, second))
    assert len(before) == len(after) == 5 and not {*before[:2]} & {*after}
    with autocommit(dsn) as site:
        assert_three_full_pages(queries(site))


def assert_three_full_pages(query) -> None:
    """Check a feed of the demo's site: fifty members get all that suits them and is left, five a page."""
    query("call pgfeed.create_feed('two', 'topic in (''sport'', ''tech'') and created_at > ts - interval ''10 days''',"
          " max_per => '{\"post.author_id\": 2}', hide_viewed => '60 days')")
    [(ts, blocked)] = query("select now(), array(select a.slug from app.articles as a where a.author_id % 5 = 0)")
    sizes = []
    for (member,) in query("select m.id::text from app.members as m order by md5(m.id::text) limit 50"):
        left = {slug for (slug,) in query(SUITS, ts, ts, ts, blocked, member, member)}
        sizes.append(len(left))
        after = None
        for _ in range(3):
            rows = query("select post_key, cursor from pgfeed.recommend_for(%s, %s, 5, exclude => %s, feed => 'two',"
                         " after => %s) order by rank", member, ts, blocked, after)
            assert len(rows) == min(5, len(left)) and {slug for slug, _ in rows} <= left
            left -= {slug for slug, _ in rows}
            after = rows[-1][1] if rows else after
    assert len(sizes) == 50 and max(sizes) > 10


def test_the_demo_of_own_tables_leaves_a_schema_of_others_alone(dsn, monkeypatch):
    with closing(psycopg2.connect(dsn)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute("create schema app; create table app.members (id int)")
        monkeypatch.delenv("PGFEED_DSN", raising=False)
        with pytest.raises(PgfeedError, match="this database has a schema app.*Next: PGFEED_DATABASE=other in front"):
            demo.own_tables(connection)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_link_leads_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)]+)\)|src=\"([^\"]+)\"", text):
        name, _, anchor = "".join(target).partition("#")
        if not name.startswith("https://"):
            path = (page.parent / name).resolve() if name else page
            assert path.exists() and (not anchor or anchor in anchors(path)), f"{name_of(page)}: {''.join(target)}"


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_command_in_the_text_exists(page):
    for verb, words in re.findall(r"`\./run ([a-z-]+)([^`]*)`", page.read_text(encoding="utf-8")):
        verbs = [verb, *re.findall(r"^ ([a-z]+)", words)] if verb in ("experiment", "feed") else [verb]
        if verb not in ("help", "bench", "test"):
            text = help_of(*verbs)
            for option in re.findall(r"(?<=\s)--?[a-z-]+", words.partition("\\")[0]):
                assert option in text, f"{name_of(page)}: ./run {verb} has no {option}"


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_file_in_the_text_exists(page):
    for path in re.findall(r"`((?:loader|migrations|plpy|sql|tests)/[\w./-]*)`", page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), f"{name_of(page)}: {path}"


def test_the_index_lists_every_page():
    index = DOCS / "README.md"
    listed = {(DOCS / name).resolve() for name in re.findall(r"\]\(([^)#]+)", index.read_text(encoding="utf-8"))}
    assert listed == {*pages(), *DOCS.rglob("*.ipynb")} - {README, index}


def test_readme_is_short():
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120 and len(text.split()) <= 700


def test_what_is_not_run_says_why(capsys):
    every = [block for page in pages() for block in blocks(page)]
    fences = sum(page.read_text(encoding="utf-8").count("\n```") for page in pages())
    assert fences == 2 * len(every), "a block has no language, or is not closed"
    reasons = Counter(block.reason for block in every if block.reason)
    here, there = sum(map(is_here, every)), sum(block.reason is None and block.page in CLIENT_PAGES for block in every)
    with capsys.disabled():
        print(f"\ncode blocks of README and docs: {here} run or compared here, {there} in tests/clients,"
              f" {reasons.total()} not run:")
        for reason, count in reasons.most_common():
            print(f"  {count} {reason}")
