"""A news-like site with tables of its own: what --auto takes, beside all others: `./run bench site [--seed N]`.

1,000 members in four weeks, 30 new articles a day. A member chooses what to read by how new it is (half as often after
12 hours), its language and section, the authors that the member follows, and how good it is; what is read is hearted by
the same without the age. Three visits of five record their reads, the hearts of the others come without one.

The recipes are fitted on the days before the validation ones, as --auto does to choose, and not again: what it takes is
then measured on the held-out days. truth: what is read and hearted next by the site's own formula, frozen at the first
held-out midnight as all is there.
"""

import argparse
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from loader.cli.models import show_selection
from loader.data import embed, embedders, refresh
from loader.demo import ATTACHED
from loader.learning import registry, selection, split
from loader.learning.candidates import train_by
from loader.learning.recipes import RECIPES
from loader.measuring import full
from loader.measuring.results import Contest
from loader.metrics import TOP, bootstrap
from loader.server.db import outside_transaction
from loader.simulation.site import LANGUAGE_SHARES, LANGUAGES, SECTIONS, TABLES, insert
from loader.simulation.texts import make_texts
from loader.terminal import out, progress, table
from tests.bench import temporary_database

MEMBERS, AUTHORS, DAYS, PER_DAY = 1000, 60, 28, 30
VISIT_SHARE, MEAN_READS, RECORDED = 0.4, 8, 0.6
HALF_LIFE_HOURS, FOLLOWED = 12, 3
LANGUAGE, SECTION_SIGMA, FOLLOWING, QUALITY_SIGMA, HEART = 2.0, 1.0, 2.0, 0.5, -3.5
VARIANTS = {"control": "control", "negatives": "likes", "test": "test", "test_fresh": "fresh"}


@dataclass
class Truth:
    """What drives the site; members and articles by their number: keys, when articles come (hours), and the affinity
    of each member to each article, (members, articles).
    """

    start: datetime
    members: list[str]
    slugs: list[str]
    born: np.ndarray
    affinity: np.ndarray

    def reads(self, member: int, hour: float) -> np.ndarray:
        """Return the weight with which a member reads each article at an hour."""
        age = hour - self.born
        weights = np.exp(self.affinity[member]) * np.exp2(-np.maximum(age, 0) / HALF_LIFE_HOURS)
        return np.where(age >= 0, weights, 0)

    def hearts(self, member: int) -> np.ndarray:
        """Return the probability that a member hearts each article when reading it."""
        return 1 / (1 + np.exp(-HEART - self.affinity[member]))


def make(connection: Connection, seed: int) -> Truth:
    """Make the site of the last four weeks."""
    rng, count = np.random.default_rng([seed, 23]), DAYS * PER_DAY
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    languages, sections = rng.choice(3, count, p=LANGUAGE_SHARES), rng.integers(0, len(SECTIONS), count)
    authors, members_speak = rng.integers(0, AUTHORS, count), rng.choice(3, MEMBERS, p=LANGUAGE_SHARES)
    follows = np.zeros((MEMBERS, AUTHORS))
    for row in follows:
        row[rng.choice(AUTHORS, FOLLOWED, replace=False)] = FOLLOWING
    truth = Truth(
        start, [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(MEMBERS)],
        [f"article-{number:05}" for number in range(count)],
        np.sort(rng.integers(0, DAYS, count)) * 24 + rng.uniform(5, 22, count),
        LANGUAGE * (members_speak[:, None] == languages)
        + rng.normal(0, SECTION_SIGMA, (MEMBERS, len(SECTIONS)))[:, sections]
        + follows[:, authors] + rng.normal(0, QUALITY_SIGMA, count),
    )
    texts = make_texts(SECTIONS[sections].tolist(), rng.integers(0, 6, count).tolist(), seed)
    with connection, connection.cursor() as cursor:
        cursor.execute(TABLES.read_text(encoding="utf-8"))
        insert(cursor, "members", (
            (key, key[:8], "free", str(LANGUAGES[language]), date(1980, 1, 1), start)
            for key, language in zip(truth.members, members_speak)
        ))
        insert(cursor, "articles", (
            (slug, text[:80], text, str(SECTIONS[section]), int(author), str(LANGUAGES[language]), 0, False,
             start + timedelta(hours=float(hour)), None)
            for slug, text, section, author, language, hour in zip(
                truth.slugs, texts, sections, authors, languages, truth.born)
        ))
        live(cursor, truth, rng)
    return truth


