"""A simulated community site with tables of its own: members, articles, reads and hearts in the schema app.

What a member hearts depends on columns of the site: the language of both, the article's author and section.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from loader.errors import PgfeedError
from loader.server import db
from loader.simulation.texts import make_texts
from loader.terminal import progress

TABLES = Path(__file__).with_suffix(".sql")
MEMBERS, ARTICLES, AUTHORS, DAYS = 2000, 800, 60, 28
LANGUAGES, LANGUAGE_SHARES = np.array(["en", "de", "fr"]), [0.6, 0.25, 0.15]
PLANS, PLAN_SHARES = np.array(["free", "plus", "pro"]), [0.7, 0.2, 0.1]
SECTIONS = np.array(["business", "entertainment", "politics", "sport", "tech"])
VISIT_SHARE = 0.4  # of members, each day
MEAN_READS = 8
BASE_LOGIT, LANGUAGE_LOGIT, AUTHOR_SIGMA, SECTION_SIGMA = -3.0, 1.6, 0.8, 0.7
ABOUT = "The simulated site of pgfeed demo --own-tables"


@dataclass
class Site:
    """How many rows the site has, and a member to ask for."""

    members: int
    articles: int
    reads: int
    hearts: int
    member: str


def make(connection: Connection, seed: int = 1) -> Site:
    """Make the schema app with the site of the last four weeks, in one transaction; what is there already stays.

    Raises PgfeedError where somebody else's schema has that name.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("select obj_description(to_regnamespace('app')), to_regnamespace('app') is not null")
        about, is_there = cursor.fetchone()
        if is_there and about != ABOUT:
            raise PgfeedError("this database has a schema app", "it is not the demo's", db.emptying())
        if not is_there:
            cursor.execute(TABLES.read_text(encoding="utf-8"))
            fill(cursor, np.random.default_rng([seed, 7]), seed)
        cursor.execute(
            "select (select count(*) from app.members), (select count(*) from app.articles),"
            " (select count(*) from app.reads), (select count(*) from app.hearts),"
            " (select member_id::text from app.hearts group by 1 order by count(*) desc, 1 limit 1)"
        )
        return Site(*cursor.fetchone())


def fill(cursor, rng: np.random.Generator, seed: int) -> None:
    """Insert members and articles, then the reads and hearts of each day."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    members = [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(MEMBERS)]
    languages = rng.choice(len(LANGUAGES), MEMBERS, p=LANGUAGE_SHARES)
    born = [midnight.date() - timedelta(days=int(days)) for days in rng.uniform(16, 70, MEMBERS) * 365]
    plans = rng.choice(PLANS, MEMBERS, p=PLAN_SHARES).tolist()
    names = [f"member {number}" for number in range(MEMBERS)]
    insert(cursor, "members", zip(members, names, plans, LANGUAGES[languages].tolist(), born, [midnight] * MEMBERS))
    article = articles(rng, seed, midnight)
    insert(cursor, "articles", article.rows)
    taste = rng.normal(0, SECTION_SIGMA, (MEMBERS, len(SECTIONS)))
    with progress("reads and hearts", DAYS) as advance:
        for day in range(DAYS):
            who = np.repeat(np.flatnonzero(rng.random(MEMBERS) < VISIT_SHARE), rng.poisson(MEAN_READS) + 1)
            what = rng.choice(ARTICLES, len(who), p=article.weights(day))
            logit = (
                BASE_LOGIT + LANGUAGE_LOGIT * (languages[who] == article.languages[what])
                + article.quality[what] + taste[who, article.sections[what]]
            )
            is_liked = rng.random(len(who)) < 1 / (1 + np.exp(-logit))
            seconds = np.round(np.exp(rng.normal(3.2 + 0.9 * is_liked, 0.8))).astype(int)
            hours = np.sort(rng.uniform(6, 24, len(who))).tolist()
            at = [midnight + timedelta(days=day, hours=hour) for hour in hours]
            slugs = [article.rows[place][0] for place in what]
            readers = [members[number] for number in who]
            insert(cursor, "reads (member_id, slug, at, seconds)", zip(readers, slugs, at, seconds.tolist()))
            likes = [(m, s, t) for m, s, t, liked in zip(readers, slugs, at, is_liked) if liked]
            insert(cursor, "hearts", likes, "on conflict do nothing")
            advance(1)


@dataclass
class Articles:
    """The articles as rows, and what drives who reads and hearts them; arrays of shape (articles,)."""

    rows: list[tuple]
    days: np.ndarray
    languages: np.ndarray
    sections: np.ndarray
    quality: np.ndarray

    def weights(self, day: int) -> np.ndarray:
        """Return the share of each article in the reads of a day: new ones are read most."""
        age = day - self.days
        weights = np.where(age >= 0, np.exp2(-np.maximum(age, 0) / 4) + 0.02, 0)
        return weights / weights.sum()


def articles(rng: np.random.Generator, seed: int, midnight: datetime) -> Articles:
    """Return the articles: half of them are there on the first day, the others come day by day."""
    sections = rng.integers(0, len(SECTIONS), ARTICLES)
    languages = rng.choice(len(LANGUAGES), ARTICLES, p=LANGUAGE_SHARES)
    authors = rng.integers(0, AUTHORS, ARTICLES)
    days = np.maximum(rng.integers(-DAYS, DAYS, ARTICLES), 0)
    names = SECTIONS[sections].tolist()
    texts = make_texts(names, rng.integers(0, 6, ARTICLES).tolist(), seed)
    prices = np.round(rng.gamma(2, 2, ARTICLES), 2).tolist()
    rows = []
    for number, (text, name) in enumerate(zip(texts, names, strict=True)):
        title, _, body = text.partition(". ")
        published = midnight + timedelta(days=int(days[number]))
        rows.append((
            f"{name}-{number:04}", title[:200], body or text, name, int(authors[number]),
            str(LANGUAGES[languages[number]]), prices[number], False, published, None,
        ))
    quality = rng.normal(0, AUTHOR_SIGMA, AUTHORS)[authors]
    return Articles(rows, days, languages, sections, quality)


def insert(cursor, target: str, rows: Iterable[tuple], conflict: str = "") -> None:
    """Insert rows into a table of the site."""
    execute_values(cursor, f"insert into app.{target} values %s {conflict}", list(rows), page_size=5000)
