"""Verbs that recommend: recommend, serve-http."""

import time

import click

from loader.cli.command import JSON, connected, database, main, say, show
from loader.errors import PgfeedError
from loader.recommendations import RECOMMEND, WISHES
from loader.terminal import counted, excerpt, table

COLUMNS = ("rank", "post_key", "topic", "source", "score", "text", "cursor")


class Keys(click.ParamType):
    """Keys of posts: with commas between them, or @FILE with one a line, @- for stdin."""

    name = "keys"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        if not value.startswith("@"):
            return value.split(",") if value else []
        file = click.File(encoding="utf-8-sig").convert(value[1:], param, ctx)
        try:
            lines = [each.strip() for each in file]
        except UnicodeDecodeError:
            self.fail(f"{value[1:]!r} is no text in UTF-8", param, ctx)
        return [line for line in lines if line]


@main.command("recommend")
@click.argument("key", required=False, metavar="[USER]")
@click.option("--at", "ts", metavar="TS", help="The moment [default: now].")
@click.option("-k", "k", default=5, show_default=True, help="How many posts.")
@click.option("--variant", help="The model's variant [default: as in SQL].")
@click.option("--candidates", type=Keys(), metavar="KEYS",
              help="Only the best of these posts: their keys with commas, or @FILE with one a line.")
@click.option("--exclude", type=Keys(), metavar="KEYS", help="None of these posts.")
@click.option("--hide-viewed", metavar="INTERVAL", help="None that the user was shown within this time.")
@click.option("--max-per-topic", type=click.IntRange(1, 2**31 - 1), metavar="N",
              help="At most so many of a topic, as long as there are others.")
@click.option("--feed", metavar="NAME", help="A feed that create_feed() made.")
@click.option("--after", metavar="CURSOR", help="The next page after the one that ended with this cursor.")
@click.option("--batch", "is_batch", is_flag=True, help="Write the posts of all users to the table recommendations.")
@click.option("--active", "active_days", type=click.IntRange(min=0), metavar="DAYS",
              help="With --batch: users with an event in so many days before the features' cut-off.")
@click.option("--workers", "worker_count", type=click.IntRange(1, 64), default=1, show_default=True,
              help="With --batch: sessions at work, 45 MB each.")
@click.option("--to", "url", metavar="URL",
              help="With --batch: copy the table to this server, which needs no extension.")
@JSON
@connected
def recommend(connection, key, ts, k, variant, is_batch, active_days, worker_count, url, as_json, **wishes):
    """Show the posts that SQL recommends to a user, by the application's key, or fill the table recommendations.

    A batch that was interrupted goes on where it stopped, unless the features were refreshed since.

    \b
    Example:
      ./run recommend 1000 --at "2021-12-20 18:00+00"
      ./run recommend 5f0b2a4e-6b1c-4c3e-9d39-0f6a2d7c1e55
      ./run recommend 1000 --hide-viewed "7 days" --max-per-topic 2
      ./run recommend 1000 --candidates 17,4,235 --exclude @read.txt
      ./run recommend --batch --workers 2
      ./run recommend --batch --to postgresql://writer@db.example.com/feed
    """
    if is_batch == (key is not None):
        raise PgfeedError("give either a user or --batch", None, "pgfeed recommend 1000, or pgfeed recommend --batch")
    if not is_batch and (active_days is not None or url or worker_count > 1):
        raise PgfeedError("--active, --workers and --to need --batch", None, "pgfeed recommend --batch")
    unused = [f"--{name.replace('_', '-')}" for name in WISHES if is_batch and wishes[name] is not None]
    if unused:
        raise PgfeedError(f"{unused[0]} does not go with --batch", None, f"pgfeed recommend 1000 {unused[0]} ...")
    if is_batch:
        from loader import batch

        if url:
            batch.open_target(url).close()
        done = batch.refresh_recommendations(connection, ts, k, variant, active_days, worker_count)
        copied = url and batch.publish(connection, url)
        show({**done.as_dict(), "copied_count": copied}, as_json,
             done.text() + (f"\n{counted(copied, 'row')} copied" if url else ""))
        return
    with connection, connection.cursor() as cursor:
        started = time.monotonic()
        cursor.execute(RECOMMEND, {"id": key, "time": ts, "limit": k, "variant": variant, **wishes})
        rows = [row[:len(COLUMNS)] for row in cursor]
        elapsed = time.monotonic() - started
    headers = list(COLUMNS)
    if all(isinstance(row[1], int) for row in rows):
        headers[1] = "post_id"
    shorten = [(*row[:4], f"{row[4]:.4f}", excerpt(row[5])) for row in rows]
    show(
        [dict(zip(headers, row)) for row in rows], as_json,
        table(f"{counted(len(rows), 'post')} for user {key} in {elapsed * 1000:.0f} ms", headers[:-1], shorten,
              ["rank", "post_id", "score"]),
    )
    if len(rows) == k and not as_json:
        say(f"the next page: the same with --after {rows[-1][-1]}")


