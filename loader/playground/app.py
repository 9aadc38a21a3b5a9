"""The playground: a page to try recommendations on, and the calls that it makes. No part of the gateway's API."""

import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import psycopg
from fastapi import Body, Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from psycopg import sql
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from pydantic import BaseModel, BeforeValidator, Field
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from loader import gateway
from loader.server.remedies import told

PAGE = Path(__file__).with_name("page")
# A page of another site cannot send this header: its browser asks first, and is not answered.
OWN_HEADER = "playground"
POLICY = "default-src 'self'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
TIMEOUT = "select set_config('statement_timeout', '15s', true)"
WITHOUT_MODEL = ("popular", "newest", "trending", "random")
Text = gateway.Text


def parse_moment(value: object) -> object:
    """Return what the page's field holds as a datetime, UTC unless it has a zone."""
    with contextlib.suppress(ValueError):
        return gateway.parse_moment(value)
    raise ValueError("write a moment such as 2021-12-20 18:00")


Moment = Annotated[datetime, BeforeValidator(parse_moment)]
# The features' cut-off, unless that is so new that the feed goes on now.
OVERVIEW = """
    select
        case when f.as_of < now() - interval '2 days' then f.as_of end as moment,
        array(select m.variant from pgfeed.active_models as m order by m.variant) as variants,
        array(select d.name from pgfeed.feeds as d order by d.name) as feeds,
        array(
            select coalesce(u.key, u.user_id::text) from pgfeed.users as u
            inner join pgfeed.user_features as s on s.user_id = u.user_id
            where s.like_count > 2 order by md5(u.user_id::text) limit 8
        ) as users,
        array(
            select a.action from pgfeed.actions as a where a.action <> 'view' order by a.sign desc, a.action
        ) as actions,
        array(select distinct t.topic from pgfeed.posts as t where t.topic is not null order by 1) as topics,
        exists (select from pgfeed.attached_tables as a where a.kind = 'users') as has_users_elsewhere,
        exists (select from pgfeed.attached_tables as a where a.kind = 'events') as has_events_elsewhere
    from (select max(r.as_of) as as_of from pgfeed.feature_refreshes as r where r.finished_at is not null) as f
"""
ATTACHED = """
    select a.relation_name as name from pgfeed.attached_tables as a where a.kind = %(kind)s order by a.relation_name
"""
PROFILE = """
    select u.gender, u.age, u.country, u.city, u.os, u.source, s.view_count, s.like_count
    from pgfeed.users as u left join pgfeed.user_features as s on s.user_id = u.user_id
    where u.user_id = pgfeed.user_id_of(%(user)s::text)
"""
LIKES = """
    select coalesce(p.key, p.post_id::text) as post, p.topic,
        left(coalesce(p.text, pgfeed._post_text(p.post_id)), 200) as text, max(e.event_at) as at
    from pgfeed.feed_events as e
    inner join pgfeed.actions as a on a.action = e.action
    inner join pgfeed.posts as p on p.post_id = e.post_id
    where e.user_id = pgfeed.user_id_of(%(user)s::text) and e.event_at < %(at)s and (a.sign > 0 or e.target)
    group by p.key, p.post_id, p.topic, p.text
    order by at desc, p.post_id limit 8
"""
WHY = """
    select w.rank, w.feature, w.label, coalesce(w.advantage, w.contribution) as contribution, w.because
    from pgfeed.explain_recommendation(
        pgfeed.user_id_of({user}), pgfeed.post_id_of({post}), {at}{wishes}
    ) as w
    order by abs(coalesce(w.advantage, w.contribution)) desc, w.rank
"""
SIMILAR = """
    select coalesce(p.key, s.post_id::text) as post, s.topic, s.text, s.similarity
    from pgfeed.similar_posts(pgfeed.post_id_of({post}), 5) as s
    left join pgfeed.posts as p on p.post_id = s.post_id
    order by s.rank
"""
SEARCH = """
    select coalesce(p.key, s.post_id::text) as post, s.topic, s.text, s.similarity
    from pgfeed.search_posts({text}, 10) as s
    left join pgfeed.posts as p on p.post_id = s.post_id
    order by s.rank
"""
RECORD = """
    insert into pgfeed.feed_events (event_at, user_id, post_id, action)
    values ({at}, pgfeed.user_id_of({user}), pgfeed.post_id_of({post}), {action}) on conflict do nothing
"""
TAKE_BACK = """
    delete from pgfeed.feed_events
    where event_at = {at} and user_id = pgfeed.user_id_of({user}) and post_id = pgfeed.post_id_of({post})
        and action = {action}
"""
INVENT = """
    insert into pgfeed.users (user_id, age, gender, country, city)
    select greatest(coalesce(max(u.user_id), 0), 900000000) + 1, {age}, {gender}, {country}, {city}
    from pgfeed.users as u
    returning user_id::text as user
"""


