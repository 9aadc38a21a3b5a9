"""Verbs about models: train, activate, rollback, import, export."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loader.cli.command import JSON, connected, main, say, show
from loader.errors import PgfeedError
from loader.figures import shown
from loader.terminal import counted, out, table

if TYPE_CHECKING:
    from loader.learning.model import NewModel
    from loader.learning.selection import Selection


@main.command("train")
@click.argument("variant")
@click.option(
    "--negatives", type=click.IntRange(min=1), metavar="N",
    help="Learn to choose from the whole catalogue: N posts not liked per request.",
)
@click.option(
    "--horizon", "horizon_days", type=click.FloatRange(min=0, min_open=True), metavar="DAYS",
    help="With --negatives: what is liked within so many days [default: the next like].",
)
@click.option("--recipe", "source", metavar="FILE", help="A file of TOML, or control, test, test_fresh or negatives.")
@click.option("--auto", "is_selected", is_flag=True,
              help="Try all recipes and take the one that suits the feed, as for a new variant.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE",
              help="Change a setting of the recipe, or a parameter of CatBoost. May be repeated.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE",
              help="Learn only from days (UTC) before this one, as if it were today.")
@click.option("--refit/--no-refit", "is_refitted", default=True, show_default=True,
              help="Fit again on all days, or learn nothing from the held-out ones.")
@click.option("--activate", "is_activated", is_flag=True, help="Let the new model serve at once.")
@click.option("--activate-if-better", "is_tried", is_flag=True,
              help="Let it serve if it is clearly ahead of the active version on the same held-out requests.")
@JSON
@connected
def train_model(
    connection, variant, negatives, horizon_days, source, is_selected, changes, until, is_refitted, is_activated,
    is_tried, as_json,
):
    """Train a model, measure it on the held-out days, fit it again on all days and store it, inactive.

    The last fifth of the views is held out. Evaluations measure a copy of the model that has not seen it.

    Without --negatives it learns which of the posts that a user saw are liked; with them, which of all posts a user
    likes next, for feeds whose views are not recorded. Without --recipe, a variant with the name of a recipe has that
    one, and others that of their newest version. For a new variant all are tried on days before the held-out ones.

    \b
    Example:
      ./run train control --activate
      ./run train control --negatives 100
      ./run train mine --recipe test --set depth=5
    """
    from loader.learning import registry, training

    if horizon_days is not None and negatives is None:
        next_step = f"pgfeed train {variant} --negatives 100 --horizon {horizon_days:g}"
        raise PgfeedError("--horizon needs --negatives", None, next_step)
    if negatives is not None and source:
        raise PgfeedError("--negatives and --recipe exclude each other", None, "--recipe FILE --set negatives=100")
    if negatives is not None:
        horizon = () if horizon_days is None else (f"horizon_days={horizon_days!r}",)
        source, changes = "negatives", (*changes, f"negatives={negatives}", *horizon)
    if is_selected and (source or changes):
        raise PgfeedError("--auto takes no recipe and no change of one", None, f"pgfeed train {variant} --auto")
    version, model = training.train_and_store(
        connection, variant, source, changes, is_selected, is_refitted, None if as_json else show_selection, say,
        until and until.date(),
    )
    trial = trial_of(connection, variant, version) if is_tried else None
    is_activated = is_activated or (trial is not None and trial["is_better"])
    if is_activated:
        registry.activate(connection, variant, version)
    metrics = model.metrics
    data = {"variant": variant, "version": version, "is_active": is_activated, **metrics}
    show(data | ({"trial": trial} if trial else {}), as_json, (
        f"{variant} version {version}: {learned(model)}\n"
        f"{counted(len(model.feature_names), 'feature')}, {counted(metrics['tree_count'], 'tree')}"
        f" in {metrics['fit_seconds']:.0f} s, {reached(metrics)}\n{of_shown_again(metrics)}"
        + (f"{trial['reason']}\n" if trial else "")
        + ("active" if is_activated else f"not active. Next: pgfeed activate {variant}")
    ))


def trial_of(connection, variant: str, version: int) -> dict:
    """Return whether a new version is clearly better than the active one, and why."""
    from loader.learning import registry
    from loader.measuring import paired

    active = registry.active_version(connection, variant)
    if active is None:
        return {"is_better": True, "reason": f"no version of {variant} served before"}
    first, second = f"{variant}@{active}", f"{variant}@{version}"
    try:
        differences = paired.compare(connection, first, second)[0]
    except PgfeedError as error:
        return {"is_better": False, "reason": f"{second} was not compared with {first}: {error}"}
    found = paired.decisive(differences)
    gains = ", ".join(f"{d.metric} of {d.protocol} {d.gain:+.4f} ({d.low:+.4f} to {d.high:+.4f})" for d in found)
    is_better = paired.is_better(differences)
    return {
        "is_better": is_better,
        "reason": f"{second} is {'' if is_better else 'not '}clearly better than {first}: {gains}",
        "differences": [vars(difference) for difference in differences],
    }


def show_selection(found: "Selection") -> None:
    """Print what the recipes reached that a model was selected from, and why one was taken."""
    if found.figures:
        headers = ["recipe or rule", "HitRate@5", "NDCG@10", "AUC", "gain", "95% interval"]
        title = (
            f"{counted(found.session_count, 'session')} of the days before the held-out ones, all posts;\n"
            f"AUC of what was shown; gain: in NDCG@10 over {found.rules[0]}"
        )
        lines = [selection_row(name, figures) for name, figures in found.as_dict()["methods"].items()]
        out.print(table(title, headers, lines, headers[1:]))
    for name, problem in found.problems.items():
        say(f"{name} cannot be used: {problem}", err=False)
    say(found.reason, err=False)


def selection_row(name: str, figures: dict) -> tuple[str, ...]:
    """Return a line of the table about what a model was selected from."""
    over = figures.get("over_best_rule")
    standing = (f"{over['gain']:+.3f}", f"{over['low']:+.3f} to {over['high']:+.3f}") if over else ("", "")
    values = (shown(figures[key]) for key in ("hit_rate_5", "ndcg_10", "request_auc"))
    return (name.partition(",")[0], *values, *standing)


def learned(model: "NewModel") -> str:
    """Return what a model was fitted on."""
    if model.held_out is None:
        return f"{rows_of(model.metrics)} before {model.trained_until}"
    first = f"{rows_of(model.metrics)} before {model.held_out.first_day}"
    return f"{first}, fitted again on {rows_of(model.metrics, 'refit_')} before {model.trained_until}"


def rows_of(metrics: dict, fit: str = "") -> str:
    """Return how much a fit has learned from; fit: what its figures begin with."""
    if "request_count" in metrics:
        return counted(metrics[f"{fit}request_count"], "request")
    return f"{counted(metrics[f'{fit}row_count'], 'impression')} of {counted(metrics[f'{fit}day_count'], 'day')}"


def reached(metrics: dict) -> str:
    """Return how good it was when it was fitted."""
    if "request_count" in metrics:
        hit_rate, ndcg = metrics["validation_hit_rate_5"], metrics["validation_ndcg_10"]
        found = f"validation over all posts HitRate@5 {shown(hit_rate)}, NDCG@10 {shown(ndcg)}"
        if "held_out_ndcg_10" in metrics:
            hit_rate, ndcg = metrics["held_out_hit_rate_5"], metrics["held_out_ndcg_10"]
            found += f", held out {shown(hit_rate)}, {shown(ndcg)}"
        return found + (": no post that is liked later is in the catalogue" if ndcg is None else "")
    auc = metrics["validation_request_auc"]
    found = f"AUC within a validation user-day {shown(auc)}"
    if auc is None:
        return f"{found}: none of them has both a like and a view without one"
    return found + (f", held out {shown(metrics['held_out_request_auc'])}" if "held_out_request_auc" in metrics else "")


def of_shown_again(metrics: dict) -> str:
    """Return the line, if any, about what showing a post again does."""
    if "shown_again_effects" not in metrics:
        return ""
    loss, without = (metrics[f"validation_shown_again_logloss{of}"] for of in ("", "_without"))
    shown_again = counted(metrics["shown_again_count"], "impression")
    return f"of {shown_again} that showed a post again: log loss {loss:.5f}, without their effects {without:.5f}\n"


@main.command("activate")
@click.argument("variant")
@click.argument("version", type=click.IntRange(1), required=False)
@click.option("--force", "is_forced", is_flag=True, help="Also one that the gate refused; that is written down.")
@connected
def activate_model(connection, variant, version, is_forced):
    """Let a stored model serve its variant, the newest if no version is named.

    A model that the gate refused or took back (table pgfeed.model_decisions) needs --force.

    \b
    Example:
      ./run activate control 3
    """
    from loader.learning import registry

    click.echo(f"{variant} version {registry.activate(connection, variant, version, is_forced)} is active")


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
@click.option("--trained-until", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE",
              help="It has seen no event from this day (UTC) on; evaluations measure on later days only.")
@connected
def import_model(connection, variant, file, trained_until):
    """Store a CatBoost model (.cbm) that was trained elsewhere, inactive.

    Without --trained-until, and if export did not write it, it counts as one that has not seen the held-out days.

    \b
    Example:
      ./run import control model.cbm --trained-until 2021-12-01
    """
    from loader.learning import registry

    version = registry.import_model(connection, variant, file, trained_until and trained_until.date())
    say(f"{variant} version {version} is stored, not active. Next: pgfeed activate {variant}", err=False)


@main.command("export")
@click.argument("variant")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--version", type=click.IntRange(1), help="[default: the active one]")
@connected
def export_model(connection, variant, file, version):
    """Write a stored model to a .cbm file, which import takes elsewhere.

    \b
    Example:
      ./run export control model.cbm
    """
    from loader.learning import registry

    click.echo(f"{file}: {registry.export_model(connection, variant, version, file):,} bytes")
