"""Verbs about models: train, activate, rollback, import, export."""

from pathlib import Path

import click

from loader.cli.command import JSON, connected, main, say, show
from loader.errors import PgfeedError
from loader.terminal import counted, out


@main.command("train")
@click.argument("variant")
@click.option("--compare", "is_comparison", is_flag=True, help="Fit other methods too; the best CatBoost is stored.")
@click.option("--negatives", type=click.IntRange(min=1), metavar="N", help="Learn to choose from the whole catalogue: N posts not liked per request.")
@click.option("--horizon", "horizon_days", type=click.FloatRange(min=0, min_open=True), metavar="DAYS", help="With --negatives: what is liked within so many days [default: the next like].")
@click.option("--activate", "is_activated", is_flag=True, help="Let the new model serve at once.")
@JSON
@connected
def train_model(connection, variant, is_comparison, negatives, horizon_days, is_activated, as_json):
    """Train a model on the days before the held-out ones and store it, inactive.

    Without --negatives it learns which of the posts that a user saw are liked; with them, which of all posts a user
    likes next, for feeds whose views are not recorded.

    \b
    Example:
      ./run train control --activate
      ./run train control --compare
      ./run train control --negatives 100
    """
    from loader.learning import registry, train

    lines = []
    if horizon_days is not None and negatives is None:
        raise PgfeedError("--horizon needs --negatives", None, f"pgfeed train {variant} --negatives 100 --horizon {horizon_days:g}")
    if is_comparison and negatives is not None:
        raise PgfeedError("--compare and --negatives exclude each other", None, "pgfeed train --help")
    if negatives is not None:
        from loader.learning import choices

        registry.require_name(variant)
        trained = choices.train(connection, negatives, horizon_days)
    elif is_comparison:
        from loader.measuring import compare

        lines, trained = compare.compare(connection, variant)
    else:
        trained = train.train(connection, variant)
    version = registry.store(connection, variant, trained)
    if is_activated:
        registry.activate(connection, variant, version)
    metrics = trained.metrics
    if lines and not as_json:
        out.print(compare.as_table(variant, lines))
        out.print(compare.FOOTNOTE)
    if negatives is None:
        learned = f"{counted(metrics['row_count'], 'impression')} of {counted(metrics['day_count'], 'day')}"
        reached = f"AUC within a validation user-day {metrics['validation_request_auc']:.3f}"
    else:
        learned = f"{counted(metrics['request_count'], 'request')}"
        reached = f"validation over all posts HitRate@5 {metrics['validation_hit_rate_5']:.3f}, NDCG@10 {metrics['validation_ndcg_10']:.3f}"
    show({"variant": variant, "version": version, "is_active": is_activated, **metrics, "methods": [vars(line) for line in lines]}, as_json, (
        f"{variant} version {version}: {learned} before {trained.trained_until}\n"
        f"{counted(len(trained.names), 'feature')}, {counted(metrics['tree_count'], 'tree')} in {metrics['fit_seconds']:.0f} s,"
        f" {reached}\n"
        + ("active" if is_activated else f"not active. Next: pgfeed activate {variant}")
    ))


@main.command("activate")
@click.argument("variant")
@click.argument("version", type=int, required=False)
@connected
def activate_model(connection, variant, version):
    """Let a stored model serve its variant, the newest if no version is named.

    \b
    Example:
      ./run activate control 3
    """
    from loader.learning import registry

    click.echo(f"{variant} version {registry.activate(connection, variant, version)} is active")


@main.command("rollback")
@click.argument("variant")
@connected
def rollback_model(connection, variant):
    """Go back to the model that served before the present one.

    \b
    Example:
      ./run rollback control
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("call pgfeed.rollback_model(%s)", [variant])
        click.echo(f"{variant} version {cursor.fetchone()[0]} is active again")


@main.command("import")
@click.argument("variant")
@click.argument("file", type=click.Path(path_type=Path))
@connected
def import_model(connection, variant, file):
    """Store a CatBoost model (.cbm) that was trained elsewhere, inactive.

    \b
    Example:
      ./run import control model.cbm
    """
    from loader.learning import registry

    version = registry.import_model(connection, variant, file)
    say(f"{variant} version {version} is stored, not active. Next: pgfeed activate {variant}", err=False)


@main.command("export")
@click.argument("variant")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--version", type=int, help="[default: the active one]")
@connected
def export_model(connection, variant, file, version):
    """Write a stored model to a .cbm file, which import takes elsewhere.

    \b
    Example:
      ./run export control model.cbm
    """
    from loader.learning import registry

    click.echo(f"{file}: {registry.export_model(connection, variant, version, file):,} bytes")
