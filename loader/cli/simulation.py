"""Verbs that need no data of yours: simulate, demo."""

import contextlib
from pathlib import Path

import click

from loader.cli.command import JSON, connected, main, show
from loader.errors import PgfeedError
from loader.server import db
from loader.terminal import counted


@main.command("simulate")
@click.option("--users", "users", type=int, metavar="N", help="How many users; 163205 make the original's 76.9 million events.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed and sizes give the same network.")
@click.option("--posts", type=int, default=7023, show_default=True, help="Size of the catalogue.")
@click.option("--days", type=int, default=90, show_default=True, help="Days from 2021-10-01; more days can be added later.")
@click.option("--to", "directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="Write files instead of loading.")
@click.option("--format", "format", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True, help="Of the files.")
@click.option("--serve", "serve_days", type=click.IntRange(1), metavar="DAYS", help="Let the loaded users live with the recommender for so many more days.")
@click.option("--report", "with_report", is_flag=True, help="Print every fact of the original beside the simulated value.")
@JSON
def simulate_network(users, seed, posts, days, directory, format, serve_days, with_report, as_json):
    """Make a social network with the original's habits and load it, or write it to files.

    A load that was interrupted goes on where it stopped. Needs an empty database. With --serve, each user who opens the
    feed on one of the next days first sees five posts of serve_posts; likes are drawn from the network's truth, and every
    night the features are refreshed.

    \b
    Example:
      ./run simulate --users 3000 --seed 1 --report
      ./run simulate --users 163205 --to network --format parquet
      ./run simulate --serve 14
    """
    from loader.simulation import facts as simulate_report
    from loader.simulation import simulate

    if serve_days is not None:
        if users is not None or directory is not None:
            raise PgfeedError("--serve does not go with --users and --to", "it goes on with the network that is loaded", f"pgfeed simulate --serve {serve_days}")
        from loader.simulation import future

        with contextlib.closing(db.connect()) as connection:
            db.require_schema(connection)
            served = future.serve(connection, serve_days)
        show([vars(day) for day in served], as_json, future.as_table(served))
        return
    if users is None:
        raise PgfeedError("how many users?", "a new network needs --users", "pgfeed simulate --users 3000")
    feed = None
    if directory is not None:
        done = simulate.simulate_to_files(directory, users, seed, posts, days, format)
        what = f"written to {directory}"
        if with_report:
            feed = simulate_report.generated_feed(users, seed, posts, days)
    else:
        with contextlib.closing(db.connect()) as connection:
            db.require_schema(connection)
            done = simulate.simulate(connection, users, seed, posts, days)
            if with_report:
                feed = simulate_report.loaded_feed(connection)
        what = f"{counted(done.loaded_days, 'day')} loaded" if done.loaded_days else "loaded already, nothing to do"
    show(vars(done), as_json, f"{counted(done.users, 'user')}, {counted(done.posts, 'post')}, {counted(done.views, 'view')}, {counted(done.likes, 'like')}: {what}")
    if feed is not None:
        facts = simulate_report.facts(feed)
        show([fact.as_dict() for fact in facts], as_json, simulate_report.report_table(facts))


@main.command("demo")
@connected
def run_demo(connection):
    """Simulate a small network, train on it and recommend: the main job in a few minutes.

    Run again, it does not redo what is done.

    \b
    Example:
      ./run demo
    """
    from loader import demo

    demo.demo(connection)
