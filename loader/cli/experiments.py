"""Verbs about experiments: create, list, drop, start, stop, conclude, report."""

from pathlib import Path

import click

from loader.cli.command import JSON, connected, main, say, say_warnings, show


@main.group("experiment", no_args_is_help=False)
def experiment_group():
    """Compare models on real users: create, start, stop, conclude, report, list, drop.

    \b
    Example:
      ./run experiment create embeddings control test
      ./run experiment start embeddings
      ./run experiment report embeddings
    """


@experiment_group.command("create")
@click.argument("name")
@click.argument("arms", nargs=-1, required=True)
@click.option("--salt", help="Splits the users [default: a new one].")
@click.option(
    "--expected-lift", type=click.FloatRange(0, 10, min_open=True), default=0.05, show_default=True,
    help="The relative gain worth finding.",
)
@JSON
@connected
def create_experiment(connection, name, arms, salt, expected_lift, as_json):
    """Create an experiment, not started. The first arm is the baseline.

    An arm is [NAME=]VARIANT[@VERSION][:PERCENT]: a model's variant, its active model or a pinned version; popular;
    random. Without percentages all arms are equal.

    \b
    Example:
      ./run experiment create embeddings control test
      ./run experiment create careful old=control@3:90 new=control@4:10 --expected-lift 0.02
    """
    from loader.experiment import experiments, tables

    created = experiments.create(connection, name, list(arms), salt, expected_lift)
    say_warnings(connection)
    data = experiments.to_json(created.experiment | {"arms": created.arms})
    show(data, as_json, tables.report_table(created))


@experiment_group.command("list")
@JSON
@connected
def list_experiments(connection, as_json):
    """Show all experiments: state, arms with their shares, start, exposures.

    \b
    Example:
      ./run experiment list
    """
    from loader.experiment import experiments, tables

    rows = experiments.load_all(connection)
    show(experiments.to_json(rows), as_json, tables.list_table(rows))


@experiment_group.command("drop")
@click.argument("name")
@connected
def drop_experiment(connection, name):
    """Delete an experiment that was never started.

    \b
    Example:
      ./run experiment drop embeddings
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("call pgfeed.drop_experiment(%s)", [name])
    click.echo(f"experiment {name} is dropped")


@experiment_group.command("start")
@click.argument("name")
@connected
def start_experiment(connection, name):
    """Let the arms serve: recommend_posts and serve_posts follow them from the next call on.

    \b
    Example:
      ./run experiment start embeddings
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("call pgfeed.start_experiment(%s)", [name])
    say(f"experiment {name} is running. Next, when users were served: pgfeed experiment report {name}", err=False)


@experiment_group.command("stop")
@click.argument("name")
@connected
def stop_experiment(connection, name):
    """Let the default variant serve everybody again; the exposures stay.

    \b
    Example:
      ./run experiment stop embeddings
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("call pgfeed.stop_experiment(%s)", [name])
    say(f"experiment {name} is stopped. Next: pgfeed experiment report {name}", err=False)


@experiment_group.command("conclude")
@click.argument("name")
@click.argument("winner")
@connected
def conclude_experiment(connection, name, winner):
    """Stop an experiment if it runs, and record the arm that won.

    What serves does not change by it: the default variant does, until the command that this prints was run.

    \b
    Example:
      ./run experiment conclude embeddings test
    """
    from loader.experiment import experiments

    following = experiments.conclude(connection, name, winner)
    say_warnings(connection)
    say(f"experiment {name} is concluded: {winner} won. Next, to let it serve everybody: {following}", err=False)


@experiment_group.command("report")
@click.argument("name")
@click.option(
    "--attribution", metavar="INTERVAL", default="1 hour", show_default=True,
    help="How long after an exposure a like counts for it.",
)
@click.option("--until", metavar="TS", help="Leave out what came later [default: now].")
@click.option(
    "--html", "path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Write the page for a browser.",
)
@JSON
@connected
def report_experiment(connection, name, attribution, until, path, as_json):
    """Show what came out: verdict, figures per arm, checks.

    \b
    Example:
      ./run experiment report embeddings --html embeddings.html
    """
    from loader.experiment import experiments, page, tables, verdict

    report = experiments.load(connection, name, attribution, until, has_days=as_json or path is not None)
    if path is not None:
        page.write_html(report, path)
        click.echo(f"{path}: {path.stat().st_size / 1000:,.0f} kB, open it in a browser", err=True)
    show(experiments.to_json(verdict.as_dict(report)), as_json, tables.report_table(report))
