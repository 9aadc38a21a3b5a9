"""Verbs about named feeds: create, list, drop."""

import json
import re

import click

from loader.cli.command import JSON, connected, main, say, show
from loader.terminal import table

RULES = ("filter", "max_per", "diversity", "boosts", "hide_viewed", "fallbacks", "explore")
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
LIST = """
    select name, filter, max_per, diversity, boosts, hide_viewed::text as hide_viewed, fallbacks,
        nullif(explore, 'off') as explore, post_count, problem
    from pgfeed.feeds
    order by name
"""


def as_object(context, option, texts):
    """Return the options FEATURE=NUMBER as the text of a JSON object, None: there are none."""
    rules = {}
    for text in texts:
        feature, _, number = text.rpartition("=")
        if not feature or not NUMBER.fullmatch(number):
            raise click.BadParameter(f"{text!r} is not FEATURE=NUMBER", context, option)
        if feature in rules:
            raise click.BadParameter(f"{feature!r} is there twice", context, option)
        rules[feature] = json.loads(number)
    return json.dumps(rules) if rules else None


@main.group("feed", no_args_is_help=False)
def feed_group():
    """Make feeds, lists with rules that clients name: create, list, drop.

    \b
    Example:
      ./run feed create home --max-per topic=2
      ./run feed list
    """


@feed_group.command("create")
@click.argument("name")
@click.option("--filter", metavar="SQL", help="Only posts for which this condition is true.")
@click.option("--max-per", "caps", callback=as_object, multiple=True, metavar="FEATURE=N",
              help="How many posts with the same value a list has; can be repeated.")
@click.option("--diversity", type=click.FloatRange(0, 1), help="From 0, the best posts, to 1, the least alike.")
@click.option("--boost", "boosts", callback=as_object, multiple=True, metavar="FEATURE[:VALUE]=WEIGHT",
              help="What is added to the score, which is log-odds; can be repeated.")
@click.option("--hide-viewed", metavar="INTERVAL", help="How long a post is not shown again.")
@click.option("--fallback", "fallbacks", multiple=True, metavar="VARIANT",
              help="A variant that answers where the model cannot, or fills the list; can be repeated, in order.")
@click.option("--explore", type=click.Choice(["off", "careful", "normal"]),
              help="How often a place is given to a post that may be better than is known.  [default: off]")
@connected
def create_feed(connection, name, filter, caps, diversity, boosts, hide_viewed, fallbacks, explore):
    """Make a feed. An option that is not given is no rule.

    \b
    Example:
      ./run feed create home --filter "topic <> 'covid'" --max-per topic=2
      ./run feed create promoted --boost post.topic:sport=0.3 --hide-viewed "7 days" --diversity 0.2
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "call pgfeed.create_feed(%s, %s, max_per => %s, diversity => %s::real, boosts => %s,"
            " hide_viewed => %s::interval, fallbacks => %s, explore => %s)",
            [name, filter, caps, diversity, boosts, hide_viewed, list(fallbacks) or None, explore],
        )
    for notice in connection.notices:
        say(notice.splitlines()[0].lower())
    say(f"the feed {name} is made. Next: pgfeed feed list", err=False)


@feed_group.command("list")
@JSON
@connected
def list_feeds(connection, as_json):
    """Show all feeds: their rules, how many posts pass the filter, and what is wrong with it.

    \b
    Example:
      ./run feed list
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(LIST)
        names = [column.name for column in cursor.description]
        feeds = [dict(zip(names, row)) for row in cursor.fetchall()]
    lines = [(each["name"], rules_of(each), each["post_count"], each["problem"]) for each in feeds]
    none = "there are no feeds. Next: pgfeed feed create NAME --max-per topic=2"
    show(feeds, as_json, table("", ["name", "rules", "posts", "problem"], lines, ["posts"]) if feeds else none)


@feed_group.command("drop")
@click.argument("name")
@connected
def drop_feed(connection, name):
    """Remove a feed: calls that name it fail from then on.

    \b
    Example:
      ./run feed drop home
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("call pgfeed.drop_feed(%s)", [name])
    say(f"the feed {name} is dropped", err=False)


def rules_of(feed: dict) -> str:
    """Return the rules of a feed, a line each."""
    rules = {name: feed[name] for name in RULES}
    for name in ("max_per", "boosts"):
        rules[name] = ", ".join(f"{feature}={number}" for feature, number in (rules[name] or {}).items())
    rules["fallbacks"] = ", ".join(rules["fallbacks"] or ())
    return "\n".join(f"{name.replace('_', ' ')}: {rule}" for name, rule in rules.items() if rule)
