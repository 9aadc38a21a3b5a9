"""The `pgfeed` command: one verb per job."""

import contextlib
import functools
import json
import re
import sys
import time
from pathlib import Path

import click
import psycopg2

from loader.errors import PgfeedError
from loader.server import db
from loader.server.remedies import as_verbs, grant, here, plain
from loader.terminal import counted, out, table

WRONG_VALUE = "22"
NOT_UNDERSTOOD = re.compile(r'.*: (".*")$', re.DOTALL)
DENIED = "42501"
FOR_OPERATORS = ("refresh", "activate", "rollback", "experiment", "recommend")
NO_MOMENT = ("22007", "22008", "22009")
BIGINT = click.IntRange(-(2**63), 2**63 - 1)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


class Main(click.Group):
    """A group whose verbs end with one clear line instead of a stack trace."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PgfeedError as error:
            message = str(error)
        except psycopg2.Error as error:
            message = describe(error, ctx)
        except click.UsageError as error:
            command = error.ctx.command_path if error.ctx else ctx.command_path
            said = error.format_message().rstrip(".")
            message = f"{said}{'' if said.endswith('?') else '.'} Next: {command} --help"
        except UnicodeEncodeError as error:
            message = f"{error.object!a} is no text in {error.encoding}. Next: {ctx.command_path} --help"
        except KeyboardInterrupt:
            message = "interrupted. Nothing finished is lost: run the same command again"
        say(f"error: {message}")
        sys.exit(1)


def say(text: str, err: bool = True) -> None:
    """Print a line whose commands can be typed as they stand."""
    click.echo(here(text), err=err)


def describe(error: psycopg2.Error, ctx: click.Context) -> str:
    """Return what the server said in one line: its message and its hint, or where the verb is explained."""
    if isinstance(error, psycopg2.InterfaceError) or error.pgcode in db.CONNECTION_LOST or not error.pgcode:
        return f"the connection to the server was lost: {' '.join(str(error).split())}. Next: run the same command again"
    message = plain(error.diag.message_primary or str(error))
    hint = error.diag.message_hint
    if error.pgcode in NO_MOMENT:
        message = NOT_UNDERSTOOD.sub(r"\1 is no date or moment that exists", message)
        hint = 'Next: write it like 2021-12-20 or "2021-12-20 18:00+00"'
    if hint is None and error.pgcode == DENIED:
        with contextlib.closing(db.connect()) as connection:
            hint = f"Next: {grant('pgfeed_operator' if ctx.invoked_subcommand in FOR_OPERATORS else 'pgfeed_owner', connection.info.user)}"
    if hint is None and error.pgcode.startswith(WRONG_VALUE):
        hint = f"Next: {ctx.command_path} {ctx.invoked_subcommand} --help"
    return as_verbs(". ".join(" ".join(part.split()).rstrip(".") for part in (message, hint) if part))


@click.group(cls=Main, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="pgfeed", message="pgfeed %(version)s")
def main() -> None:
    """pgfeed: a post recommender that lives inside PostgreSQL.

    \b
    Example:
      pgfeed check
    """


def connected(verb):
    """Pass an open connection to a migrated database as the verb's first argument."""

    @functools.wraps(verb)
    def wrapper(*args, **kwargs):
        connection = db.connect()
        try:
            db.require_schema(connection)
            return verb(connection, *args, **kwargs)
        finally:
            connection.close()

    return wrapper


def show(data: object, as_json: bool, text: object) -> None:
    """Print the data as JSON, or the text or table for people."""
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False))
    else:
        out.print(here(text) if isinstance(text, str) else text)


def say_warnings(connection) -> None:
    """Print what the server warned of."""
    for notice in connection.notices:
        if notice.startswith("WARNING:"):
            say(as_verbs(f"warning: {notice.removeprefix('WARNING:').splitlines()[0].strip()}"))


