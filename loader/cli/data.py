"""Verbs that bring in data and prepare it: ingest, refresh, embed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loader.cli.command import JSON, connected, main, say, show
from loader.terminal import counted, out, table, tell

if TYPE_CHECKING:
    from loader.data.outcome import Outcome


@main.command("ingest")
@click.argument("files", nargs=-1, type=click.Path())
@click.option("--from", "url", metavar="URL", help="Read user_data, post_text_df and feed_data from this Postgres.")
@click.option("--as", "kinds", metavar="KINDS", help="Kinds of the files in order, or one for all: users,posts,events.")
@click.option("--timezone", default="UTC", show_default=True, help="Zone of times that are written without one.")
@click.option("--format", "form", metavar="FORM",
              help="Of times: DMY, MDY, epoch, epoch-ms or a pattern like %d.%m.%Y [default: ISO 8601].")
@click.option("--since", metavar="TS", help="Read only events from this moment on.")
@click.option("--keys", type=click.Choice(["text", "users", "posts"]),
              help="Keys are texts such as uuids: all of them, or those of users or posts alone.")
@click.option("--max-rejects", "most", metavar="N|P%", default="0", show_default=True,
              help="Of a source: so many rows, or per cent of them, may be rejected without exit code 1.")
@JSON
@connected
def ingest_files(connection, files, url, kinds, timezone, form, since, keys, most, as_json):
    """Load users, posts and events from CSV, Parquet or a running Postgres.

    CSV may be plain or packed: gzip, bzip2, xz, zstd, zip. The header of a file tells its kind, and whether commas,
    semicolons, tabs or bars separate its fields. Loading a file again is harmless and completes an interrupted load.

    Keys are integers, unless --keys, what is loaded already or what is attached says that they are texts.

    Rows that cannot be loaded are kept in pgfeed.ingest_rejects with their lines and the reason; the others are loaded.
    The exit code is 0 if no more rows of any source were rejected than --max-rejects allows, else 1; it is 1 too if a
    source could not be read to its end.

    \b
    Example:
      ./run ingest user_data.csv post_text_df.csv feed_data.csv.gz --timezone Europe/Moscow
      ./run ingest feed.zip --format DMY --max-rejects 0.1%
      ./run ingest members.csv articles.csv reads.csv --keys text
      ./run ingest --from postgresql://reader@db.example.com/feed --as events --since 2021-12-20
    """
    from loader.data.ingest import ingest
    from loader.data.outcome import refuse_rejects
    from loader.data.rejects import reject_limit
    from loader.data.sources import open_sources
    from loader.data.times import moment, time_format
    from loader.data.values import time_zone

    zone, limit = time_zone(timezone), reject_limit(most)
    start = moment(since, zone) if since else None
    outcomes = []
    try:
        for outcome in ingest(connection, open_sources(files, url, kinds), zone, time_format(form), start, keys):
            outcomes.append(outcome)
    finally:
        show_outcomes(outcomes, as_json)
    warning = refuse_rejects(outcomes, limit)
    if warning:
        say(f"warning: {warning}")


def show_outcomes(outcomes: "list[Outcome]", as_json: bool) -> None:
    """Print what became of every source."""
    if not outcomes:
        return
    added = sum(outcome.added_posts for outcome in outcomes)
    if as_json:
        sources = [outcome.as_dict() for outcome in outcomes]
        out.print_json(json.dumps({"sources": sources, "posts_added_from_events": added}))
        return
    headers = ("source", "kind", "read", "loaded", "duplicates", "rejected", "rows/s")
    rows = [
        (Path(o.source).name, o.kind, *(f"{n:,}" for n in (o.read, o.loaded, o.duplicates, o.rejected, o.rate)))
        for o in outcomes
    ]
    out.print(table("Ingested", headers, rows, numeric=headers[2:]), crop=False)
    for outcome in outcomes:
        for note in outcome.notes():
            tell(f"{Path(outcome.source).name}: {note}")
    if added:
        tell(f"posts known only from events: {added:,}, added without text")


@main.command("attach")
@click.argument("kind", type=click.Choice(["users", "posts", "events"]))
@click.argument("relation")
@click.option("--key", metavar="SQL", help="Of users and posts: their key, an integer, uuid, text or row().")
@click.option("--features", metavar="JSON", help='Of users and posts: ["plan", {"age": "2026 - birth_year"}].')
@click.option("--text", metavar="SQL", help="Of posts: what they say; it stays where it is.")
@click.option("--topic", metavar="SQL", help="Of posts.")
@click.option("--created-at", metavar="SQL", help="Of posts: a time.")
@click.option("--available", metavar="SQL", help="Of posts: whether they may be shown.")
@click.option("--user-key", metavar="SQL", help="Of events: the key of the user.")
@click.option("--post-key", metavar="SQL", help="Of events: the key of the post.")
@click.option("--at", metavar="SQL", help="Of events: their time, without a zone of UTC.")
@click.option("--action", metavar="NAME", help="Of events [default: view].")
@click.option("--target", metavar="SQL", help="Of views: whether the user liked the post.")
@click.option("--condition", metavar="SQL", help="Of events: which rows are some.")
@click.option("--sync", metavar="WAY", help="trigger, pull, or mixed for events [default: trigger for tables].")
@JSON
@connected
def attach_relation(connection, kind, relation, as_json, **arguments):
    """Let users, posts or events be the rows of a table or view of the application.

    Options are those of attach_users(), attach_posts() and attach_events(): SQL expressions over its columns. What is
    written to it from now on reaches pgfeed with its transaction (trigger) or with the next refresh (pull); mixed reads
    new events as pull does and hears of updates and deletes with their transaction.

    \b
    Example:
      ./run attach users app.members --key id --features '["plan", "lang"]'
      ./run attach posts app.articles --key slug --text "title || ' ' || body" --available "not is_hidden"
      ./run attach events app.reads --user-key member_id --post-key slug --at at --target "seconds >= 60"
    """
    from loader.data.attached import attach

    rows, rejected = attach(connection, kind, relation, **arguments)
    counts = "" if rows is None else f", {counted(rows, 'row')}"
    counts += "" if rejected is None else f", {rejected:,} rejected"
    show({"relation": relation, "kind": kind, "rows": rows, "rejected": rejected}, as_json,
         f"{relation} is attached as {kind}{counts}. Next: pgfeed refresh")


@main.command("detach")
@click.argument("relation")
@click.option("--action", metavar="NAME", help="Only these events of it [default: all that it is attached as].")
@click.option("--kind", type=click.Choice(["users", "posts", "events"]), help="Only what it is attached as so.")
@connected
def detach_relation(connection, relation, action, kind):
    """End what attach began: nothing of pgfeed stays on the table, nothing of the table in pgfeed.

    \b
    Example:
      ./run detach app.reads
    """
    from loader.data.attached import detach

    detach(connection, relation, action, kind)
    say(f"{relation} is detached. Next: pgfeed refresh")


@main.command("refresh")
@click.option("--as-of", metavar="TS",
              help="Cut-off of the features [default: now, or the end of a feed that has ended].")
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
        if done.post_count else "nothing is loaded yet. Next: pgfeed ingest FILE..."
    ))


@main.command("embed")
@click.option("--embedder", "choice", metavar="NAME", default="use", show_default=True,
              help="use, minilm, roberta, roberta:NAME-OR-FOLDER or bert:NAME-OR-FOLDER.")
@click.option("--refit", "is_refitted", is_flag=True, help="Fit the principal axes anew; then train again.")
@JSON
@connected
def embed_posts(connection, choice, is_refitted, as_json):
    """Embed the texts of new and changed posts, and compute their 25 principal components.

    Interrupted work goes on where it stopped. Another embedder's vectors are built beside the present ones, which
    answer until the new ones are complete.

    \b
    use      Google's universal-sentence-encoder-multilingual 3, 512 numbers
    minilm   all-MiniLM-L6-v2, English, 384 numbers; first: ./run install minilm
    roberta  of the RoBERTa family, name or folder; first: ./run install roberta
    bert     of the BERT family, name or folder; first: ./run install roberta

    \b
    Example:
      ./run embed
      ./run embed --embedder minilm
      ./run embed --embedder roberta:FacebookAI/xlm-roberta-base
    """
    from loader.data import embed, embedders

    done = embed.embed(connection, embedders.open_embedder(choice), is_refitted)
    show(done.as_dict(), as_json, done.text())
