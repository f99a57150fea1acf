"""The environment that migrations run in; used by `ghsync migrate` and by the `alembic` command alike."""

import os
import time
from pathlib import Path

import sqlalchemy as sa
from alembic import context
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext

from ghsync import definitions, locks, migrate, partitions, schema, sessions
from ghsync.errors import NotConfigured

SQL = Path(__file__).parent / "sql"
PARTITIONS_DUE = "SELECT parent, month FROM partitions_by_month() WHERE state <> 'made'"
MAKE_PARTITION = "SELECT make_partition(:parent, :month)"
MAKE_PARTITIONS = "SELECT make_partitions()"
LOCK_POLL_SECONDS = 0.1

# A migration runs while the previous code is still at work: one that would make it wait gives up instead, and can
# be run again. A migration that knows better sets its own.
LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "60s"


def database_url() -> str:
    """What `ghsync.migrate` was asked to migrate; for the `alembic` command, what the settings name."""
    url = context.config.attributes.get("url") or os.environ.get("GHSYNC_DATABASE_URL")
    if not url:
        raise NotConfigured("Set GHSYNC_DATABASE_URL to the database that the new migration is compared with.")
    return str(url)


def take_lock(connection: sa.Connection) -> None:
    """Wait until no other migration runs, to the end of the session.

    By polling: a session that waits inside ``pg_advisory_lock`` holds a snapshot, and CREATE INDEX CONCURRENTLY in
    the session that has the lock would wait for that snapshot.
    """
    while not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(locks.MIGRATION))):
        connection.rollback()
        time.sleep(LOCK_POLL_SECONDS)
    connection.commit()


def number(_context: object, _head: object, directives: list[MigrationScript]) -> None:
    """Number a new migration after the last one; Alembic would invent a name."""
    newest = context.script.get_current_head() or "0"
    for directive in directives:
        directive.rev_id = f"{int(newest) + 1:04}"


def migrate_database(url: str) -> None:
    """Migrate over a connection of its own, which gives the lock back when it is closed."""
    settings = context.config.attributes.get("settings", {})
    with migrate.engine(url, **settings).connect() as connection:
        take_lock(connection)
        connection.execute(sa.text(sessions.TIME_OUT_WHEN_SILENT))
        connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(sa.text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
        connection.commit()
        if context.config.attributes.get("down"):
            definitions.remove(connection, SQL)
        context.configure(
            connection=connection,
            target_metadata=schema.metadata,
            compare_server_default=True,
            process_revision_directives=number,
            include_object=is_declared,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        if is_newest(connection) and not context.config.attributes.get("tables_only"):
            definitions.apply(connection, SQL)
            make_partitions(connection)


def make_partitions(connection: sa.Connection) -> None:
    """Make those that are missing; what is in the way of one, a process that serves or works tries again, or tells."""
    for parent, month in connection.execute(sa.text(PARTITIONS_DUE)).all():
        try:
            connection.execute(sa.text(MAKE_PARTITION), {"parent": parent, "month": month})
            connection.commit()
        except sa.exc.DBAPIError:
            connection.rollback()


def is_declared(_reflected: object, name: str | None, kind: str, *_: object) -> bool:
    """Whether to compare something with what is declared: partitions are declared by what they are partitions of."""
    return kind != "table" or name is None or partitions.whole(name) == name


def is_newest(connection: sa.Connection) -> bool:
    """Whether the tables are those that what is defined over them was written for."""
    return MigrationContext.configure(connection).get_current_revision() == context.script.get_current_head()


def print_sql() -> None:
    """Print what a migration would do; no database is asked."""
    context.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},
        literal_binds=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    if context.get_revision_argument() in ("head", context.script.get_current_head()):
        for text in definitions.texts(SQL):
            context.execute(sa.text(text.replace(":", r"\:")))  # a colon in a regular expression is no parameter
        for statement in (*definitions.POLICIES, MAKE_PARTITIONS):
            context.execute(statement)


if context.is_offline_mode():
    print_sql()
else:
    migrate_database(database_url())