@main.command("migrate")
def migrate_schema():
    """Make the schema, or bring it up to date.

    \b
    Example:
      ./run migrate
      PGFEED_DSN=postgresql://postgres@db.example.com/feed ./run migrate
    """
    from loader.server import migrate, objects

    revision, following, restored = migrate.migrate()
    if restored:
        click.echo(f"made again: {objects.in_words(restored)}", err=True)
    say(f"the schema is at revision {revision}" + (f". Next: {following}" if following else ""))


@main.command("check")
@JSON
def check_database(as_json):
    """Look for what is wrong with the database and say what mends it; exit code 1 if something fails.

    The rows are those of `select * from pgfeed.health()`, which any monitoring can read, and the client's own.

    \b
    Example:
      ./run check
    """
    from loader.server import check

    probes = check.check()
    show([probe.as_dict() for probe in probes], as_json, check.as_table(probes))
    if not as_json:
        out.print(check.remedies(probes), soft_wrap=True)
    sys.exit(any(probe.status == "fail" for probe in probes))


@main.command("ingest")
@click.argument("files", nargs=-1, type=click.Path())
@click.option("--from", "url", metavar="URL", help="Read user_data, post_text_df and feed_data from this Postgres.")
@click.option("--as", "kinds", metavar="KINDS", help="Kinds of the files in order, or one for all: users,posts,events.")
@click.option("--timezone", default="UTC", show_default=True, help="Zone of times that are written without one.")
@JSON
@connected
def ingest_files(connection, files, url, kinds, timezone, as_json):
    """Load users, posts and events from CSV (plain or gzip), Parquet or a running Postgres.

    The kind of a file is known by its header. Loading a file again is harmless and completes an interrupted load. Rows
    that cannot be loaded are kept in pgfeed.ingest_rejects with their line and the reason; the others are loaded, and the
    exit code is 1.

    \b
    Example:
      ./run ingest user_data.csv post_text_df.csv feed_data.csv.gz --timezone Europe/Moscow
      ./run ingest --from postgresql://reader@db.example.com/feed --as events
    """
    from loader.data.checked import time_zone
    from loader.data.ingest import ingest, refuse_rejects, report
    from loader.data.sources import open_sources

    results = []
    try:
        results.extend(ingest(connection, open_sources(files, url, kinds), time_zone(timezone)))
    finally:
        report(results, as_json)
    refuse_rejects(results)


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
            raise PgfeedError("--serve does not go with --users and --to", "it goes on with the network that is loaded", f"./run simulate --serve {serve_days}")
        from loader.simulation import future

        with contextlib.closing(db.connect()) as connection:
            db.require_schema(connection)
            served = future.serve(connection, serve_days)
        show([vars(day) for day in served], as_json, future.as_table(served))
        return
    if users is None:
        raise PgfeedError("how many users?", "a new network needs --users", "./run simulate --users 3000")
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


@main.command("refresh")
@click.option("--as-of", metavar="TS", help="Cut-off of the features [default: now, or the end of a feed that has ended].")
@JSON
@connected
def refresh_features(connection, as_of, as_json):
    """Roll up new events and refresh all features as one version.

    \b
    Example:
      ./run refresh --as-of "2021-12-20 00:00+00"
    """
    from loader.data.refresh import refresh

    done = refresh(connection, as_of)
    show(done.as_dict(), as_json, (
        f"features of {counted(done.post_count, 'post')} and {counted(done.user_count, 'user')} as of {done.as_of}\n"
        f"days rolled up: {done.day_count}, in {done.roll_up_seconds:.1f} s; refreshed in {done.refresh_seconds:.1f} s"
        if done.post_count else "nothing is loaded yet. Next: ./run ingest FILE..."
    ))


