"""Migrations: brings a database to a revision, and tells what that takes.

The scripts are ``db/`` in a checkout and ``ghsync/_db`` in an installed wheel.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import psycopg
import sqlalchemy as sa
import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from ghsync import database, definitions, ownership, sessions
from ghsync.errors import DatabaseRefused, NotFound, Permanent

PACKAGE = Path(__file__).parent
UNDEFINED = "Views, functions or triggers are missing, or another version's: run `ghsync migrate`."
REFUSALS = (database.FORBIDDEN, database.READ_ONLY)

# Alembic keeps the environment it runs in a global; between processes the database's own lock decides.
_ONE_AT_A_TIME = threading.Lock()


log = structlog.get_logger()

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
    with _alembic():
        applied = _applied(url, settings)
        if newer := _ahead(applied):
            log.warning("database_is_newer", revision=newer, newest_known=_scripts().get_current_head())
            if to == "head":
                return
        if to != applied and to in _below(applied):
            raise Permanent(
                f"The database is at {applied}, and {to} is older: to go back would drop what came since. "
                "An older ghsync works with it as it is."
            )
        if to == "head" and applied == _scripts().get_current_head():
            if _is_defined(url, settings):
                return
            if _is_dropped_of_others(url, settings):
                log.warning("not_defined", detail=UNDEFINED)  # no delivery is to be lost for a view
                return
        _check_rights(url, settings)
        command.upgrade(_config(url, settings), to)


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
    with _alembic(), engine(url).connect() as connection:
        if not connection.execute(_WRITABLE).one().writable:
            raise DatabaseRefused(database.ONLY_READS)


def downgrade(url: str, to: str) -> None:
    """Take the database back down to a revision, or to nothing with ``base``; nothing is defined over its tables."""
    with _alembic():
        command.downgrade(_config(url, down=True), to)


def sql(to: str = "head") -> str:
    """The SQL that brings an empty database up to a revision; no database is asked."""
    written = StringIO()
    with _alembic():
        command.upgrade(_config(output=written), to, sql=True)
    return written.getvalue()


def current(url: str) -> str | None:
    """The revision the database is at, None before the first."""
    with _alembic():
        return _applied(url)


def ahead(url: str) -> str | None:
    """The revision of a database that a newer version of ghsync has migrated, else None."""
    with _alembic():
        return _ahead(_applied(url))


def pending(url: str) -> list[str]:
    """The revisions that the database has yet to get, the next one first; none where it is newer than this code."""
    with _alembic():
        applied = _applied(url)
        if _ahead(applied):
            return []
        newest_first = _scripts().iterate_revisions("head", applied or "base")
        return [script.revision for script in newest_first][::-1]


def _applied(url: str, settings: Mapping[str, str] | None = None) -> str | None:
    with engine(url, **(settings or {})).connect() as connection:
        if not connection.scalar(sa.text(sessions.OWN)):
            raise DatabaseRefused(database.POOLED)
        applied = MigrationContext.configure(connection).get_current_revision()
        if applied is None:
            _check_visible(connection)
        _check_known(applied)
        return applied


def _check_known(applied: str | None) -> None:
    """The migrations of before the first release are not there any more."""
    first = _scripts().get_base() or ""
    if applied is not None and applied.isdecimal() and applied < first:
        raise Permanent(
            f"The database is at migration {applied}, of before the first release: bring it to {first} with the "
            "version that made it, or begin with an empty one."
        )


def _check_visible(connection: sa.Connection) -> None:
    """Tables in a schema that we may not use look as if they were not there."""
    tables = ownership.ownership(connection.execute(ownership.FIND).one_or_none())
    if tables and tables.hidden:
        raise DatabaseRefused(tables.hidden)


def is_defined(url: str) -> bool:
    """Whether all that this code defines over the newest tables is there: views, functions and triggers."""
    with _alembic():
        return _is_defined(url, {})


def _is_defined(url: str, settings: Mapping[str, str]) -> bool:
    with engine(url, **settings).connect() as connection:
        return definitions.are_applied(connection, scripts_directory() / "sql")


def _ahead(applied: str | None) -> str | None:
    """The revision, if it comes after all that this code knows: they are numbered."""
    newest = _scripts().get_current_head() or ""
    return applied if applied is not None and applied.isdecimal() and applied > newest else None


def _below(applied: str | None) -> list[str]:
    """The revision that is applied, if any, and all before it."""
    known = [script.revision for script in _scripts().walk_revisions()]
    return [revision for revision in known if applied is not None and revision <= applied]


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


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
) -> Config:
    config = Config(output_buffer=output, attributes={"url": url, "settings": settings or {}, "down": down})
    # Alembic interpolates its options, and a directory may have a percent sign in its name.
    config.set_main_option("script_location", str(scripts_directory()).replace("%", "%%"))
    return config


@contextmanager
def _alembic() -> Iterator[None]:
    try:
        with _ONE_AT_A_TIME:
            yield
    except (sa.exc.DBAPIError, psycopg.OperationalError) as error:
        state = getattr(getattr(error, "orig", error), "sqlstate", None)
        if isinstance(error, sa.exc.OperationalError | psycopg.OperationalError) or state in REFUSALS:
            raise database.unavailable(error) from error
        raise
    except CommandError as error:
        raise NotFound(f"{error}: this version of ghsync has no such migration.") from error