class Asked(BaseModel, extra="forbid"):  # type: ignore[call-arg]
    """What the page asks of a user's feed."""

    user: Text
    at: Moment
    variant: Text | None = None
    feed: Text | None = None


class AskedFeed(Asked):
    """What the page asks of a list."""

    limit: int = Field(default=5, ge=1, le=100)
    hide_viewed: Text | None = None
    max_per_topic: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    after: Text | None = None


class AskedWhy(Asked):
    """What the page asks of a post in a list."""

    post: Text


class Event(BaseModel, extra="forbid"):  # type: ignore[call-arg]
    """Something that the user of the page does."""

    user: Text
    post: Text
    at: Moment
    action: Text


class Invented(BaseModel, extra="forbid"):  # type: ignore[call-arg]
    """A user who is to be made."""

    age: Annotated[int, Field(ge=0, le=150)] | None = None
    gender: Literal[0, 1] | None = None
    country: Text | None = None
    city: Text | None = None


def literal(value: object) -> sql.Composable:
    """Return a value as people write it in SQL."""
    return sql.Literal(f"{value.astimezone(UTC).isoformat(' ')[:19]}+00" if isinstance(value, datetime) else value)


def filled(statement: str, **values: object) -> sql.Composed:
    """Return a statement with values as literals."""
    return sql.SQL(statement).format(**{  # type: ignore[arg-type]
        name: value if isinstance(value, sql.Composable) else literal(value) for name, value in values.items()
    })


def named(values: dict[str, object]) -> sql.Composed:
    """Return those arguments of a call that are given, each with its name."""
    return sql.Composed([
        sql.SQL(f",\n    {name} => ") + literal(value)  # type: ignore[arg-type]
        for name, value in values.items() if value is not None
    ])


def list_call(asked: AskedFeed) -> sql.Composed:
    """Return the call that makes a list, to run and to show."""
    wishes = asked.model_dump(include={"variant", "feed", "hide_viewed", "max_per_topic", "after"})
    return filled(
        "select\n    r.rank, r.post_key as post, r.topic, r.source, r.score, r.variant,\n    r.text, r.cursor\n"
        "from pgfeed.recommend_for({user}, {at}, {limit}{wishes}) as r\norder by r.rank",
        user=asked.user, at=asked.at, limit=asked.limit, wishes=named(wishes),
    )


def refused(request: Request, error: psycopg.Error) -> JSONResponse:
    """Answer with what the database said."""
    problem = gateway.problem_of(error)
    if isinstance(error, PoolTimeout):
        problem.next = "pgfeed check"
    is_of_request = (error.sqlstate or "")[:2] in ("22", "42", "55", "P0")
    told_as = {"what": problem.what, "cause": problem.cause, "next": told(problem.next)}
    return JSONResponse(told_as, 422 if is_of_request else 503)


def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    """Answer 422 with the parameters at fault."""
    cause = "; ".join(f"{each['loc'][-1]}: {each['msg'].removeprefix('Value error, ')}" for each in error.errors())
    return JSONResponse({"what": "the page's fields were not understood", "cause": cause, "next": "mend them"}, 422)


def not_served(request: Request, error: HTTPException) -> JSONResponse:
    """Answer 403, 404 or 405."""
    return JSONResponse({"what": str(error.detail), "cause": request.url.path, "next": "GET /"}, error.status_code)


