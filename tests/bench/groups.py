"""What each group of features adds to the recipe test: `./run bench groups [NAME...] [--users N]`.

For each simulated world, named as in bench worlds, the recipe is fitted with all features and without each group, on
the days before the held-out ones. Expected HitRate@5 of the same requests on the held-out days; the loss without a
group has a 95% interval over users. us: processor time of computing the group for one call of the whole catalogue.
"""

import argparse
import time
from collections.abc import Callable

from psycopg2.extensions import connection as Connection

from loader.learning import train
from loader.learning.feature_names import feature_names
from loader.learning.features import columns_at, load_pack, load_users
from loader.learning.impressions import Impressions
from loader.learning.model import predict
from loader.learning.recipes import recipe_of
from loader.learning.split import load as load_split
from loader.learning.split import midnight
from loader.measuring import live
from loader.metrics import TOP, bootstrap
from loader.terminal import out, table
from plpy.features import feature_values
from tests.bench import temporary_database
from tests.bench.worlds import make

GROUPS = {
    "profile": ("user.gender", "user.age", "user.country", "user.city", "user.exp_group", "user.os", "user.source"),
    "user's past": ("user.", "user_topic.", "taste."),
    "post's past": ("post.",),
    "texts": ("match.text",),
    "factors": ("match.factors",),
    "who likes what": ("match.preference", "match.score", "match.appeal"),
    "  preference, appeal": ("match.preference", "match.appeal"),
    "texts and factors": ("match.text", "match.factors"),
    "hour": ("time.",),
}
ALL = "nothing"
RUNS = 50


def chosen(names: list[str], group: str) -> list[str]:
    """Return the names of a group: what begins as it says, less what belongs to the profile."""
    found = [name for name in names if name.startswith(GROUPS.get(group, ()) or "-")]
    return found if group == "profile" else [name for name in found if name not in GROUPS["profile"]]


def without(rows: Impressions, names: list[str]) -> Impressions:
    """Return impressions with only the named features."""
    places = [rows.names.index(name) for name in names]
    return Impressions(**(vars(rows) | {"names": names, "features": rows.features[:, places]}))


def cost(connection: Connection, names: list[str], encoders: dict, of_group: list[str]) -> float:
    """Return the microseconds of a core that the values of a group take for one user and all posts."""
    day = load_split(connection).day
    pack = load_pack(connection, day, encoders, names)
    with connection.cursor() as cursor:
        cursor.execute("select user_id from pgfeed.users order by user_id limit 1")
        user = load_users(connection, midnight(day), [cursor.fetchone()[0]])[0]
    columns = columns_at(user, pack, encoders, midnight(day))
    computed = [name for name in of_group if name not in pack.columns]
    started = time.process_time()
    for _ in range(RUNS):
        for name in computed:
            feature_values(name, pack, columns, slice(None), 0)
    return (time.process_time() - started) / RUNS * 1e6


def measure(name: str, users: int, seed: int, requests: int) -> list[tuple]:
    """Return a line for each group in a world."""
    with temporary_database(f"groups_{name}") as connection:
        make(connection, name, users, seed)
        split, recipe = load_split(connection), recipe_of("test")
        names = feature_names(connection, "test", split)
        history = train.load_history(connection, split, names, recipe)
        scorers: dict[str, Callable] = {}
        groups = {group: chosen(names, group) for group in (ALL, *GROUPS)}
        for group, left_out in groups.items():
            kept = [each for each in names if each not in left_out]
            parameters = recipe.parameters
            if "match.score" in left_out:
                parameters = {key: value for key, value in parameters.items() if key != "monotone_constraints"}
            booster, _ = train.fit(without(history.training, kept), without(history.validation, kept), parameters)
            places = [names.index(each) for each in kept]
            scorers[group] = lambda matrix, booster=booster, places=places: predict(booster, matrix[:, places])
        user_ids, chances = live.offline_chances(
            connection, names, history.encoders, scorers, requests, list(split.held_out)
        )
        rows = []
        for group, left_out in groups.items():
            loss, low, high = bootstrap(chances[ALL] - chances[group], user_ids)
            spent = f"{cost(connection, names, history.encoders, left_out):.0f}"
            rows.append((name, group, len(left_out), f"{chances[group].mean():.4f}", f"{loss:+.4f}",
                         f"{low:+.4f} to {high:+.4f}", spent))
        return rows


def main() -> None:
    """Print a table for each world."""
    parser = argparse.ArgumentParser(prog="./run bench groups")
    parser.add_argument("names", nargs="*", metavar="NAME", default=["popularity", "taste", "audience"])
    parser.add_argument("--users", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, default=500)
    given = parser.parse_args()
    headers = ["world", "without", "features", "hit rate", "loss", "interval", "us"]
    for name in given.names:
        rows = measure(name, given.users, given.seed, given.requests)
        title = f"{given.users:,} users, seed {given.seed}, {given.requests:,} requests; expected HitRate@{TOP}"
        out.print(table(title, headers, rows, headers[2:]))


if __name__ == "__main__":
    main()