@main.command("embed")
@click.option("--embedder", "choice", metavar="NAME", default="use", show_default=True, help="use, roberta, or roberta:NAME-OR-FOLDER.")
@click.option("--refit", "is_refitted", is_flag=True, help="Fit the principal axes anew; then train again.")
@JSON
@connected
def embed_posts(connection, choice, is_refitted, as_json):
    """Embed the texts of new and changed posts, and compute their 25 principal components.

    Interrupted work goes on where it stopped. Another embedder's vectors are built beside the present ones, which answer
    until the new ones are complete.

    \b
    use      Google's universal-sentence-encoder-multilingual 3, packaged and offline, 512 numbers
    roberta  any model of the RoBERTa family, by name or folder; needs PyTorch and transformers

    \b
    Example:
      ./run embed
      ./run embed --embedder roberta:FacebookAI/xlm-roberta-base
    """
    from loader.data import embed, embedders

    done = embed.embed(connection, embedders.open_embedder(choice), is_refitted)
    show(done.as_dict(), as_json, done.text())


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
        raise PgfeedError("--horizon needs --negatives", None, f"./run train {variant} --negatives 100 --horizon {horizon_days:g}")
    if is_comparison and negatives is not None:
        raise PgfeedError("--compare and --negatives exclude each other", None, "./run train --help")
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
        + ("active" if is_activated else f"not active. Next: ./run activate {variant}")
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
    say(f"{variant} version {version} is stored, not active. Next: ./run activate {variant}", err=False)


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
        raise PgfeedError(f"there is no protocol {', '.join(sorted(set(wanted) - known))}", f"known: {', '.join(sorted(known))}", "./run evaluate --help")
    if "live" in wanted and not live.is_simulated(connection):
        raise PgfeedError("live needs a simulated network", "the true probabilities of likes are known only there", "./run evaluate logged ...")
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
@click.option("--expected-lift", type=click.FloatRange(0, 10, min_open=True), default=0.05, show_default=True, help="The relative gain worth finding.")
@JSON
@connected
def create_experiment(connection, name, arms, salt, expected_lift, as_json):
    """Create an experiment, not started. The first arm is the baseline.

    An arm is [NAME=]VARIANT[@VERSION][:PERCENT]: a model's variant, its active model or a pinned version; popular; random.
    Without percentages all arms are equal.

    \b
    Example:
      ./run experiment create embeddings control test
      ./run experiment create careful old=control@3:90 new=control@4:10 --expected-lift 0.02
    """
    from loader import experiment

    created = experiment.create(connection, name, list(arms), salt, expected_lift)
    say_warnings(connection)
    show(experiment.to_json(created.experiment | {"arms": created.arms}), as_json, experiment.as_table(created))


@experiment_group.command("list")
@JSON
@connected
def list_experiments(connection, as_json):
    """Show all experiments: state, arms with their shares, start, exposures.

    \b
    Example:
      ./run experiment list
    """
    from loader import experiment

    found = experiment.load_all(connection)
    show(experiment.to_json(found), as_json, experiment.list_table(found))


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
    say(f"experiment {name} is running. Next, when users were served: ./run experiment report {name}", err=False)


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
    say(f"experiment {name} is stopped. Next: ./run experiment report {name}", err=False)


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
    from loader import experiment

    following = experiment.conclude(connection, name, winner)
    say_warnings(connection)
    say(f"experiment {name} is concluded: {winner} won. To let it serve everybody: {following}", err=False)


@experiment_group.command("report")
@click.argument("name")
@click.option("--attribution", metavar="INTERVAL", default="1 hour", show_default=True, help="How long after an exposure a like counts for it.")
@click.option("--until", metavar="TS", help="Leave out what came later [default: now].")
@click.option("--html", "path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write the page for a browser.")
@JSON
@connected
def report_experiment(connection, name, attribution, until, path, as_json):
    """Show what came out: verdict, figures per arm, checks.

    \b
    Example:
      ./run experiment report embeddings --html embeddings.html
    """
    from loader import experiment

    report = experiment.load(connection, name, attribution, until, has_days=as_json or path is not None)
    if path is not None:
        experiment.write_html(report, path)
        click.echo(f"{path}: {path.stat().st_size / 1000:,.0f} kB, open it in a browser", err=True)
    show(experiment.to_json(report.as_dict()), as_json, experiment.as_table(report))


