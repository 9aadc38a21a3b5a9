"""The HTTP gateway: the original service's two responses, each one SQL call. It holds no model and no data."""

import contextlib
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

import psycopg
import uvicorn
from fastapi import FastAPI, Query, Request
from fastapi import Response as Reply
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi_offline import FastAPIOffline
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from pydantic import BaseModel, BeforeValidator, Field
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from loader import monitoring
from loader.errors import PgfeedError
from loader.recommendations import RECOMMEND, WISHES
from loader.server import db
from loader.server.remedies import plain

PATH = "/post/recommendations"
EXAMPLE = f"GET {PATH}/?id=1000&time=2021-12-20T18:00:00Z&limit=5"
EXPLANATION_PATH = "/post/explanation"
EXPLANATION_EXAMPLE = f"GET {EXPLANATION_PATH}/?id=1000&post=235"
WAIT_SECONDS = 5
CALL_SECONDS = 5
TIMEOUT = "select set_config('statement_timeout', %s, true)"  # in the transaction: poolers lose what a session sets
SILENT_SECONDS = 60
RECOMMEND_WITH_GROUP = f"""
    select
        r.id, coalesce(r.text, '') as text, coalesce(r.topic, '') as topic,
        coalesce(
            (select pgfeed.experiment_arm(pgfeed.user_id_of(%(id)s::text), e.name)
            from pgfeed.experiments as e where e.started_at is not null and e.stopped_at is null),
            r.variant
        ) as exp_group,
        r.cursor
    from ({RECOMMEND}) as r
"""
EXPLAIN = """
    select e.feature, e.label, e.advantage, e.contribution, e.because
    from pgfeed.explain_recommendation(
        pgfeed.user_id_of(%(id)s::text), pgfeed.post_id_of(%(post)s::text), coalesce(%(time)s::timestamptz, now()),
        %(variant)s, %(feed)s
    ) as e
    order by e.rank
"""
WARM_UP = "select pgfeed.warm_up()"
PROBE = "select count(*) from pgfeed.recommend_posts(0)"
NEXT_OF = {
    psycopg.errors.InvalidSchemaName: "pgfeed migrate",
    psycopg.errors.UndefinedFunction: "pgfeed migrate",
    psycopg.errors.InsufficientPrivilege: "as the database's administrator: grant pgfeed_reader to the gateway's user",
    psycopg.errors.QueryCanceled: "send the request again",
}

REFUSED = (psycopg.errors.DataError, psycopg.errors.ProgramLimitExceeded, psycopg.errors.UndefinedObject)
KEYS = ("candidates", "exclude", "post")
NAMED = ("variant", *WISHES)
# Proxies take headers of 4 kB at least.
MAX_LINK = 3500


class Post(BaseModel):
    """A recommended post."""

    id: int | str = Field(description="The post's key: a number where posts have integer keys.", examples=[235])
    text: str = Field(description="Empty for a post without text.", examples=["The quarter may grow by ..."])
    topic: str = Field(description="Empty for a post without topic.", examples=["business"])


class Response(BaseModel):
    """The posts, and the user's group."""

    exp_group: str | None = Field(
        description="The user's arm in the running experiment, without one the variant that answered;"
        " null if there is no post to show.",
        examples=["control"],
    )
    recommendations: list[Post] = Field(description="Best first.")


class Contribution(BaseModel):
    """What a feature does to the score."""

    feature: str = Field(examples=["post.topic"])
    label: str | None = Field(description="Feature and value in people's words.", examples=["topic: sport"])
    advantage: float | None = Field(
        description="How much more it adds than for the mean of 24 posts of the catalogue; null: without a model.",
    )
    contribution: float = Field(description="What it adds to the score (SHAP).")


class Explanation(BaseModel):
    """Why a post has its score."""

    because: str | None = Field(
        description="One sentence, from the largest advantages of which something simple is true; null: of none.",
        examples=["Because it is liked more than 98% of the posts."],
    )
    contributions: list[Contribution] = Field(description="Largest effect first; they sum to the score.")


class Problem(BaseModel):
    """Why there is no answer, and what mends that."""

    what: str
    cause: str
    next: str


class InvalidRequest(Problem):
    """A problem with the request's parameters."""

    detail: list[dict] = Field(description="Pydantic's errors, one per parameter.")


