"""Verbs that measure: evaluate, report."""

from pathlib import Path

import click

from loader.cli.command import JSON, connected, main, show
from loader.errors import PgfeedError
from loader.terminal import out


@main.command("evaluate")
@click.argument("protocols")
@click.argument("variants", nargs=-1, required=True)
@click.option("--requests", "request_count", type=click.IntRange(1), default=2000, show_default=True, help="Of the live protocol.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the live requests and likes, and of the users of full.")
@JSON
@connected
def evaluate_variants(connection, protocols, variants, request_count, seed, as_json):
    """Measure active models beside their baselines, and write the figures to pgfeed.evaluations.

    \b
    logged  re-ranks what users saw on the held-out days; HitRate@5 over user-days with more than five views
    live    sends requests through recommend_posts; likes drawn from the simulated network's truth
    full    ranks the whole catalogue for users with likes before and after the first held-out day

    \b
    Example:
      ./run evaluate logged,live,full control
    """
    from loader.learning import registry
    from loader.measuring import full, live, logged

    known = {"logged", "live", "full"}
    wanted = protocols.split(",")
    if not set(wanted) <= known:
        raise PgfeedError(f"there is no protocol {', '.join(sorted(set(wanted) - known))}", f"known: {', '.join(sorted(known))}", "pgfeed evaluate --help")
    if "live" in wanted and not live.is_simulated(connection):
        raise PgfeedError("live needs a simulated network", "the true probabilities of likes are known only there", "pgfeed evaluate logged ...")
    for protocol in wanted:
        runs = []
        for variant in variants:
            model = registry.load_active(connection, variant)
            lines = None
            if protocol == "logged":
                results, note, parameters = logged.evaluate_logged(connection, model), None, {}
            elif protocol == "full":
                run = full.evaluate_full(connection, model, variant, seed)
                results, note, parameters = run.results(), None, {"seed": seed}
                lines = run.as_table(results)
            else:
                run = live.evaluate_live(connection, model, variant, request_count, seed)
                runs.append(run)
                results, note, parameters = run.results(), run.note(), {"requests": request_count, "seed": seed}
                lines = run.as_table(results)
            logged.store(connection, protocol, variant, model["version"], results, parameters)
            figures = {"protocol": protocol, "variant": variant, "version": model["version"], "results": [vars(r) for r in results], "note": note}
            show(figures, as_json, lines or logged.as_table(protocol, variant, model["version"], results))
            if not as_json:
                out.print("\n".join(filter(None, [logged.verdict(results), note])))
        if len(runs) > 1:
            show(*live.paired(runs[0], runs[1:], as_json))


@main.command("report")
@click.option(
    "--out", "path", default="pgfeed-report.html", show_default=True, metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False), help="The HTML file to write.",
)
@connected
def write_report(connection, path):
    """Write what data, models and evaluations look like to one HTML file.

    Data checks, distributions, like rates with intervals, weak features, what the models use, evaluations, calibration.

    \b
    Example:
      ./run report --out report.html
    """
    from loader.report import sections as report

    report.write_report(connection, path)
    click.echo(f"{path}: {path.stat().st_size / 1000:,.0f} kB, open it in a browser")