@main.command("recommend")
@click.argument("user_id", type=BIGINT, required=False)
@click.option("--at", "ts", metavar="TS", help="The moment [default: now].")
@click.option("-k", "k", default=5, show_default=True, help="How many posts.")
@click.option("--variant", help="The model's variant [default: as in SQL].")
@click.option("--batch", "is_batch", is_flag=True, help="Write the posts of all users to the table recommendations.")
@click.option("--active", "active_days", type=click.IntRange(min=0), metavar="DAYS", help="With --batch: users with an event in so many days before the features' cut-off.")
@click.option("--workers", "worker_count", type=click.IntRange(1, 64), default=1, show_default=True, help="With --batch: sessions at work, 45 MB each.")
@click.option("--to", "url", metavar="URL", help="With --batch: copy the table to this server, which needs no extension.")
@JSON
@connected
def recommend(connection, user_id, ts, k, variant, is_batch, active_days, worker_count, url, as_json):
    """Show the posts that SQL recommends to a user, or fill the table recommendations for all users.

    A batch that was interrupted goes on where it stopped, unless the features were refreshed since.

    \b
    Example:
      ./run recommend 1000 --at "2021-12-20 18:00+00"
      ./run recommend --batch --workers 2
      ./run recommend --batch --to postgresql://writer@db.example.com/feed
    """
    if is_batch == (user_id is not None):
        raise PgfeedError("give either a user or --batch", None, "./run recommend 1000, or ./run recommend --batch")
    if not is_batch and (active_days is not None or url or worker_count > 1):
        raise PgfeedError("--active, --workers and --to need --batch", None, "./run recommend --batch")
    if is_batch:
        from loader import batch

        if url:
            batch.open_target(url).close()
        done = batch.refresh_recommendations(connection, ts, k, variant, active_days, worker_count)
        copied = url and batch.publish(connection, url)
        show({**done.as_dict(), "copied_count": copied}, as_json, done.text() + (f"\n{counted(copied, 'row')} copied" if url else ""))
        return
    with connection, connection.cursor() as cursor:
        started = time.monotonic()
        cursor.execute(
            "select rank, post_id, topic, source, score, text"
            " from pgfeed.recommend_posts(%s, coalesce(%s, now()), %s, %s)",
            [user_id, ts, k, variant],
        )
        rows = cursor.fetchall()
        elapsed = time.monotonic() - started
    headers = ["rank", "post_id", "topic", "source", "score", "text"]
    shorten = [(*row[:4], f"{row[4]:.4f}", " ".join((row[5] or "").split())[:200]) for row in rows]
    show(
        [dict(zip(headers, row)) for row in rows], as_json,
        table(f"{counted(len(rows), 'post')} for user {user_id} in {elapsed * 1000:.0f} ms", headers, shorten, ["rank", "post_id", "score"]),
    )


@main.command("serve-http")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 is every one of this machine.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--pool", "pool_size", type=click.IntRange(1), default=4, show_default=True, metavar="N", help="Connections to the database.")
@click.option("--experiment", "is_experiment", is_flag=True, help='Answer {"exp_group", "recommendations"} instead of a list of posts.')
def serve_http(host, port, pool_size, is_experiment):
    """Answer HTTP requests for recommendations, each by one call of recommend_posts.

    \b
    GET /post/recommendations/?id=1000&time=2021-12-20&limit=5   posts as JSON
    GET /health                                                  200, or 503 and why
    GET /docs                                                    the description for people; /openapi.json for programs

    \b
    Example:
      ./run serve-http --port 8000
    """
    try:
        from loader import gateway
    except ModuleNotFoundError as error:
        raise PgfeedError(f"serve-http needs the package {error.name}", "it is not installed", "pip install 'pgfeed[http]'") from error

    with contextlib.closing(db.connect()) as connection:
        db.require_schema(connection)
    with gateway.listen(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        click.echo(f"http://{shown}:{listener.getsockname()[1]}{gateway.PATH}/ until interrupted", err=True)
        gateway.serve(listener, pool_size, is_experiment)