class Health(BaseModel):
    """The gateway and its database answer."""

    status: str = Field(examples=["ok"])


def parse_moment(value: object) -> object:
    """Return an ISO 8601 date or datetime, with a space or T, as a datetime; UTC unless it has a zone."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise ValueError("write 2021-12-20, 2021-12-20 18:00:00 or 2021-12-20T18:00:00+03:00, in an address"
                         " with %2B for +") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Text = Annotated[str, Field(pattern="^[^\0]*$")]


class Subject(BaseModel, extra="forbid"):  # type: ignore[call-arg]
    """Whom a request is about, and when; a parameter that it does not have is refused rather than ignored."""

    id: Text = Field(description="The user's key; one that is not known gets what is popular.", examples=["1000"])
    time: Annotated[datetime | None, BeforeValidator(parse_moment)] = Field(
        default=None, examples=["2021-12-20"],
        description="The moment, UTC unless it has a zone. Without it: now. Nothing later enters the answer.",
    )


class Parameters(Subject):
    """What may be asked of recommendations."""

    limit: int = Field(default=5, ge=1, le=1000, description="How many posts.")
    candidates: list[Text] | None = Field(
        default=None, description="Keys of posts, a parameter each: the answer is the best of them.",
    )
    exclude: list[Text] | None = Field(default=None, description="Keys of posts, a parameter each: none of them.")
    hide_viewed: Text | None = Field(
        default=None, description="None that the user was shown within this time.", examples=["7 days", "P7D"],
    )
    max_per_topic: Annotated[int, Field(ge=1, lt=2**31)] | None = Field(
        default=None, description="At most so many of a topic, as long as there are others.",
    )
    feed: Text | None = Field(default=None, description="A feed that create_feed() made.", examples=["home"])
    after: Text | None = Field(
        default=None, description="The next page: what the header Link of the page before says. time is that page's.",
    )


class Explained(Subject):
    """What may be asked of an explanation."""

    post: Text = Field(description="The post's key.", examples=["235"])
    variant: Text | None = Field(default=None, description="The model's variant. Without it: as recommended.")
    feed: Text | None = Field(default=None, description="What this feed's rules do is told, too.")


class Sparse(logging.Filter):
    """Lets a kind of message through once in SILENT_SECONDS: a pool whose server is down repeats itself."""

    def __init__(self) -> None:
        super().__init__()
        self.logged_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now - self.logged_at.get(record.msg, -SILENT_SECONDS) < SILENT_SECONDS:
            return False
        self.logged_at[record.msg] = now
        return True


def problem_of(error: psycopg.Error) -> Problem:
    """Return what the database said, and what to do about it."""
    if isinstance(error, PoolTimeout):
        return Problem(
            what="no connection to the database",
            cause=f"none came free within {WAIT_SECONDS} s: the server is down or every connection is busy",
            next="see that the server runs, or start the gateway with a larger --pool",
        )
    if not error.sqlstate:
        return Problem(what="the connection to the database was lost", cause=" ".join(str(error).split()),
                       next="send the request again")
    message = plain(error.diag.message_primary or str(error))
    following = next((text for kind, text in NEXT_OF.items() if isinstance(error, kind)), "pgfeed check")
    return Problem(what="the database refused", cause=message, next=error.diag.message_hint or following)


def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    """Answer 422 with the parameters at fault."""
    is_explanation = request.url.path.startswith(EXPLANATION_PATH)
    parameters, example = (Explained, EXPLANATION_EXAMPLE) if is_explanation else (Parameters, EXAMPLE)
    reasons = {"extra_forbidden": "there is no such parameter; there are " + ", ".join(parameters.model_fields)}
    detail = jsonable_encoder(error.errors())
    cause = "; ".join(f"{each['loc'][1]}: {reasons.get(each['type']) or each['msg'].removeprefix('Value error, ')}"
                      for each in detail)
    problem = InvalidRequest(what="the request was not understood", cause=cause, next=example, detail=detail)
    return JSONResponse(problem.model_dump(), 422)


def not_served(request: Request, error: HTTPException) -> JSONResponse:
    """Answer 404 or 405 with what is served."""
    what = f"{request.url.path} is not served" if error.status_code == 404 else f"{request.method} is not answered"
    cause = f"there are GET {', '.join(request.app.openapi()['paths'])}, /docs and /openapi.json"
    problem = Problem(what=what, cause=cause, next=EXAMPLE)
    return JSONResponse(problem.model_dump(), error.status_code, error.headers)


def at_fault(message: str, query: QueryParams) -> str | None:
    """Return the parameter that an error of the database speaks of; None: it speaks of none."""
    if " is the key of no user" in message:
        return "id"
    if " is the key of no post" in message:
        asked = [name for name in KEYS if name in query]
        is_in = (name for name in asked if any(f"'{key[:100]}'" in message for key in query.getlist(name)))
        return next(is_in, next(iter(asked), None))
    if message.startswith("post ") and message.endswith("cannot be recommended at this moment"):
        return "post"
    if message.startswith("interval ") or "type interval" in message:
        return "hide_viewed"
    name = message.removeprefix("there is no ").partition(" ")[0]
    return name if name in NAMED and name in query else None


def unavailable(request: Request, error: psycopg.Error) -> JSONResponse:
    """Answer 503 with what the database said; 422 if that is of a parameter."""
    message = plain(error.diag.message_primary or str(error))
    name = at_fault(message, request.query_params) if isinstance(error, REFUSED) else None
    if name is None:
        problem = problem_of(error)
        if isinstance(error, psycopg.errors.QueryCanceled):
            problem.next += (
                "; for moments before the features' cut-off, which take longer: pgfeed serve-http --timeout 30"
            )
        return JSONResponse(problem.model_dump(), 503)
    parts = [message.removeprefix("post ") if name == "post" else message, error.diag.message_hint]
    said = {
        "type": "value", "loc": ["query", name], "msg": ". ".join(part.rstrip(".") for part in parts if part),
        "input": request.query_params.get(name),
    }
    return invalid(request, RequestValidationError([said]))


def add_link(reply: Reply, query: QueryParams, cursor: str) -> None:
    """Say in an answer's header where the next page is (RFC 8288), relative to its own address."""
    parameters = [(name, value) for name, value in query.multi_items() if name not in ("time", "after")]
    link = f'<?{urlencode([*parameters, ("after", cursor)])}>; rel="next"'
    if len(link) <= MAX_LINK:
        reply.headers["Link"] = link


