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
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from ghsync import database
from ghsync.errors import DatabaseUnavailable, NotFound

PACKAGE = Path(__file__).parent

# Alembic keeps the environment it runs in a global; between processes the database's own lock decides.
_ONE_AT_A_TIME = threading.Lock()


def upgrade(url: str, to: str = "head", **settings: str) -> None:
    """Bring the database up to a revision; of two at once the second waits, then finds nothing to do.

    ``settings`` are those of the session: with another ``search_path`` the tables are made elsewhere.
    """
    with _alembic():
        command.upgrade(_config(url, settings), to)


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
    with _alembic(), engine(url).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def pending(url: str) -> list[str]:
    """The revisions that the database has yet to get, the next one first."""
    applied = current(url)
    with _alembic():
        scripts = ScriptDirectory.from_config(_config())
        newest_first = scripts.iterate_revisions("head", applied or "base")
        return [script.revision for script in newest_first][::-1]


def engine(url: str, **settings: str) -> sa.Engine:
    """A blocking engine for any libpq URL, without a pool: a migration is one connection."""
    return sa.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(url, **database.connection_arguments(**settings)),
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
    except (sa.exc.OperationalError, psycopg.OperationalError) as error:
        raise DatabaseUnavailable(database.first_line(error)) from error
    except CommandError as error:
        raise NotFound(f"{error}: this version of ghsync has no such migration.") from error
