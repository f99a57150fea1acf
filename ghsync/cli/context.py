"""What every command that needs a database starts with: settings, a database, and its errors made understandable."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import embedded, log, migrate, sessions, settings
from ghsync.cli.terminal import notices
from ghsync.database import FORBIDDEN, NOT_THERE, READ_ONLY, create_engine, first_line, transaction, unavailable
from ghsync.errors import NotConfigured, Permanent
from ghsync.settings import Settings

__all__ = ["configured", "in_transaction", "notices", "require_schema", "run"]

T = TypeVar("T")


@contextmanager
def configured(*, notes: bool = True, tells_place: bool = False, **overrides: object) -> Iterator[tuple[Settings, str]]:
    """The settings and the database's URL; starts the embedded PostgreSQL where none is named.

    ``notes`` tell of variables that look like settings and are none; ``tells_place`` is of the embedded PostgreSQL's.
    """
    for sentence in settings.unknown() if notes else ():
        notices.print(sentence, style="yellow", markup=False, soft_wrap=True)
    loaded = settings.load(**overrides)
    log.configure(loaded.log_format, loaded.log_level)
    with _database_errors():
        if loaded.direct_database_url and not loaded.database_url:
            raise NotConfigured(
                "GHSYNC_DIRECT_DATABASE_URL is set, and GHSYNC_DATABASE_URL is not: without a pooler set only that."
            )
        with _server(loaded, tell=tells_place) as url, _schema_errors(url):
            yield loaded, url


@contextmanager
def _server(loaded: Settings, *, tell: bool) -> Iterator[str]:
    """The URL of the server that is named, or of the embedded one, which runs meanwhile."""
    if loaded.own_url is not None:
        yield sessions.bounded(loaded.own_url, loaded)
        return
    with embedded.running(loaded.data_dir) as url:
        if tell:
            notices.print(f"Using the embedded PostgreSQL in {loaded.data_dir}.", style="dim", soft_wrap=True)
        yield sessions.bounded(url, loaded)


def run(function: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    """Call an async function with an engine on the configured database."""

    async def call(url: str) -> T:
        engine = create_engine(url)
        try:
            return await function(engine)
        finally:
            await engine.dispose()

    with configured() as (_, url):
        try:
            return asyncio.run(call(url))
        except sa.exc.DataError as error:  # what was typed is longer or larger than what a column takes
            raise Permanent(f"PostgreSQL does not take a value ({first_line(error)}): give another.") from error


def in_transaction(function: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """Call an async function with a connection on the configured database, in one transaction."""

    async def call(engine: AsyncEngine) -> T:
        async with transaction(engine) as conn:
            return await function(conn)

    return run(call)


def require_schema(url: str) -> None:
    """Raises `NotConfigured` where a migration is due."""
    if migrate.current(url) is None:
        raise NotConfigured(migrate.EMPTY)
    if due := migrate.pending(url):
        raise NotConfigured(f"The database lacks tables (due: {', '.join(due)}): run `ghsync migrate`.")


@contextmanager
def _database_errors() -> Iterator[None]:
    """Say what a driver's error means where it means that something is to be done."""
    try:
        yield
    except (sa.exc.DBAPIError, psycopg.Error) as error:
        if isinstance(error, psycopg.OperationalError) or _state(error) in (FORBIDDEN, READ_ONLY):
            raise unavailable(error) from error
        raise


@contextmanager
def _schema_errors(url: str) -> Iterator[None]:
    """Say what it means that something is not there: nothing is yet, or the database is older than this code."""
    try:
        yield
    except (sa.exc.DBAPIError, psycopg.Error) as error:
        if _state(error) not in NOT_THERE:
            raise
        if migrate.current(url) is None:
            raise NotConfigured(migrate.EMPTY) from error
        raise NotConfigured(f"The database is not migrated ({first_line(error)}): run `ghsync migrate`.") from error


def _state(error: sa.exc.DBAPIError | psycopg.Error) -> str | None:
    state: str | None = getattr(getattr(error, "orig", error), "sqlstate", None)
    return state