async def prepare(connection: psycopg.AsyncConnection) -> None:
    """Load a new connection's caches; what is wrong with them is said to the requests."""
    with contextlib.suppress(psycopg.Error):
        await connection.execute(WARM_UP)


def open_pool(size: int) -> AsyncConnectionPool:
    """Return a closed pool that replaces broken connections and works behind any pooler."""
    return AsyncConnectionPool(
        db.dsn(), min_size=size, max_size=size, open=False, timeout=WAIT_SECONDS, reconnect_timeout=WAIT_SECONDS,
        kwargs={
            "application_name": "pgfeed serve-http", "connect_timeout": WAIT_SECONDS, "autocommit": True,
            "prepare_threshold": None,
            "row_factory": dict_row,
        },
        configure=prepare, check=AsyncConnectionPool.check_connection,
    )


def create_app(
    pool_size: int = 4, is_experiment: bool = False, is_explaining: bool = False, timeout: float = CALL_SECONDS,
) -> FastAPI:
    """Return the application; for an experiment the response says which group the user is in.

    is_explaining: explanations are served, too. timeout: after so many seconds the database gives a call up.
    """
    pool = open_pool(pool_size)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with pool:
            yield

    app = FastAPIOffline(
        title="pgfeed", version="1", lifespan=lifespan, redirect_slashes=False, redoc_url=None,
        description="Posts that a user will most likely like, recommended inside PostgreSQL by"
        " `pgfeed.recommend_posts`.",
        exception_handlers={RequestValidationError: invalid, HTTPException: not_served, psycopg.Error: unavailable},
    )

    async def fetch(statement: str, **parameters: object) -> list[dict]:
        """Return the rows of a statement: in a pipeline both go out at once and are one transaction."""
        async with pool.connection() as connection:
            async with connection.pipeline():
                await connection.execute(TIMEOUT, [f"{round(1000 * timeout)}ms"])
                cursor = await connection.execute(statement, parameters)
            return await cursor.fetchall()

    async def rows_of(asked: Parameters, request: Request, reply: Reply) -> list[dict]:
        """Return the rows of an answer, and say in its header where the next page is."""
        rows = await fetch(RECOMMEND_WITH_GROUP, **asked.model_dump(), variant=None)
        if len(rows) == asked.limit:
            add_link(reply, request.query_params, rows[-1]["cursor"])
        return rows

    async def recommend_posts(
        asked: Annotated[Parameters, Query()], request: Request, reply: Reply,
    ) -> list[Post]:
        """The posts that the user will most likely like at the moment, best first; none that the user liked before."""
        return [Post(**row) for row in await rows_of(asked, request, reply)]

    async def recommend_posts_with_group(
        asked: Annotated[Parameters, Query()], request: Request, reply: Reply,
    ) -> Response:
        """The posts that the user will most likely like at the moment, and the user's group."""
        rows = await rows_of(asked, request, reply)
        return Response(exp_group=rows[0]["exp_group"] if rows else None, recommendations=[Post(**row) for row in rows])

    endpoint = recommend_posts_with_group if is_experiment else recommend_posts
    responses: dict[int | str, dict] = {
        200: {"headers": {"Link": {
            "description": 'The next page, as <?...>; rel="next"; none where there are fewer posts than limit.',
            "schema": {"type": "string"},
        }}},
        422: {"model": InvalidRequest, "description": "A parameter is wrong or unknown."},
        503: {"model": Problem, "description": "The database does not answer."},
    }
    for path in (f"{PATH}/", PATH):
        app.get(path, summary="Recommend posts to a user", responses=responses,
                include_in_schema=path.endswith("/"))(endpoint)

    if is_explaining:
        add_explanation(app, fetch, {status: responses[status] for status in (422, 503)})
    add_monitoring(app, fetch, responses[503])
    return app


