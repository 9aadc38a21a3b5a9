"""Alembic's door to the database: a connection, nothing else."""

from alembic import context
from sqlalchemy import create_engine, pool
from sqlalchemy.exc import DBAPIError

from loader.server import db, dependents

SCHEMA = "pgfeed"
OPTIONS = {"version_table_schema": SCHEMA, "transaction_per_migration": True}

if context.is_offline_mode():
    context.configure(url="postgresql://", literal_binds=True, **OPTIONS)
    context.get_context().impl.static_output(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA};\n")
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = create_engine("postgresql+psycopg2://", creator=db.connect, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"create schema if not exists {SCHEMA}")
        connection.exec_driver_sql("set lock_timeout = '30s'")
        # No refresh goes on while its functions are replaced.
        connection.exec_driver_sql("select pg_advisory_lock(hashtext('pgfeed.refresh_features'))")
        connection.commit()
        context.configure(connection=connection, **OPTIONS)
        try:
            with context.begin_transaction():
                context.run_migrations()
        except DBAPIError as error:
            if getattr(error.orig, "pgcode", None) == dependents.SQLSTATE:
                raise dependents.error(error.orig) from error
            raise
