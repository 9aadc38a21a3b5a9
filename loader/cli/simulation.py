"""Verbs that need no data of yours: simulate, demo."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from loader.cli.command import JSON, connected, database, main, say, show
from loader.errors import PgfeedError
from loader.terminal import counted, out, table

if TYPE_CHECKING:
    from loader.simulation.facts import Fact
    from loader.simulation.future import Plan, ServedDay


@main.command("simulate")
@click.option("--users", type=int, metavar="N", help="How many users; 163205 make the original's 76.9 million events.")
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True,
    help="The same seed and sizes give the same network."
)
@click.option("--world", default="popularity", metavar="NAME", show_default=True,
              help="By which mechanism users like: one of those above.")
@click.option("--posts", type=int, default=7023, show_default=True, help="Size of the catalogue.")
@click.option("--days", type=int, default=90, show_default=True,
              help="Days from 2021-10-01; more days can be added later.")
@click.option(
    "--to", "directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
    help="Write files instead of loading.",
)
@click.option("--format", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True, help="Of the files.")
@click.option(
    "--serve", "serve_days", type=click.IntRange(1), metavar="DAYS",
    help="Let the loaded users live with the recommender for so many more days.",
)
@click.option("--feed", metavar="NAME", help="With --serve: the named feed that they open.")
@click.option("--new-posts", type=click.IntRange(0, 1000), default=0, metavar="N",
              help="How many posts come a day, beside --posts.")
@click.option("--new-users", type=click.IntRange(0, 1000), default=0, metavar="N",
              help="How many users come a day, beside --users.")
@click.option("--loop", "is_loop", is_flag=True, help="With --serve: nights by tick() and a worker, training too.")
@click.option("--variant", metavar="NAME", default="control", show_default=True, help="With --loop: what is trained.")
@click.option("--policies", metavar="NAMES", help="With --loop: of groups of users, such as frozen,trained,popular.")
@click.option("--explore", type=click.Choice(["careful", "normal"]), default="careful", show_default=True,
              help="With --policies: how the policy explored does.")
@click.option("--stop", "stopped", type=int, multiple=True, metavar="DAY", help="With --loop: no night after this day.")
@click.option("--bad", type=int, multiple=True, metavar="DAY", help="With --loop: a bad model is deployed.")
@click.option("--change", "changes", type=int, multiple=True, metavar="DAY", help="With --loop: tastes change.")
@click.option("--outbreak", "outbreaks", multiple=True, metavar="DAY:TOPIC", help="With --loop: a topic breaks out.")
@click.option(
    "--report", "with_report", is_flag=True, help="Print every fact of the original beside the simulated value."
)
@JSON
def simulate_network(
    users, seed, world, posts, days, directory, format, serve_days, feed, new_posts, new_users, is_loop, variant,
    policies, explore, stopped, bad, changes, outbreaks, with_report, as_json,
):
    """Make a social network with the original's habits and load it, or write it to files.

    A load that was interrupted goes on where it stopped. Needs an empty database. With --serve, each user who opens the
    feed on one of the next days first sees five posts of serve_posts; likes are drawn from the network's truth, and
    every night the features are refreshed. Then it says how often the lists show a post again, how much of the
    catalogue they use, and how probable a like among the five posts is.

    With --loop each night is tick() at that midnight, and a worker: it rolls up, refreshes, embeds, trains the variant
    every night and lets the gate decide, as set_schedule() and set_upkeep() say. --policies splits the users: frozen
    (the present model for ever), trained, explored (trained, in a feed that explores), popular, random. Days of --stop,
    --bad, --change (each user likes as another one did) and --outbreak (a week) are counted from 1.

    All worlds have the same users, sessions and rates as far as they apply; what users like follows one mechanism:

    \b
    popularity  one kind of user likes popular posts, the other kind the rest
    taste       everybody has a taste, which texts tell
    kinds       four hidden kinds of user, with levels, themes and unseen traits
    news        50 new posts a day, hardly shown or liked after a day or two
    shop        no views: purchases of things that go together, none twice
    flat        no structure: the better post is better for everybody
    audience    what is liked depends on age, gender and city
    drift       interest moves with what was liked lately; topics break out

    \b
    Example:
      ./run simulate --users 3000 --seed 1 --report
      ./run simulate --users 6000 --world taste
      ./run simulate --users 163205 --to network --format parquet
      ./run simulate --serve 14
      ./run simulate --users 600 --posts 1000 --days 30 --new-posts 10
      ./run simulate --serve 28 --loop --policies frozen,trained,explored
    """
    from loader.simulation import original, simulate
    from loader.simulation.feed import generated_feed, loaded_feed
    from loader.simulation.future import Plan
    from loader.simulation.world import Life

    of_loop = {"--policies": policies, "--stop": stopped, "--bad": bad, "--change": changes, "--outbreak": outbreaks}
    unused = [name for name, given in of_loop.items() if given]
    if unused and not is_loop:
        raise PgfeedError(f"{unused[0]} does not go without --loop", "a plain month has no nights",
                          f"pgfeed simulate --serve 28 --loop {unused[0]} ...")
    if serve_days is not None:
        late = [day for day in (*stopped, *bad, *changes) if not 1 <= day <= serve_days]
        if late:
            raise PgfeedError(f"day {late[0]} is not among the {serve_days} that are served", None,
                              f"name days from 1 to {serve_days}")
        if users is not None or directory is not None:
            cause, next_step = "it goes on with the network that is loaded", f"pgfeed simulate --serve {serve_days}"
            raise PgfeedError("--serve does not go with --users and --to", cause, next_step)
        if is_loop:
            plan = Plan(stopped, bad, changes, [day_and_topic(each) for each in outbreaks])
            live_in_network(serve_days, feed, variant, policies.split(",") if policies else [], explore, plan, as_json)
        else:
            serve_network(serve_days, feed, as_json)
        return
    if is_loop:
        raise PgfeedError("--loop does not go without --serve", "nothing is served",
                          "pgfeed simulate --serve 28 --loop")
    if feed is not None:
        raise PgfeedError("--feed does not go without --serve", "nothing is served", "pgfeed simulate --serve 28")
    if users is None:
        raise PgfeedError("how many users?", "a new network needs --users", "pgfeed simulate --users 3000")
    facts = None
    if directory is not None:
        if new_posts or new_users:
            raise PgfeedError("--new-posts and --new-users do not go with --to", "they come with the days of the loop",
                              "leave them out, or leave out --to")
        done = simulate.simulate_to_files(directory, users, seed, posts, days, format, world)
        outcome = f"written to {directory}"
        if with_report:
            facts = original.compare(generated_feed(users, seed, posts, days, world), world)
    else:
        with database() as connection:
            done = simulate.simulate(
                connection, users, seed, posts, days, world, Life(new_posts, new_users)
            )
            if with_report:
                facts = original.compare(loaded_feed(connection), world)
        outcome = f"{counted(done.loaded_days, 'day')} loaded" if done.loaded_days else "loaded already, nothing to do"
    sizes = ", ".join(counted(getattr(done, f"{noun}s"), noun) for noun in ("user", "post", "view", "like"))
    about = vars(done) if facts is None else {**vars(done), "facts": [fact.as_dict() for fact in facts]}
    show(about, as_json, f"{sizes}: {outcome}")
    if facts is not None and not as_json:
        out.print(fact_table(facts), crop=False)


def serve_network(days: int, feed: str | None, as_json: bool) -> None:
    """Let the loaded users live with the recommender."""
    from loader.simulation import future

    with database() as connection:
        served = future.serve(connection, days, feed)
        lists = future.lists_of(connection, days)
    figures = None if lists is None else lists.as_dict()
    show({"days": [vars(day) for day in served], "lists": figures}, as_json, served_table(served))
    if figures is not None and not as_json:
        say(lists_in_words(figures), err=False)


def day_and_topic(text: str) -> tuple[int, str]:
    """Return what --outbreak names."""
    day, _, topic = text.partition(":")
    if not day.isdigit() or not topic:
        raise PgfeedError(f"--outbreak {text} is no day and topic", "such as 5:sport", "pgfeed simulate --help")
    return int(day), topic


def live_in_network(
    days: int, feed: str | None, variant: str, policies: list[str], explore: str, plan: "Plan", as_json: bool
) -> None:
    """Let the loaded users live with a recommender that trains by itself."""
    from loader.simulation import loop
    from loader.simulation.world import World

    served, told = [], {}
    with database() as connection:
        loop.schedule(connection, variant)
        if policies:
            loop.start_policies(connection, policies, variant, explore)
        for day, words in loop.live(connection, days, variant, feed, plan):
            served.append(day)
            told[day.day] = words
        world = World.load(connection)
        figures = {
            name: lists.as_dict() | {"regret": loop.regret_of(connection, world, lists)}
            for name, lists in loop.lists_by_policy(connection, days).items()
        }
    show({"days": [vars(day) | {"told": told[day.day]} for day in served], "lists": figures}, as_json,
         served_table(served))
    if not as_json:
        out.print(policies_table(figures))


def policies_table(figures: dict[str, dict]) -> Table:
    """Return a line per group of users."""
    headers = ["policy", "lists", "expected HitRate", "regret", "coverage", "again", "ten most"]
    rows = [
        (name, f"{of['lists']:,}", f"{of['expected_hit_rate']:.4f}", f"{of['regret']:.4f}", f"{of['coverage']:.1%}",
         f"{of['shown_again']:.1%}", f"{of['ten_most_served']:.1%}")
        for name, of in figures.items()
    ]
    return table("what was served, by the network's truth", headers, rows, headers[1:])


def lists_in_words(figures: dict) -> str:
    """Return how much the lists repeat, how much of the catalogue they use and what they are worth."""
    from loader.metrics import TOP

    distance = figures["distance"]

    return (
        f"{figures['shown_again']:.1%} of the places show a post again that its user did not like;"
        f" {counted(figures['posts'], 'post')} ({figures['coverage']:.1%} of the catalogue) are served,"
        f" the ten most served take {figures['ten_most_served']:.1%} of the places"
        f"{'' if distance is None else f'; the posts of a list are {distance:.3f} from each other'}\n"
        f"expected HitRate@{TOP} {figures['expected_hit_rate']:.4f} (95%: {figures['expected_hit_rate_low']:.4f} to"
        f" {figures['expected_hit_rate_high']:.4f}), by the network's truth"
    )


def served_table(served: "list[ServedDay]") -> Table:
    """Return a line per day."""
    headers = ["day", "exposures", "views", "likes", "likes per view"]
    rows = [
        (d.day, f"{d.exposures:,}", f"{d.views:,}", f"{d.likes:,}", f"{d.likes / max(d.views, 1):.3f}") for d in served
    ]
    return table(f"{counted(len(served), 'day')} with the recommender", headers, rows, headers[1:])


def fact_table(facts: "list[Fact]") -> Table:
    """Return the facts as a table of at most 80 columns."""
    rows = [(fact.name, figure(fact.real), figure(fact.simulated), fact.verdict) for fact in facts]
    off = sum(row[3].startswith("off") for row in rows)
    title = f"{len(rows)} facts, {off} off by more than 3% and two standard errors"
    return table(title, ["fact", "real", "simulated", "verdict"], rows, ["real", "simulated"])


def figure(value: float) -> str:
    """Return a figure with as many digits as it needs."""
    if abs(value) >= 10:
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}"
    return f"{value:.4f}".rstrip("0").rstrip(".")


@main.command("demo")
@click.option("--own-tables", is_flag=True, help="Attach a simulated site's tables, in a database of its own: site.")
@connected
def run_demo(connection, own_tables):
    """Simulate a small network, train on it and recommend: the main job in a few minutes.

    Run again, it does not redo what is done.

    \b
    Example:
      ./run demo
      ./run demo --own-tables
    """
    from loader import demo

    (demo.own_tables if own_tables else demo.demo)(connection)