def add_explanation(app: FastAPI, fetch: Callable[..., Awaitable[list[dict]]], problems: dict) -> None:
    """Add explanations to the application; fetch returns the rows of a statement."""

    async def explain_recommendation(asked: Annotated[Explained, Query()]) -> Explanation:
        """Why the post has its score for the user at the moment. It names what the user liked, and the profile."""
        rows = await fetch(EXPLAIN, **asked.model_dump())
        return Explanation(because=rows[0]["because"], contributions=[Contribution(**row) for row in rows])

    for path in (f"{EXPLANATION_PATH}/", EXPLANATION_PATH):
        app.get(path, summary="Tell why a post is recommended", responses=problems,
                include_in_schema=path.endswith("/"))(explain_recommendation)


def add_monitoring(app: FastAPI, fetch: Callable[..., Awaitable[list[dict]]], problem: dict) -> None:
    """Add /health and /metrics to the application; fetch returns the rows of a statement."""

    @app.head("/health", include_in_schema=False)
    @app.get("/health", summary="Tell whether recommendations can be had", responses={503: problem})
    async def health() -> Health:
        """One recommendation is made: 200 means that a request would be answered."""
        await fetch(PROBE)
        return Health(status="ok")

    @app.get("/metrics", summary="Tell monitoring what health() finds", response_class=PlainTextResponse)
    async def metrics(request: Request) -> PlainTextResponse:
        """Figures and statuses of health() in Prometheus's text format; pgfeed_up 0: the database does not answer."""
        try:
            rows = await fetch(monitoring.HEALTH)
        except psycopg.Error:
            rows = None
        content, content_type = monitoring.exposition(rows, request.headers.get("accept", ""))
        return PlainTextResponse(content, headers={"Content-Type": content_type})


def listen(host: str, port: int, verb: str = "serve-http") -> socket.socket:
    """Return a socket that listens there; port 0 takes a free one; verb: that is told how to take one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise PgfeedError(f"cannot listen on {host} port {port}", os.strerror(error.errno or 0),
                          f"to take a free one: pgfeed {verb} --port 0") from error


def serve(listener: socket.socket, app: FastAPI) -> None:
    """Answer requests until interrupted."""
    logging.getLogger("psycopg.pool").addFilter(Sparse())
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=10)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
