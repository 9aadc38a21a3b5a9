"""Verbs about the stored versions of models: model list, delete, note, tag."""

import click

from loader.cli.command import JSON, connected, main, say, show
from loader.terminal import table, tell

LIST = """
    select variant, version, created_at, trained_until, is_active, feature_count, artifact_bytes, note, tags
    from pgfeed.model_versions
    order by variant, version
"""


@main.group("model")
def model_group():
    """Look after the stored versions of models: list, delete, note, tag.

    \b
    Example:
      ./run model list
      ./run model note control@3 "without the holidays"
    """


@model_group.command("list")
@JSON
@connected
def list_models(connection, as_json):
    """Show all stored versions: when they were made, which of them serve, notes and tags.

    \b
    Example:
      ./run model list
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(LIST)
        names = [column.name for column in cursor.description]
        models = [dict(zip(names, row)) for row in cursor.fetchall()]
    headers = ["model", "made", "until", "active", "features", "MB"]
    lines = [
        (name_of(m), day_of(m["created_at"]), day_of(m["trained_until"]), "active" if m["is_active"] else "",
         m["feature_count"], f"{m['artifact_bytes'] / 1e6:.1f}")
        for m in models
    ]
    said = [
        f"{name_of(m)}: {'; '.join(filter(None, [', '.join(m['tags']), m['note']]))}"
        for m in models if m["tags"] or m["note"]
    ]
    for model in models:
        for name in ("created_at", "trained_until"):
            model[name] = model[name] and model[name].isoformat()
    none = "no model is stored. Next: pgfeed train control --activate"
    show(models, as_json, table("until: trained on the days before", headers, lines, headers[4:]) if models else none)
    if said and not as_json:
        tell("\n".join(said))


def name_of(model: dict) -> str:
    """Return VARIANT@VERSION."""
    return f"{model['variant']}@{model['version']}"


def day_of(moment) -> str:
    """Return the day of a moment; nothing of none."""
    return f"{moment:%Y-%m-%d}" if moment else ""


@model_group.command("delete")
@click.argument("model", metavar="VARIANT@VERSION")
@connected
def delete_model(connection, model):
    """Delete a version that is neither active nor in a running experiment. Its evaluations stay.

    \b
    Example:
      ./run model delete control@3
    """
    call(connection, "call pgfeed.delete_model(%s, %s)", model)
    say(f"{model} is deleted", err=False)


@model_group.command("note")
@click.argument("model", metavar="VARIANT@VERSION")
@click.argument("text")
@connected
def note_model(connection, model, text):
    """Write a note to a version, in place of the one that it has; an empty one removes it.

    \b
    Example:
      ./run model note control@3 "without the holidays"
    """
    call(connection, "call pgfeed.describe_model(%s, %s, note => %s)", model, text)
    say(f"{model} has the note: {text}" if text else f"{model} has no note", err=False)


@model_group.command("tag")
@click.argument("model", metavar="VARIANT@VERSION")
@click.argument("tags", nargs=-1)
@connected
def tag_model(connection, model, tags):
    """Give a version these tags, in place of those that it has.

    \b
    Example:
      ./run model tag control@3 baseline december
      ./run model tag control@3
    """
    call(connection, "call pgfeed.describe_model(%s, %s, tags => %s::text[])", model, list(tags))
    say(f"{model} has the tags: {', '.join(tags)}" if tags else f"{model} has no tags", err=False)


def call(connection, statement: str, model: str, *arguments: object) -> None:
    """Call a procedure about a version."""
    from loader.learning import registry

    with connection, connection.cursor() as cursor:
        cursor.execute(statement, [*registry.version_of(model), *arguments])
