"""What an application that may only write does through an ORM: it works, or the server says that it may not read."""

from datetime import UTC, datetime

import psycopg2
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session

from tests.db.conftest import database_name

AT = datetime(2021, 12, 20, 18, tzinfo=UTC)
EVENT = {"event_at": AT, "user_id": 7, "post_id": 1, "action": "view"}
COLUMNS = "event_at, user_id, post_id, action"
TEXT = f"insert into pgfeed.feed_events ({COLUMNS}) values ('2021-12-20 18:00+00', 7, 1, 'view')"
KEY = "(user_id, event_at, post_id, action)"
READ = f"{COLUMNS}, target, recorded_at, attachment_id"


@pytest.fixture
def writer(network, network_dsn):
    """An engine of an application that is a member of pgfeed_writer, and its role."""
    name = database_name("application")
    network(f'create role "{name}" login in role pgfeed_writer')

    def connect():
        connection = psycopg2.connect(network_dsn)
        with connection, connection.cursor() as cursor:
            cursor.execute(f'set session authorization "{name}"')
        return connection

    engine = sa.create_engine("postgresql+psycopg2://", creator=connect, poolclass=sa.pool.NullPool)
    yield engine, name
    engine.dispose()
    network(f'drop owned by "{name}"; drop role "{name}"')


def mapped(engine: sa.Engine, eager_defaults: bool | str = "auto") -> type:
    """Return the class that automap makes of feed_events."""
    base = automap_base()

    arguments = {"schema": "pgfeed"}, {"eager_defaults": eager_defaults}
    names = ("__tablename__", "__table_args__", "__mapper_args__")
    event = type("Event", (base,), dict(zip(names, ("feed_events", *arguments))))
    base.prepare(autoload_with=engine, schema="pgfeed", reflection_options={"only": ["feed_events"]})
    return event


def count(network) -> int:
    return network("select count(*) from pgfeed.feed_events where event_at = %s and user_id = 7", AT)[0][0]


@pytest.mark.parametrize("statement", [
    f"{TEXT} on conflict do nothing",
    # As Django's objects.create and bulk_create(ignore_conflicts=True) send it.
    'INSERT INTO "pgfeed"."feed_events" ("event_at", "user_id", "post_id", "action", "target")'
    " VALUES ('2021-12-20 18:00+00'::timestamptz, 7, 1, 'view', NULL) ON CONFLICT DO NOTHING",
])
def test_an_insert_may_be_sent_again(writer, network, statement):
    engine, _ = writer
    for _ in range(3):
        with engine.begin() as connection:
            connection.execute(sa.text(statement))
    assert count(network) == 1


def test_sqlalchemy_adds_events_and_asks_nothing_back(writer, network):
    engine, _ = writer
    event = mapped(engine, eager_defaults=False)
    with Session(engine) as session:
        session.add(event(**EVENT))
        session.commit()
    for _ in range(2):
        with engine.begin() as connection:
            connection.execute(insert(event.__table__).values(EVENT).on_conflict_do_nothing())
    with Session(engine) as session, session.begin():
        session.execute(insert(event).on_conflict_do_nothing(), [EVENT, EVENT | {"post_id": 2}])
    assert count(network) == 2


@pytest.mark.parametrize("statement", [
    f"{TEXT} returning event_at",
    f"{TEXT} on conflict {KEY} do nothing",
    f"{TEXT} on conflict {KEY} do update set target = excluded.target",
    "update pgfeed.feed_events set target = true where user_id = 7",
    "select 1 from pgfeed.feed_events where user_id = 7",
])
def test_what_reads_is_refused_in_one_sentence(writer, network, statement):
    engine, _ = writer
    with engine.begin() as connection, pytest.raises(sa.exc.ProgrammingError) as raised:
        connection.execute(sa.text(statement))
    assert raised.value.orig.diag.message_primary == "permission denied for table feed_events"
    assert count(network) == 0


def test_an_application_that_may_read_uses_all_of_its_orm(writer, network):
    engine, name = writer
    event = mapped(engine)
    with Session(engine) as session, pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        session.merge(event(**EVENT))
    network(f'grant select ({READ}) on pgfeed.feed_events to "{name}"')
    with Session(engine) as session:
        for _ in range(2):
            added = session.merge(event(**EVENT))
            session.commit()
        assert added.recorded_at is not None
        session.add(event(**EVENT | {"post_id": 3}))
        session.commit()
    with engine.begin() as connection:
        connection.execute(sa.text(f"{TEXT} on conflict {KEY} do nothing"))
        assert connection.execute(sa.text(f"{TEXT} on conflict do nothing returning event_at")).all() == []
    assert count(network) == 2
