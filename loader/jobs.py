"""What goes on by itself: jobs, the steps of tick() and the decisions of the gate, for people and programs."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from psycopg2.extensions import connection as Connection
from psycopg2.extras import RealDictCursor
from rich.table import Table

from loader.server.remedies import told
from loader.terminal import table

FINISHED, DECIDED = 10, 10
FORCED = "forced"  # the rule of what activate_model() wrote down, which the gate did not try
JOBS = """
    select s.job_id, s.name, s.state, j.settings, j.asked_at, j.asked_by, s.due_at, j.attempt_count, j.worker,
        j.started_at, j.finished_at, j.version, j.error
    from (
        select *, row_number() over (partition by state in ('done', 'failed') order by job_id desc) as number
        from pgfeed._job_states()
    ) as s
    inner join pgfeed.jobs as j on j.job_id = s.job_id
    where s.state not in ('done', 'failed') or s.number <= %s
    order by s.job_id
"""
STEPS = """
    select s.step, nullif(s.due_at, '-infinity') as due_at, s.due_at <= now() as is_due, t.begun_at, t.done_at, t.error
    from pgfeed._step_times(now()) as s
    left join pgfeed.tick_steps as t on t.step = s.step
    order by s.number, s.step
"""
DECISIONS = """
    select d.decided_at, d.variant, d.challenger, d.champion, d.decision, d.reasons, d.rule, d.decided_by
    from pgfeed.model_decisions as d
    order by d.decision_id desc
    limit %s
"""


def load(connection: Connection) -> dict[str, list[dict]]:
    """Return jobs, steps and decisions; moments in ISO 8601."""
    found = {}
    with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        for name, statement, count in (("jobs", JOBS, [FINISHED]), ("steps", STEPS, None),
                                       ("decisions", DECISIONS, [DECIDED])):
            cursor.execute(statement, count)
            found[name] = [{key: as_json(value) for key, value in row.items()} for row in cursor.fetchall()]
    return found


def as_json(value: object) -> object:
    """Return a value as JSON has it."""
    return value.isoformat() if isinstance(value, datetime) else value


def tables(found: dict[str, list[dict]]) -> Iterator[Table | str]:
    """Yield what load() returned as tables of 80 columns, and of what there is none a line."""
    yield listed("jobs", ["job", "asked", "state", "what"], [
        (job["job_id"], minute(job["asked_at"]), job["state"], what_of(job)) for job in found["jobs"]
    ], ["job"])
    yield listed("what tick() does", ["step", "done", "due", "what"], [
        (step["step"], minute(step["done_at"]), "now" if step["is_due"] else minute(step["due_at"]),
         f"failed: {told(step['error'])}" if step["error"] else "") for step in found["steps"]
    ])
    yield listed("what the gate decided", ["model", "when", "decision", "why"], [
        (f"{each['variant']}@{each['challenger']}", minute(each["decided_at"]),
         "set by hand" if each["rule"].startswith(FORCED) else each["decision"],
         "; ".join(each["reasons"]) or beside(each)) for each in found["decisions"]
    ])


def listed(title: str, headers: list[str], rows: list[tuple], numeric: Sequence[str] = ()) -> Table | str:
    """Return rows as a table, or a line that there are none."""
    return table(title, headers, rows, numeric) if rows else f"{title}: none\n"


def what_of(job: dict) -> str:
    """Return what a job is, and what became of it."""
    about = job["name"]
    if job["settings"].get("switch"):
        about += ", for the gate"
    if job["state"] == "running":
        return f"{about}: {job['worker']} since {minute(job['started_at'])}"
    if job["error"]:
        again = "" if job["state"] == "failed" else f"; again from {minute(job['due_at'])}"
        return f"{about}: {told(job['error'])}{again}"
    return about + (f": version {job['version']}" if job["version"] else "")


def beside(decision: dict) -> str:
    """Return what a version was compared with."""
    return f"after version {decision['champion']}" if decision["champion"] else "nothing served before it"


def minute(moment: str | None) -> str:
    """Return a moment to the minute, in UTC."""
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M}" if moment else ""
