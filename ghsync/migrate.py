"""Migrations: brings a database to a revision, and tells what that takes.

The scripts are ``db/`` in a checkout and ``ghsync/_db`` in an installed wheel. Alembic runs them, and is imported where
there is something to run: it takes a tenth of the memory and of the time that `ghsync serve` needs to start.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import psycopg
import sqlalchemy as sa
import structlog

from ghsync import database, definitions, ownership, sessions
from ghsync.errors import DatabaseRefused, Locked, NotDefined, NotFound, Permanent

if TYPE_CHECKING:
    from alembic.config import Config

PACKAGE = Path(__file__).parent
UNDEFINED = "Views, functions or triggers are missing, or another version's: run `ghsync migrate`."
EMPTY = "The database is empty: start `ghsync serve`, or run `ghsync migrate`."
REFUSALS = (database.FORBIDDEN, database.READ_ONLY)

# Alembic keeps the environment it runs in a global; between processes the database's own lock decides.
_ONE_AT_A_TIME = threading.Lock()


log = structlog.get_logger()

_SCRIPT = re.compile(r"(\d{4})_\w+\.py")

_IS_VERSIONED = sa.text("SELECT to_regclass('alembic_version') IS NOT NULL")
_VERSION = sa.text("SELECT version_num FROM alembic_version")

_WRITABLE = sa.text("""
SELECT NOT current_setting('transaction_read_only')::boolean AS writable,
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
       current_user AS role, current_database() AS database, coalesce(current_schema(), 'public') AS schema
""")


def upgrade(url: str, to: str = "head", **settings: str) -> None:
    """Bring the database up to a revision; of two at once the second waits, then finds nothing to do.

    One that is newer than this code is left as it is: a migration works with the previous code. ``settings`` are those
    of the session: with another ``search_path`` the tables are made elsewhere. Raises `DatabaseRefused` where we may
    not write, and `Permanent` for a revision that the database is past.
    """
    _check_there(to)
    with _at_work():
        applied = _applied(url, settings)
        if newer := _ahead(applied):
            log.warning("database_is_newer", revision=newer, newest_known=newest())
            if to == "head":
                return
        if to != applied and to in _below(applied):
            raise Permanent(
                f"The database is at {applied}, and {to} is older: to go back would drop what came since. "
                "An older ghsync works with it as it is."
            )
        if to == "head" and applied == newest():
            if _is_defined(url, settings):
                return
            if _is_dropped_of_others(url, settings):
                log.warning("not_defined", detail=UNDEFINED)  # no delivery is to be lost for a view
                return
        _check_rights(url, settings)
        _alembic().upgrade(_config(url, settings), to)


def upgrade_to_serve(url: str) -> None:
    """The same for a process that receives or projects: no delivery is to be lost for what is in a view's way."""
    try:
        upgrade(url)
    except NotDefined as error:
        log.warning("not_defined", detail=str(error))


def _is_dropped_of_others(url: str, settings: Mapping[str, str]) -> bool:
    """Whether all was defined as this code does, and tables are another role's, who alone can do it again."""
    with engine(url, **settings).connect() as connection:
        tables = ownership.ownership(connection.execute(ownership.FIND).one_or_none())
        is_others = tables is not None and not tables.owned
        return is_others and definitions.are_known(connection, scripts_directory() / "sql")


def _check_rights(url: str, settings: Mapping[str, str]) -> None:
    """PostgreSQL 15 lets nobody but its owner make tables in the schema public, and nobody but theirs change them."""
    with engine(url, **settings).connect() as connection:
        found = connection.execute(_WRITABLE).one()
        tables = ownership.ownership(connection.execute(ownership.FIND).one_or_none())
    if not found.writable:
        raise DatabaseRefused(database.ONLY_READS)
    if tables and not tables.owned:
        raise DatabaseRefused(
            f'The database has yet to be migrated for this version of ghsync, and the role "{tables.role}" does not '
            f'own its tables: run `ghsync migrate` as "{tables.owner}", who does.'
        )
    if not found.may_create:
        raise DatabaseRefused(
            f'The role "{found.role}" may not make tables in database "{found.database}": use `ghsync migrate` as the '
            "role that is to own them, or let the database's owner or a superuser "
            f'run GRANT USAGE, CREATE ON SCHEMA {found.schema} TO "{found.role}"; there.'
        )


def check_writable(url: str) -> None:
    """Raises `DatabaseRefused` where nothing can be written, however well it can be read."""
    with _at_work(), engine(url).connect() as connection:
        if not connection.execute(_WRITABLE).one().writable:
            raise DatabaseRefused(database.ONLY_READS)


def downgrade(url: str, to: str) -> None:
    """Take the database back down to a revision, or to nothing with ``base``; nothing is defined over its tables."""
    with _at_work():
        _alembic().downgrade(_config(url, down=True), to)


def sql(to: str = "head") -> str:
    """The SQL that brings an empty database up to a revision; no database is asked."""
    _check_there(to)
    written = StringIO()
    with _at_work():
        _alembic().upgrade(_config(output=written), to, sql=True)
    return written.getvalue()


