"""Fixtures that every test may ask for: a migrated database of its own, and an engine on it."""

import gc
import signal
import ssl
from collections.abc import AsyncIterator, Iterator
from functools import cache

import psycopg
import pytest
from psycopg._preparing import PrepareManager
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database, log, migrate, sessions
from ghsync.settings import Settings
from ghsync.simulator.generator import Plan
from tests import postgres
from tests.copies import Copies
from tests.engines import Engines, Examples
from tests.rows import Rows

pytest.register_assert_rewrite("tests.service")

FORGET = PrepareManager.clear

COLLECTED_AFTER = (20_000, 10, 10)
"""Of how many new objects the youngest generation is; for the others as Python has it."""

WORKERS = 3
"""Processes that run the tests of whole folders; most tests wait for others, so that there may be more than cores."""

LONG = (
    "tests/packaging/test_dockerfile.py",
    "tests/matrix/test_matrix.py",
    "tests/stories/test_order.py",
    "tests/projector/test_ranges.py",
    "tests/chaos/",
    "tests/faults/",
    "tests/failover/",
    "tests/backup/",
    "tests/cli/test_demo.py",
    "tests/mirror/test_plans.py",
    "tests/cli/test_grants.py",
    "tests/test_pgbouncer.py",
)
"""What takes longest, or makes much for several tests, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks a database, and begin with what takes longest.

    Else one process is still at that when the others have nothing left to take over.
    """
    for item in items:
        if "server_url" in getattr(item, "fixturenames", ()):
            item.add_marker("database")
    items.sort(
        key=lambda item: next((place for place, path in enumerate(LONG) if item.nodeid.startswith(path)), len(LONG))
    )


def pytest_collection_finish() -> None:
    """Let no collector walk through what was imported and collected, and none look after each few objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)


def pytest_configure() -> None:
    """Let Ctrl-C be heard: what a shell starts in the background ignores it, and so does all that this starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes ``make test`` runs tests in: what is picked out is done before a second one has begun."""
    picked = config.option.keyword or any(".py" in argument for argument in config.args)
    return 0 if picked else WORKERS


@pytest.fixture(scope="session", autouse=True)
def quiet_logs() -> None:
    """Let only trouble be told."""
    log.configure("console", "error")


@pytest.fixture(scope="session", autouse=True)
def certificates() -> Iterator[None]:
    """Read once whom to trust: each client of HTTP does it anew, for 30 ms, and nobody here is asked over TLS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="session", autouse=True)
def plans() -> Iterator[None]:
    """Keep what was planned: psycopg forgets it at each rollback, and so that each time a test has only looked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PrepareManager, "clear", lambda _: False)
        yield


@pytest.fixture
def forgetting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget at a rollback what was planned, as psycopg does where no test patches it."""
    monkeypatch.setattr(PrepareManager, "clear", FORGET)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests marked with anyio run on asyncio, as ghsync does."""
    return "asyncio"


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The PostgreSQL server of this run."""
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to."""
    with postgres.database(server_url) as url:
        migrate.upgrade(url)
        yield postgres.name_of(url)


@pytest.fixture(scope="session")
def copies(server_url: str, template: str) -> Iterator[Copies]:
    """Where tests get their databases."""
    made = Copies(server_url, template)
    yield made
    made.close()


@pytest.fixture
def database_url(copies: Copies) -> Iterator[str]:
    """A migrated, otherwise empty database."""
    with copies.lent() as url:
        yield url


@pytest.fixture
def empty_database_url(server_url: str) -> Iterator[str]:
    """A database with nothing in it."""
    with postgres.database(server_url) as url:
        yield url


@pytest.fixture(scope="session")
async def engines(copies: Copies) -> AsyncIterator[Engines]:
    """The engine on the copy in use. It is there for all tests, and so is the loop that they run in."""
    kept = Engines(copies)
    yield kept
    await kept.dispose()


@pytest.fixture
async def engine(engines: Engines, database_url: str) -> AsyncEngine:
    """An engine on a migrated, otherwise empty database."""
    return await engines.on(database_url)


@pytest.fixture(scope="session")
def examples(copies: Copies) -> Iterator[Examples]:
    """Where what Hypothesis makes up is carried out."""
    made = Examples(copies)
    yield made
    made.close()


@pytest.fixture
async def patient(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine as a worker's are: it waits for a lock so long, and no longer."""
    engine = database.create_engine(sessions.bounded(database_url, Settings(lock_seconds=0.2)))
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
def readings() -> dict[tuple[str, Plan], Rows]:
    """What was in the database after a world was read, by who read it and its plan: once is enough for all tests."""
    return {}


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    """A blocking connection to a migrated, otherwise empty database, every statement committed at once."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection
