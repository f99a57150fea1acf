"""PostgreSQL: the declared schema's registry, engines and connections.

Functions elsewhere take a connection first and never commit: who opens the transaction closes it.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from psycopg.rows import namedtuple_row
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ghsync import connections, ownership, sessions, timestamps
from ghsync.errors import DatabaseRefused, DatabaseUnavailable, Locked

timestamps.register()

metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "idx_%(table_name)s_%(column_0_N_name)s",
    }
)


ROOM_FOR_UPDATES = {"fillfactor": "85"}
"""How full a page gets of a table whose rows are updated one here and one there: the next version of one has room
beside it, and no index learns of that. https://www.postgresql.org/docs/current/storage-hot.html
"""

ENCRYPTED = "encrypted"
"""What tells in a column's ``info`` that secrets are in it, encrypted."""

Act = Callable[[AsyncConnection], Awaitable[None]]
_FIRST, _ISOLATION = "ghsync_first", "ghsync_isolation"


def create_engine(
    url: str, *, pool_size: int = 5, recycle_seconds: int = -1, planned_once: bool = False, **settings: str
) -> AsyncEngine:
    """An engine for any libpq URL, multi-host and socket URLs too: libpq reads it, not SQLAlchemy.

    A connection older than ``recycle_seconds`` is replaced before it is used again. Where statements are
    ``planned_once``, each connection does it when it first runs one, whatever the values are; none is compiled, which
    PostgreSQL would do each time, for longer than ours take; and none reads a table from end to end, however empty it
    is just then, as the partition of a month is that has yet to come.
    """
    if planned_once:
        settings |= {"plan_cache_mode": "force_generic_plan", "jit": "off", "enable_seqscan": "off"}

    async def connect() -> psycopg.AsyncConnection[Any]:
        connection = await connections.connect(url, settings)
        if planned_once:
            connection.prepare_threshold = 0
        return connection

    return _engine(connect, pool_size, recycle_seconds)


def create_pooled_engine(url: str, limits: Mapping[str, str], *, pool_size: int = 5) -> AsyncEngine:
    """An engine for a pooler's URL, whose sessions are lent for one transaction: ``limits`` are set in each.

    Nothing is prepared, for the next transaction may be in another session.
    """

    async def connect() -> psycopg.AsyncConnection[Any]:
        connection = connections.keep(
            await psycopg.AsyncConnection.connect(
                url, prepare_threshold=None, autocommit=True, **sessions.pooled_arguments()
            )
        )
        await connection.execute("SET TIME ZONE 'UTC'")  # poolers keep this one for each of their clients
        await connection.set_autocommit(False)
        return connection

    async def limit(conn: AsyncConnection) -> None:
        await fetch(conn, _LIMIT, {"names": list(limits), "values": list(limits.values())})

    return beginning_with(_engine(connect, pool_size), limit)


_LIMIT = sa.text("""
SELECT set_config(name, value, true) FROM unnest(CAST(:names AS text[]), CAST(:values AS text[])) AS l(name, value)
""")


def _engine(
    connect: Callable[[], Awaitable[psycopg.AsyncConnection[Any]]], pool_size: int, recycle_seconds: int = -1
) -> AsyncEngine:
    return create_async_engine(
        "postgresql+psycopg://",
        async_creator=connect,
        pool_size=pool_size,
        max_overflow=0,
        pool_use_lifo=True,  # the one that was used last has made its plans
        pool_timeout=5,
        pool_recycle=recycle_seconds,
        hide_parameters=True,
        use_native_hstore=False,  # it would be looked for in each database, and we have none
    )


def autocommitting(engine: AsyncEngine) -> AsyncEngine:
    """The same engine for single statements, each a transaction: one round trip instead of three.

    They begin with nothing: who uses it behind a pooler has a limit of its own to how long it waits.
    """
    return isolated(engine.execution_options(**{_FIRST: ()}), "AUTOCOMMIT")


def isolated(engine: AsyncEngine, level: str) -> AsyncEngine:
    """The same engine, whose transactions have this isolation level.

    SQLAlchemy's own option would set it where a task that is cancelled gives no connection back.
    """
    return engine.execution_options(**{_ISOLATION: level})


def looking(engine: AsyncEngine) -> AsyncEngine:
    """The same engine for a look: autocommitting, unless each transaction has to begin with something."""
    return engine if engine.get_execution_options().get(_FIRST) else autocommitting(engine)


def beginning_with(engine: AsyncEngine, act: Act) -> AsyncEngine:
    """The same engine, each transaction of which begins with an act."""
    acts: tuple[Act, ...] = engine.get_execution_options().get(_FIRST, ())
    return engine.execution_options(**{_FIRST: (*acts, act)})


@asynccontextmanager
async def connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection of the engine's pool, which begins nothing by itself."""
    async with engine.connect() as conn:
        if level := engine.get_execution_options().get(_ISOLATION):
            await conn.execution_options(isolation_level=level)
        yield conn


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction; a lost or refused connection, or a right that is missing, is `DatabaseUnavailable`."""
    try:
        async with connected(engine) as conn, conn.begin():
            for act in engine.get_execution_options().get(_FIRST, ()):
                await act(conn)
            yield conn
    except sa.exc.ProgrammingError as error:
        await _check_rights(engine, error)
        raise
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.InternalError, sa.exc.TimeoutError) as error:
        if _lost(error):
            raise unavailable(error) from error
        if isinstance(error, sa.exc.DBAPIError) and isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise Locked(first_line(error)) from error
        raise
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise unavailable(error) from error


async def fetch(
    conn: AsyncConnection, statement: sa.TextClause, values: Mapping[str, Any] | None = None, *, binary: bool = False
) -> list[Any]:
    """Run a statement in the transaction of ``conn``; answers its rows as named tuples.

    For what runs with each batch: psycopg itself sends it, in half the time that SQLAlchemy takes. The errors are
    SQLAlchemy's all the same. ``binary`` rows spare bytes their way through hexadecimal text. Rows without columns
    are not answered.
    """
    sql, names = _numbered(statement)
    held = cast("sa.Connection", conn.sync_connection)
    if not held.in_transaction():
        held.begin()
    driver = cast("psycopg.AsyncConnection[Any]", held.connection.driver_connection)
    cursor = psycopg.AsyncRawCursor(driver, row_factory=namedtuple_row)
    try:
        await cursor.execute(sql, [values[name] for name in names] if values is not None else None, binary=binary)
        result = cursor.pgresult
        return await cursor.fetchall() if result and result.nfields else []
    except asyncio.CancelledError:
        await conn.invalidate()  # as SQLAlchemy does: what was sent may still be under way
        raise
    except psycopg.Error as error:
        if lost := driver.closed:
            with suppress(sa.exc.DBAPIError):
                await conn.exec_driver_sql("SELECT")  # lets SQLAlchemy find out, and replace the pool's others too
        raise sa.exc.DBAPIError.instance(
            statement.text, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=lost,
            dialect=conn.dialect,
        ) from error  # fmt: skip


async def fetch_column(
    conn: AsyncConnection, statement: sa.TextClause, values: Mapping[str, Any] | None = None
) -> list[Any]:
    """The first column of what `fetch` answers."""
    return [row[0] for row in await fetch(conn, statement, values)]


@lru_cache(maxsize=1024)
def _numbered(statement: sa.TextClause) -> tuple[bytes, tuple[str, ...]]:
    """A statement as PostgreSQL reads it, with $1, $2 and so on, and the names of its values in that order."""
    compiled = statement.compile(dialect=postgresql.dialect(paramstyle="numeric_dollar"))  # type: ignore[no-untyped-call]
    return str(compiled).encode(), tuple(compiled.positiontup or ())


async def _check_rights(engine: AsyncEngine, error: sa.exc.ProgrammingError) -> None:
    """Raises `DatabaseRefused` where a right was missing; without one on a schema it is as if nothing were in it."""
    state = getattr(error.orig, "sqlstate", None)
    if state == FORBIDDEN:
        raise unavailable(error) from error
    if state in NOT_THERE:
        async with engine.connect() as conn:
            tables = ownership.ownership((await conn.execute(ownership.FIND)).one_or_none())
        if tables and tables.hidden:
            raise DatabaseRefused(tables.hidden) from error


def _lost(error: sa.exc.SQLAlchemyError) -> bool:
    if not isinstance(error, sa.exc.DBAPIError):
        return True
    state = getattr(error.orig, "sqlstate", None)
    # Class 08 is connection trouble, 57P the server going away, 53 too many connections, 25006 a standby.
    # https://www.postgresql.org/docs/current/errcodes-appendix.html
    return error.connection_invalidated or state is None or state.startswith(("08", "57P", "53", "25006"))


# Why a server that answers lets nobody in. libpq passes on its words, and no code, of an attempt to connect; these are
# what it says unless `lc_messages` makes it say so in another language.
_NO_ROLE = re.compile(r'FATAL: +role "(.+)" does not exist')
_NO_DATABASE = re.compile(r'FATAL: +database "(.+)" does not exist')
_NOT_LET_IN = re.compile(
    r"(password authentication failed.*|no pg_hba\.conf entry.*|fe_sendauth: no password supplied|"
    r"role .* is not permitted to log in)"
)
_NO_CONNECT = re.compile(r'permission denied for database "(.+)"')
READ_ONLY = "25006"
FORBIDDEN = "42501"

# A table, column or function that does not exist: https://www.postgresql.org/docs/current/errcodes-appendix.html
NOT_THERE = frozenset({"42P01", "42703", "42883"})

ONLY_READS = (
    "PostgreSQL takes no writes there: it is a standby, or set to read only. Name the primary in GHSYNC_DATABASE_URL; "
    "of several hosts, `?target_session_attrs=read-write` finds it."
)

POOLED = (
    "A pooler answers, as PgBouncer is one, and keeps our session's settings from PostgreSQL: "
    "name PostgreSQL itself in GHSYNC_DIRECT_DATABASE_URL, and leave the pooler in GHSYNC_DATABASE_URL."
)
_POOLER = "unsupported startup parameter"  # https://www.pgbouncer.org/config.html#ignore_startup_parameters


def unavailable(error: BaseException) -> DatabaseUnavailable:
    """A driver's error that keeps us from the database; where the server answered, with what is to be done."""
    original = getattr(error, "orig", None) or error
    state, said = getattr(original, "sqlstate", None), str(original)
    if state == READ_ONLY:
        return DatabaseRefused(ONLY_READS)
    if state == FORBIDDEN:
        return DatabaseRefused(
            f"PostgreSQL does not let the role do that ({first_line(error)}): `ghsync doctor` tells what it lacks, and "
            "`ghsync grants` prints the SQL that grants it."
        )
    if _POOLER in said:
        return DatabaseRefused(POOLED)
    if found := _NO_ROLE.search(said):
        return DatabaseRefused(
            f'PostgreSQL has no role "{found[1]}": make it with `createuser --pwprompt {found[1]}`, '
            "or name another in GHSYNC_DATABASE_URL."
        )
    if found := _NO_DATABASE.search(said):
        return DatabaseRefused(
            f'PostgreSQL has no database "{found[1]}": make it with `createdb --owner=ROLE {found[1]}`, '
            "or name another in GHSYNC_DATABASE_URL."
        )
    if found := _NO_CONNECT.search(said):
        return DatabaseRefused(
            f'The role in GHSYNC_DATABASE_URL may not connect: GRANT CONNECT ON DATABASE "{found[1]}" to it, '
            "or run the SQL that `ghsync grants` prints."
        )
    if found := _NOT_LET_IN.search(said):
        return DatabaseRefused(
            f"PostgreSQL does not let us in ({found[1]}): check the role and the password in GHSYNC_DATABASE_URL."
        )
    return DatabaseUnavailable(first_line(error))


def first_line(error: BaseException) -> str:
    """The first line of a driver's message, without SQLAlchemy's addenda."""
    original = getattr(error, "orig", None) or error
    return (str(original).strip().splitlines() or [type(original).__name__])[0]


def refusal(error: sa.exc.DBAPIError) -> str:
    """What PostgreSQL says, with its details on one line."""
    told = getattr(error.orig, "diag", None)
    said = [told.message_primary, told.message_detail] if told else [first_line(error)]
    return "; ".join(" ".join(part.split()).rstrip(".") for part in said if part)


def uuid_key() -> sa.Column[Any]:
    """The seeds' primary key."""
    return sa.Column(
        "id",
        sa.UUID(as_uuid=False),
        primary_key=True,
        server_default=sa.text("gen_random_uuid()"),
        comment="Key",
    )


def reference(
    name: str,
    target: str,
    comment: str,
    *,
    nullable: bool = True,
    ondelete: str | None = None,
    index: bool = True,
) -> sa.Column[Any]:
    """A foreign key column, indexed."""
    return sa.Column(
        name,
        sa.UUID(as_uuid=False),
        sa.ForeignKey(target, ondelete=ondelete),
        nullable=nullable,
        index=index,
        comment=comment,
    )


def moment(name: str, comment: str, *, default: bool = False, nullable: bool = True) -> sa.Column[Any]:
    """A timestamptz column; ``default`` is the transaction's time."""
    return sa.Column(
        name,
        sa.TIMESTAMP(timezone=True),
        nullable=nullable,
        comment=comment,
        server_default=sa.text("CURRENT_TIMESTAMP") if default else None,
    )


def document(
    name: str, comment: str, *, default: str | None = "{}", nullable: bool = True, shape: str | None = None
) -> sa.Column[Any]:
    """A jsonb column with a literal default; ``shape`` is the JSON type that who takes it apart goes by."""
    shaped = [sa.CheckConstraint(f"jsonb_typeof({name}) = '{shape}'", name=f"{name}_shape")] if shape else []
    return sa.Column(
        name,
        JSONB,
        *shaped,
        nullable=nullable,
        comment=comment,
        server_default=sa.text(f"'{default}'::jsonb") if default is not None else None,
    )


def encrypted(name: str, comment: str, *, key: str, nullable: bool = True) -> sa.Column[Any]:
    """A text column with what `Encryption` made of a secret; ``key`` is the column by which its rows are locked."""
    return sa.Column(name, sa.Text, nullable=nullable, comment=comment, info={ENCRYPTED: key})


def one_of(column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    """A CHECK that holds a text column to the named values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)