@main.command("serve-http")
@click.option("--host", default="127.0.0.1", show_default=True, envvar="PGFEED_HTTP_HOST", show_envvar=True,
              help="Address to listen on; 0.0.0.0 is every one of this machine.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--pool", "pool_size", type=click.IntRange(1), default=4, show_default=True, metavar="N",
              help="Connections to the database.")
@click.option("--experiment", "is_experiment", is_flag=True,
              help='Answer {"exp_group", "recommendations"} instead of a list of posts.')
@click.option("--explain", "is_explaining", is_flag=True,
              help="Tell why, too: who reaches the port learns what users liked, and their profiles.")
@click.option("--timeout", type=click.IntRange(1, 3600), default=5, show_default=True, metavar="SECONDS",
              help="A call that takes longer is answered by 503; moments before the features' cut-off do.")
def serve_http(host, port, pool_size, is_experiment, is_explaining, timeout):
    """Answer HTTP requests for recommendations, each by one call of recommend_for.

    \b
    GET /post/recommendations/?id=1000&time=2021-12-20&limit=5   posts as JSON
    GET /post/explanation/?id=1000&post=235                      why, with --explain
    GET /health    200, or 503 and why
    GET /metrics   what check finds, for Prometheus
    GET /docs      the description for people; /openapi.json for programs

    \b
    Example:
      ./run serve-http --port 8000
    """
    gateway = import_gateway("serve-http")
    with database():
        pass  # it is there, and it is ready
    with gateway.listen(host, port) as listener:
        click.echo(f"{address(host, listener)}/docs until interrupted", err=True)
        gateway.serve(listener, gateway.create_app(pool_size, is_experiment, is_explaining, timeout))


@main.command()
@click.option("--demo", "is_demo", is_flag=True, help="Make the demo's network and model first, if there is none.")
@click.option("--host", default="127.0.0.1", show_default=True, envvar="PGFEED_HTTP_HOST", show_envvar=True,
              help="Address to listen on. Who reaches it can read and change events: there is no login.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
def playground(is_demo, host, port):
    """Serve a page to try recommendations on: like, hide, ask why, move the moment, and see the SQL.

    What is done there is written to this database as events, and can be taken back on the page.

    \b
    Example:
      ./run playground --demo
    """
    gateway = import_gateway("playground")
    from loader.playground import app

    with gateway.listen(host, port, "playground") as listener:
        with database() as connection:
            if is_demo:
                from loader.demo import demo as make_demo

                make_demo(connection)
        click.echo(f"{address(host, listener)}/ until interrupted", err=True)
        gateway.serve(listener, app.create_app(app.hosts_of(host)))


def import_gateway(verb):
    """Return the gateway's module; PgfeedError if a package that it needs is missing."""
    try:
        from loader import gateway
    except ModuleNotFoundError as error:
        raise PgfeedError(f"{verb} needs the package {error.name}", "it is not installed",
                          "in the checkout: pip install -e '.[http]'") from error
    return gateway


def address(host, listener):
    """Return what a browser is told."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