def live(cursor, truth: Truth, rng: np.random.Generator) -> None:
    """Insert the reads and hearts of each day."""
    with progress("reads and hearts", DAYS) as advance:
        for day in range(DAYS):
            reads, hearts = [], []
            for member in np.flatnonzero(rng.random(MEMBERS) < VISIT_SHARE):
                hour, is_recorded = day * 24 + rng.uniform(6, 23), rng.random() < RECORDED
                weights = truth.reads(member, hour)
                if not weights.any():
                    continue
                most = min(rng.poisson(MEAN_READS) + 1, np.count_nonzero(weights))
                chosen = rng.choice(len(weights), most, replace=False, p=weights / weights.sum())
                for place, article in enumerate(chosen):
                    at = truth.start + timedelta(hours=hour, minutes=2 * place)
                    key = (truth.members[member], truth.slugs[article])
                    if is_recorded:
                        reads.append((*key, at, 30))
                    if rng.random() < truth.hearts(member)[article]:
                        hearts.append((*key, at + timedelta(seconds=30)))
            insert(cursor, "reads (member_id, slug, at, seconds)", reads)
            insert(cursor, "hearts", hearts, "on conflict do nothing")
            advance(1)


def attach(connection: Connection) -> None:
    """Attach the site's tables as ./run demo --own-tables does, and make all features."""
    with outside_transaction(connection), connection.cursor() as cursor:
        for statement in ATTACHED:
            cursor.execute(statement)
    refresh.refresh(connection)
    embed.embed(connection, embedders.open_embedder())
    refresh.refresh(connection)


def store_truth(connection: Connection, truth: Truth, day: date) -> None:
    """Make the table app.truth: what each member is likely to heart next, as of a midnight."""
    hour = (split.midnight(day) - truth.start) / timedelta(hours=1)
    with connection, connection.cursor() as cursor:
        cursor.execute("select key, user_id from pgfeed.users")
        users = dict(cursor.fetchall())
        cursor.execute("select key, post_id from pgfeed.posts")
        posts = dict(cursor.fetchall())
        cursor.execute("create table app.truth (user_id bigint, post_id bigint, ts timestamptz, score float8)")
        for number, member in enumerate(truth.members):
            scores = truth.reads(number, hour) * truth.hearts(number)
            execute_values(cursor, "insert into app.truth values %s", [
                (users[member], posts[slug], split.midnight(day), float(score))
                for slug, score in zip(truth.slugs, scores) if score
            ], page_size=2000)
        cursor.execute("grant usage on schema app to pgfeed_owner; grant select on app.truth to pgfeed_owner")


def show_full(contest: Contest, taken: str) -> None:
    """Print what the recipes and rules reach in the catalogue of the first held-out midnight."""
    rule = contest.values["decayed popularity"][f"HitRate@{TOP}"]
    lines = []
    for method, values in contest.values.items():
        hits, (value, low, high) = values[f"HitRate@{TOP}"], bootstrap(values[f"HitRate@{TOP}"], contest.user_ids)
        gain = bootstrap(hits - rule, contest.user_ids)
        lines.append((
            f"{method}{' (auto)' if method == taken else ''}", f"{value:.3f} ({low:.3f}-{high:.3f})",
            f"{values['NDCG@10'].mean():.3f}", f"{value / max(rule.mean(), 1e-9):.1f}",
            f"{gain[0]:+.3f} ({gain[1]:+.3f} to {gain[2]:+.3f})",
        ))
    headers = ["ranked by", f"HitRate@{TOP}", "NDCG@10", "times", "over decayed popularity"]
    title = f"full{contest.detail}, {len(contest.user_ids):,} members"
    out.print(table(title, headers, lines, headers[1:]), crop=False)
    out.print(contest.note, soft_wrap=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench site")
    parser.add_argument("--seed", type=int, default=1)
    seed = parser.parse_args().seed
    with temporary_database("site") as connection:
        truth = make(connection, seed)
        attach(connection)
        days, models, versions = split.load(connection), {}, {}
        earlier = selection.validation_split(days)
        sessions = selection.load_sessions(connection, earlier)
        for name, recipe in RECIPES.items():
            models[name] = train_by(connection, VARIANTS[name], recipe, split=earlier)
            versions[f"{VARIANTS[name]}@{registry.store(connection, VARIANTS[name], models[name])}"] = name
        figures = selection.measured(connection, sessions, models)
        found = selection.selection_of(sessions, figures, list(models), {})
        out.print(f"seed {seed}")
        show_selection(found)
        store_truth(connection, truth, days.day)
        loaded = [registry.load_named(connection, version) for version in versions]
        contest = full.contest(connection, loaded, ["app.truth"])
        names = versions | {"app.truth": "truth"}
        contest.values = {names.get(method, method): values for method, values in contest.values.items()}
        show_full(contest, found.chosen)


if __name__ == "__main__":
    main()