def current(url: str) -> str | None:
    """The revision the database is at, None before the first."""
    with _at_work():
        return _applied(url)


def ahead(url: str) -> str | None:
    """The revision of a database that a newer version of ghsync has migrated, else None."""
    with _at_work():
        return _ahead(_applied(url))


def pending(url: str) -> list[str]:
    """The revisions that the database has yet to get, the next one first; none where it is newer than this code."""
    with _at_work():
        applied = _applied(url)
        if _ahead(applied):
            return []
        return [revision for revision in revisions() if applied is None or revision > applied]


def _applied(url: str, settings: Mapping[str, str] | None = None) -> str | None:
    with engine(url, **(settings or {})).connect() as connection:
        if not connection.scalar(sa.text(sessions.OWN)):
            raise DatabaseRefused(database.POOLED)
        applied = revision_of(connection)
        if applied is None:
            _check_visible(connection)
        _check_known(applied)
        return applied


def revision_of(connection: sa.Connection) -> str | None:
    """The revision that a database is at, None before the first."""
    return connection.scalar(_VERSION) if connection.scalar(_IS_VERSIONED) else None


def _check_known(applied: str | None) -> None:
    """The migrations of before the first release are not there any more."""
    first = revisions()[0]
    if applied is not None and applied.isdecimal() and applied < first:
        raise Permanent(
            f"The database is at migration {applied}, of before the first release: bring it to {first} with the "
            "version that made it, or begin with an empty one."
        )
    if applied is not None and applied not in revisions() and not _ahead(applied):
        raise NotFound(f"The database is at {applied}, and this version of ghsync has no such migration.")


def _check_visible(connection: sa.Connection) -> None:
    """Tables in a schema that we may not use look as if they were not there."""
    tables = ownership.ownership(connection.execute(ownership.FIND).one_or_none())
    if tables and tables.hidden:
        raise DatabaseRefused(tables.hidden)


def is_defined(url: str) -> bool:
    """Whether all that this code defines over the newest tables is there: views, functions and triggers."""
    with _at_work():
        return _is_defined(url, {})


def _is_defined(url: str, settings: Mapping[str, str]) -> bool:
    with engine(url, **settings).connect() as connection:
        return definitions.are_applied(connection, scripts_directory() / "sql")


def _check_there(revision: str) -> None:
    if revision not in ("head", "base", *revisions()):
        raise NotFound(f"There is no migration {revision}: they are numbered from {revisions()[0]} to {newest()}.")


def _ahead(applied: str | None) -> str | None:
    """The revision, if it comes after all that this code knows: they are numbered."""
    return applied if applied is not None and applied.isdecimal() and applied > newest() else None


def _below(applied: str | None) -> list[str]:
    """The revision that is applied, if any, and all before it."""
    return [revision for revision in revisions() if applied is not None and revision <= applied]


@cache
def revisions() -> tuple[str, ...]:
    """All that there are, in order: their files are numbered."""
    named = (_SCRIPT.fullmatch(path.name) for path in (scripts_directory() / "versions").iterdir())
    return tuple(sorted(found[1] for found in named if found))


def newest() -> str:
    """The last of them."""
    return revisions()[-1]


def engine(url: str, **settings: str) -> sa.Engine:
    """A blocking engine for any libpq URL, without a pool: a migration is one connection."""
    return sa.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(url, **sessions.connection_arguments(url, **settings)),
        poolclass=sa.NullPool,
    )


def scripts_directory() -> Path:
    """Where the migrations are."""
    packaged = PACKAGE / "_db"
    return packaged if packaged.is_dir() else PACKAGE.parent / "db"


def _config(
    url: str | None = None,
    settings: Mapping[str, str] | None = None,
    *,
    output: StringIO | None = None,
    down: bool = False,
) -> "Config":
    from alembic.config import Config

    config = Config(output_buffer=output, attributes={"url": url, "settings": settings or {}, "down": down})
    # Alembic interpolates its options, and a directory may have a percent sign in its name.
    config.set_main_option("script_location", str(scripts_directory()).replace("%", "%%"))
    return config


def _alembic() -> ModuleType:
    from alembic import command

    return command


@contextmanager
def _at_work() -> Iterator[None]:
    try:
        with _ONE_AT_A_TIME, _told_as_it_was():
            yield
    except (sa.exc.DBAPIError, psycopg.OperationalError) as error:
        state = getattr(getattr(error, "orig", error), "sqlstate", None)
        if state == psycopg.errors.LockNotAvailable.sqlstate:
            raise Locked(database.first_line(error)) from error
        if isinstance(error, sa.exc.OperationalError | psycopg.OperationalError) or state in REFUSALS:
            raise database.unavailable(error) from error
        if isinstance(error, sa.exc.DBAPIError):
            raise Permanent(f"The database is as it was: {database.refusal(error)}.") from error
        raise


@contextmanager
def _told_as_it_was() -> Iterator[None]:
    """What ended the session is raised, be it Ctrl-C: an autocommit block that it leaves tells of the session alone."""
    try:
        yield
    except sa.exc.PendingRollbackError as error:
        raise error.__context__ or error from None