def of_page(x_pgfeed: Annotated[str | None, Header()] = None) -> None:
    """Refuse to change anything for another page than ours."""
    if x_pgfeed != OWN_HEADER:
        raise HTTPException(403, "only the playground's own page changes events")


def create_app(hosts: list[str], pool_size: int = 4) -> FastAPI:
    """Return the application, which answers to these names of hosts alone; ["*"]: to any."""
    pool = gateway.open_pool(pool_size)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPI(
        lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None,
        exception_handlers={psycopg.Error: refused, RequestValidationError: invalid, HTTPException: not_served},
    )
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)

    @app.middleware("http")
    async def keep_to_itself(request: Request, call_next: Any) -> Response:
        response = await call_next(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/")
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    add_calls(app, pool)
    app.mount("/page", StaticFiles(directory=PAGE))
    return app


def add_calls(app: FastAPI, pool: AsyncConnectionPool) -> None:
    """Add what the page asks the database."""

    async def fetch(statement: Any, parameters: dict | None = None) -> tuple[list[dict], float]:
        """Return the rows of a statement, and the milliseconds that it took."""
        async with pool.connection() as connection, connection.transaction():
            await connection.execute(TIMEOUT)
            started = time.perf_counter()
            cursor = await connection.execute(statement, parameters)
            rows = await cursor.fetchall() if cursor.description else []
            return rows, round(1000 * (time.perf_counter() - started), 1)

    async def shown(statement: sql.Composed) -> dict:
        """Return the rows of a statement, the statement as it ran, and the milliseconds."""
        rows, milliseconds = await fetch(statement)
        return {"rows": rows, "sql": statement.as_string().strip() + ";", "ms": milliseconds}

    async def refuse_attached(kind: str) -> None:
        """Refuse to write where an application's table is followed: the next comparison would undo it."""
        rows, _ = await fetch(ATTACHED, {"kind": kind})
        if rows:
            raise HTTPException(409, f"{kind} come from {', '.join(row['name'] for row in rows)}: change them there")

    @app.get("/api/overview")
    async def overview() -> dict:
        row = (await fetch(OVERVIEW))[0][0]
        return row | {"without_model": WITHOUT_MODEL}

    @app.get("/api/user")
    async def user(asked: Annotated[Asked, Query()]) -> dict:
        parameters = asked.model_dump()
        profile, _ = await fetch(PROFILE, parameters)
        likes, _ = await fetch(LIKES, parameters)
        return {"profile": profile[0] if profile else None, "likes": likes}

    @app.get("/api/feed")
    async def feed(asked: Annotated[AskedFeed, Query()]) -> dict:
        return await shown(list_call(asked))

    @app.get("/api/why")
    async def why(asked: Annotated[AskedWhy, Query()]) -> dict:
        wishes = named(asked.model_dump(include={"variant", "feed"}))
        return await shown(filled(WHY, user=asked.user, post=asked.post, at=asked.at, wishes=wishes))

    @app.get("/api/similar")
    async def similar(post: Text) -> dict:
        return await shown(filled(SIMILAR, post=post))

    @app.get("/api/search")
    async def search(text: Text) -> dict:
        return await shown(filled(SEARCH, text=text))

    @app.post("/api/events", dependencies=[Depends(of_page)])
    async def record(event: Annotated[Event, Body()]) -> dict:
        await refuse_attached("events")
        return await shown(filled(RECORD, **event.model_dump()))

    @app.post("/api/events/delete", dependencies=[Depends(of_page)])
    async def take_back(event: Annotated[Event, Body()]) -> dict:
        await refuse_attached("events")
        return await shown(filled(TAKE_BACK, **event.model_dump()))

    @app.post("/api/users", dependencies=[Depends(of_page)])
    async def invent(user: Annotated[Invented, Body()]) -> dict:
        await refuse_attached("users")
        return await shown(filled(INVENT, **user.model_dump()))


def hosts_of(host: str) -> list[str]:
    """Return the names that a browser may call a host by: any, if it listens on all of a machine's addresses."""
    if host in ("0.0.0.0", "::"):  # noqa: S104
        return ["*"]
    return [host, "127.0.0.1", "localhost", "[::1]", "::1"]
