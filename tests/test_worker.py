"""The worker: batches, poison, several workers at once, waking, stopping, and databases that go away (I8)."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import contention, database, log
from ghsync import worker as worker_module
from ghsync.database import transaction
from ghsync.inbox import queue
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.queue import ClaimedDelivery, Ignored, Verdict
from ghsync.inbox.recorder import Recorder
from ghsync.projector import project
from ghsync.projector.batch import Batch
from ghsync.worker import Worker, create_engine
from tests import postgres
from tests.mirror.reports import query, until_blocked

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 10

# Some row that the database will not take, for whatever reason.
POISON = (
    """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'no room for %', NEW.title USING DETAIL = 'second line'; END $$""",
    """CREATE TRIGGER refuse BEFORE INSERT ON github_issues
       FOR EACH ROW WHEN (NEW.title = 'poison') EXECUTE FUNCTION refuse()""",
)
# Five claims are one step, so that eleven refused ones are three steps that failed.
REFUSED = "SELECT xact_rollback {} FROM pg_stat_database WHERE datname = current_database()"
STATUSES = "SELECT guid, status FROM webhook_deliveries ORDER BY id"
ISSUES = "SELECT r.github_id, i.title FROM github_issues i JOIN github_repositories r ON r.id = i.repository_id"


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    """Failures are meant here, and need not be told."""
    log.configure("console", "critical")
    yield
    log.configure("console", "error")


@pytest.fixture
async def poisoned(engine: AsyncEngine) -> None:
    """Issues with the title `poison` cannot be written."""
    for statement in POISON:
        await query(engine, statement)


def delivery(guid: str, title: str, number: int, repository: int = 1) -> Delivery:
    """An issue is opened."""
    owner = {"id": 10, "login": "acme", "type": "Organization"}
    payload = {
        "action": "opened",
        "repository": {
            "id": repository, "full_name": f"acme/r{repository}", "owner": owner, "updated_at": "2026-03-02T12:00:00Z",
        },
        "issue": {"id": repository * 1000 + number, "number": number, "title": title,
                  "updated_at": f"2026-03-02T12:00:{number % 60:02}Z"},
    }  # fmt: skip
    headers = {"content-type": "application/json"}
    return Delivery(
        "integration:1", guid, "issues", "opened", f"acme/r{repository}", None, headers, json.dumps(payload).encode()
    )


def pull_request(guid: str, number: int) -> Delivery:
    """A pull request is opened."""
    opened = delivery(guid, f"pull request {number}", number)
    payload = json.loads(opened.body)
    payload["pull_request"] = payload.pop("issue")
    return replace(opened, event="pull_request", body=json.dumps(payload).encode())


async def arrive(engine: AsyncEngine, *deliveries: Delivery) -> None:
    """Let deliveries arrive, one after the other."""
    recorder = Recorder(engine, 5)
    for arriving in deliveries:
        await recorder.record(arriving)


def worker(engine: AsyncEngine, batch_size: int = 100, poll_seconds: float = 60, max_attempts: int = 5) -> Worker:
    return Worker(engine, batch_size=batch_size, poll_seconds=poll_seconds, max_attempts=max_attempts)


async def test_what_an_older_ghsync_ignored_is_taken_up_and_what_was_dismissed_is_not(
    engine: AsyncEngine, database_url: str
) -> None:
    await arrive(engine, delivery("old", "old", 1), delivery("dismissed", "dismissed", 2), delivery("new", "new", 3))
    await query(
        engine,
        "UPDATE webhook_deliveries SET status = 'ignored', processed_at = now(), last_error = 'Left out: a part.',"
        " dismissed_at = CASE guid WHEN 'dismissed' THEN now() END WHERE guid <> 'new' RETURNING id",
    )
    async with running(worker(engine), database_url):
        await until(engine, STATUSES, [("old", "processed"), ("dismissed", "ignored"), ("new", "processed")])


async def test_what_an_older_ghsync_goes_on_to_ignore_is_taken_up_again(
    engine: AsyncEngine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "TAKE_UP_SECONDS", 0.01)
    await arrive(engine, *(delivery(str(number), "an issue", number) for number in range(3)))
    async with running(worker(engine, batch_size=2, poll_seconds=0.01), database_url):
        for _ in range(2):
            await until(engine, STATUSES, [(str(number), "processed") for number in range(3)])
            await query(engine, "UPDATE webhook_deliveries SET status = 'ignored' RETURNING id")
        await until(engine, STATUSES, [(str(number), "processed") for number in range(3)])


async def test_what_arrives_waits_for_one_batch_of_what_was_ignored_and_not_for_all(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    take_up, read = queue.take_up, project.read

    async def then_something_arrives(*arguments: Any, **bounds: Any) -> list[Ignored]:
        found = await take_up(*arguments, **bounds)
        await arrive(engine, delivery("new", "new", 99))
        return found

    def noted(claimed: ClaimedDelivery, batch: Batch) -> Verdict:
        order.append(claimed.guid)
        return read(claimed, batch)

    await arrive(engine, *(delivery(f"old-{number}", "old", number) for number in range(20)))
    await query(engine, "UPDATE webhook_deliveries SET status = 'ignored', processed_at = now() RETURNING id")
    monkeypatch.setattr(queue, "take_up", then_something_arrives)
    monkeypatch.setattr(project, "read", noted)
    one = worker(engine, batch_size=4)
    while len(order) < 21:
        await one._turn()
    assert order.index("new") == 4


async def test_what_was_ignored_is_taken_up_once_however_often_an_older_version_ignores_it(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    take_up = queue.take_up

    async def watched(*arguments: Any, **bounds: Any) -> list[Ignored]:
        found = await take_up(*arguments, **bounds)
        taken.extend(each.id for each in found)
        return found

    await arrive(engine, *(delivery(str(number), "an issue", number) for number in range(5)))
    await query(engine, "UPDATE webhook_deliveries SET status = 'ignored', processed_at = now() RETURNING id")
    monkeypatch.setattr(queue, "take_up", watched)
    one = worker(engine, batch_size=2)
    for _ in range(10):
        await one._turn()
        await query(engine, "UPDATE webhook_deliveries SET status = 'ignored', processed_at = now() RETURNING id")
    assert len(taken) == len(set(taken)) == 5


@asynccontextmanager
async def running(one: Worker, url: str) -> AsyncIterator[asyncio.Task[None]]:
    """A worker that runs for as long as the block lasts, and then has to stop by itself."""
    task = asyncio.create_task(one.run(url))
    try:
        yield task
    finally:
        one.stop()
        await asyncio.wait_for(task, PATIENCE_SECONDS)


async def until(engine: AsyncEngine, statement: str, expected: list[tuple[Any, ...]]) -> None:
    """Return when a statement answers what is expected."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await query(engine, statement) != expected:  # noqa: ASYNC110 (PostgreSQL tells nobody)
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("poisoned")
async def test_a_poison_is_halved_out_and_the_others_are_projected(engine: AsyncEngine) -> None:
    titles = ["poison" if place == 5 else f"issue {place}" for place in range(11)]
    await arrive(engine, *(delivery(f"guid-{place}", title, place) for place, title in enumerate(titles, 1)))
    assert await worker(engine, max_attempts=1).drain() == 11
    statuses = dict(await query(engine, STATUSES))
    assert [guid for guid, status in statuses.items() if status != "processed"] == ["guid-6"]
    assert len(await query(engine, ISSUES)) == 10


@pytest.mark.slow
@pytest.mark.usefixtures("poisoned")
async def test_a_batch_that_fails_is_let_go_of_before_its_halves_are_claimed(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []
    claim = queue.claim

    async def counted(*arguments: Any, **bounds: Any) -> list[ClaimedDelivery]:
        held.append(sum(isinstance(each, ClaimedDelivery) for each in gc.get_objects()))
        return await claim(*arguments, **bounds)

    monkeypatch.setattr(queue, "claim", counted)
    await arrive(engine, *(delivery(f"guid-{number}", "poison", number) for number in range(1, 9)))
    assert await worker(engine, max_attempts=1).step() == 8
    assert held == [0] * 15  # the batch, its halves, their halves, and eight by themselves


@pytest.mark.usefixtures("poisoned")
async def test_a_poison_is_parked_after_its_last_attempt_with_the_first_line_of_its_error(engine: AsyncEngine) -> None:
    await arrive(engine, delivery("a", "poison", 1))
    for expected in ("pending", "pending", "parked"):
        await worker(engine, max_attempts=3).drain()
        assert await query(engine, STATUSES) == [("a", expected)]
        await query(engine, "UPDATE webhook_deliveries SET next_attempt_at = now()")
    ((attempts, error),) = await query(engine, "SELECT attempts, last_error FROM webhook_deliveries")
    first, second, *_ = error.splitlines()
    assert (attempts, first.partition(": ")[2]) == (3, "no room for poison")
    assert "projector/ahead.py" in second
    assert await worker(engine).drain() == 0


@pytest.mark.usefixtures("poisoned")
async def test_a_parked_poison_is_projected_once_what_was_wrong_is_mended(engine: AsyncEngine) -> None:
    await arrive(engine, delivery("a", "poison", 1))
    await worker(engine, max_attempts=1).drain()
    await query(engine, "DROP TRIGGER refuse ON github_issues")
    async with transaction(engine) as conn:
        (parked,) = (await conn.execute(sa.text("SELECT id FROM webhook_deliveries"))).scalars()
        await queue.requeue(conn, [parked])
    await worker(engine).drain()
    assert await query(engine, STATUSES) == [("a", "processed")]
    assert await query(engine, ISSUES) == [("1", "poison")]


async def test_what_cannot_be_read_is_parked_at_once_and_harms_no_other(engine: AsyncEngine) -> None:
    broken = Delivery("integration:1", "broken", "issues", None, None, None, {"content-type": "application/json"},
                      b'{"repository": {"id": 1, "full_name": "acme/r1"}, "issue": {"number": 1}}')  # fmt: skip
    await arrive(engine, delivery("a", "one", 1), broken, delivery("b", "two", 2))
    assert await worker(engine).drain() == 3
    assert await query(engine, STATUSES) == [("a", "processed"), ("broken", "parked"), ("b", "processed")]
    ((error,),) = await query(engine, "SELECT last_error FROM webhook_deliveries WHERE guid = 'broken'")
    assert "`id` - at `$.issue`" in error


@pytest.mark.parametrize("repositories", [1, 4])
async def test_workers_in_parallel_project_each_delivery_once(database_url: str, repositories: int) -> None:
    engine = database.create_engine(database_url, pool_size=8)
    deliveries = [
        delivery(f"guid-{number}", f"issue {number}", number, 1 + number % repositories) for number in range(1, 61)
    ]
    await arrive(engine, *deliveries)
    done = await asyncio.gather(*(worker(engine, batch_size=7, max_attempts=1).drain() for _ in range(3)))
    await worker(engine).drain()
    assert sum(done) <= 60
    assert await query(engine, "SELECT DISTINCT status, attempts, last_error FROM webhook_deliveries") == [
        ("processed", 0, None)
    ]
    told = "SELECT count(*), count(DISTINCT entity_id) FROM change_events WHERE entity_type = 'github_issues'"
    assert await query(engine, told) == [(60, 60)]
    assert await query(engine, "SELECT count(*) FROM projects") == [(repositories,)]
    await engine.dispose()


PLANS = """SELECT sum(generic_plans)::int, sum(custom_plans)::int FROM pg_prepared_statements
           WHERE statement LIKE '%INSERT INTO pr_tracking%'"""


@pytest.mark.usefixtures("forgetting")
async def test_pull_requests_are_derived_by_a_plan_that_is_made_once(engine: AsyncEngine, database_url: str) -> None:
    planned_once = create_engine(database_url)
    one = Worker(planned_once, batch_size=10, poll_seconds=60, max_attempts=1)
    for number in range(1, 10):
        await arrive(engine, pull_request(f"guid-{number}", number))
        await one.drain()
    assert await query(engine, "SELECT count(*) FROM pr_tracking") == [(9,)]
    ((generic, custom),) = await query(planned_once, PLANS)
    assert await query(planned_once, "SHOW jit") == [("off",)]
    assert (generic >= 9, custom) == (True, 0)
    await planned_once.dispose()


async def test_workers_that_wait_for_each_other_in_a_circle_both_get_through(database_url: str) -> None:
    """The database breaks the circle, and who was sacrificed tries again."""
    engine = database.create_engine(database_url)
    await arrive(engine, delivery("a", "one", 1), delivery("b", "two", 1, repository=2))
    await worker(engine).drain()
    await arrive(engine, delivery("c", "three", 2), delivery("d", "four", 2, repository=2))
    lock = "SELECT FROM github_repositories WHERE github_id = :github_id FOR UPDATE"
    async with engine.connect() as conn:
        await conn.execute(sa.text(lock), {"github_id": "2"})
        working = asyncio.create_task(worker(engine, max_attempts=1).drain())
        await until_blocked(engine)
        await conn.execute(sa.text("SET deadlock_timeout = '5s'"))
        await conn.execute(sa.text(lock), {"github_id": "1"})
        await conn.commit()
    await working
    assert {status for _, status in await query(engine, STATUSES)} == {"processed"}
    await engine.dispose()


HELD = {
    "its repository": "SELECT FROM github_repositories WHERE github_id = '1' FOR UPDATE",
    "an issue": "SELECT FROM github_issues WHERE github_id = '1001' FOR UPDATE",
}


@pytest.mark.slow
@pytest.mark.parametrize("held", HELD.values(), ids=HELD)
async def test_what_others_have_locked_waits_and_the_rest_is_done_at_once(
    engine: AsyncEngine, patient: AsyncEngine, held: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it is held: it is not counted as a failure, and done when it is free."""
    monkeypatch.setattr(contention, "AVOIDED_SECONDS", 60)
    await arrive(engine, delivery("first", "one", 1), delivery("else", "one", 1, repository=2))
    await worker(engine).drain()
    changed = delivery("b", "changed", 1)
    others = [delivery(f"other-{number}", "two", number, repository=2) for number in range(2, 40)]
    await arrive(engine, delivery("a", "changed", 2), *others[:20], changed, *others[20:])
    working = worker(patient, max_attempts=1)
    async with engine.connect() as conn:
        await conn.execute(sa.text(held))
        await working.drain()
        undone = "SELECT DISTINCT repository, attempts FROM webhook_deliveries WHERE status = 'pending'"
        assert await query(engine, undone) == [("acme/r1", 0)]
        await conn.rollback()
    working._detours.forget(frozenset())
    await working.drain()
    assert {status for _, status in await query(engine, STATUSES)} == {"processed"}
    assert ("1", "changed") in await query(engine, ISSUES)


async def test_two_who_want_the_same_row_hold_up_no_other(
    engine: AsyncEngine, patient: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one waits for its turn at the row, and we for another kind of lock than if there were one."""
    monkeypatch.setattr(contention, "AVOIDED_SECONDS", 60)
    await arrive(engine, delivery("first", "one", 1), delivery("else", "one", 1, repository=2))
    await worker(engine).drain()
    await arrive(engine, delivery("a", "two", 2), delivery("b", "two", 2, repository=2))
    async with engine.connect() as one, engine.connect() as other:
        await one.execute(sa.text(HELD["its repository"]))
        waiting = asyncio.create_task(other.execute(sa.text(HELD["its repository"])))
        await until_blocked(engine)
        await worker(patient).drain()
        assert await query(engine, "SELECT guid FROM webhook_deliveries WHERE status = 'pending'") == [("a",)]
        await one.rollback()
        await waiting
        await other.rollback()


@pytest.mark.slow
async def test_a_stranger_who_holds_rows_of_many_repositories_holds_up_no_other(
    engine: AsyncEngine, patient: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many they are, only so many are waited for before the free ones are done."""
    monkeypatch.setattr(contention, "AVOIDED_SECONDS", 60)
    many = range(2, 42)
    await arrive(engine, *(delivery(f"old-{number}", "one", 1, repository=number) for number in range(1, 42)))
    await worker(engine).drain()
    await arrive(engine, *(delivery(f"held-{number}", "two", 1, repository=number) for number in many))
    working = worker(patient)
    async with engine.connect() as conn:
        await conn.execute(sa.text("SELECT FROM github_issues WHERE github_id <> '1001' FOR UPDATE"))
        await working.drain()
        assert working._isolated <= worker_module.ISOLATED + 6  # halves of halves, each given up at its first failure
        await arrive(engine, delivery("free", "two", 2))
        await working.drain()
        assert ("free", "processed") in await query(engine, STATUSES)
        await conn.rollback()


async def test_what_was_locked_is_tried_again_by_itself(
    engine: AsyncEngine, patient: AsyncEngine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contention, "AVOIDED_SECONDS", 0.2)
    await arrive(engine, delivery("first", "one", 1))
    await worker(engine).drain()
    async with engine.connect() as conn, running(worker(patient), database_url):
        await conn.execute(sa.text(HELD["its repository"]))
        await arrive(engine, delivery("a", "two", 2), delivery("b", "two", 2, repository=2))
        await until(engine, "SELECT guid FROM webhook_deliveries WHERE status = 'pending'", [("a",)])
        await conn.rollback()
        await until(engine, "SELECT guid FROM webhook_deliveries WHERE status = 'pending'", [])


async def test_an_arrival_wakes_a_worker_that_polls_once_a_minute(engine: AsyncEngine, database_url: str) -> None:
    async with running(worker(engine), database_url):
        for number in (1, 2, 3):
            await arrive(engine, delivery(f"guid-{number}", "issue", number))
            await until(engine, f"SELECT status FROM webhook_deliveries WHERE guid = 'guid-{number}'", [("processed",)])


@pytest.mark.usefixtures("poisoned")
async def test_a_retry_that_is_due_is_picked_up_by_the_timer(engine: AsyncEngine, database_url: str) -> None:
    async with running(worker(engine, poll_seconds=0.05), database_url):
        await arrive(engine, delivery("a", "poison", 1))
        await until(engine, "SELECT attempts FROM webhook_deliveries", [(1,)])
        await query(engine, "DROP TRIGGER refuse ON github_issues")
        await query(engine, "UPDATE webhook_deliveries SET next_attempt_at = now() + interval '50 ms'")
        await until(engine, STATUSES, [("a", "processed")])


async def test_a_worker_that_is_told_to_stop_finishes_its_batch(engine: AsyncEngine, database_url: str) -> None:
    await arrive(engine, delivery("a", "one", 1))
    await worker(engine).drain()
    await arrive(engine, delivery("b", "two", 2), delivery("c", "three", 3))
    one = worker(engine)
    async with engine.connect() as conn:
        await conn.execute(sa.text("SELECT FROM github_repositories FOR UPDATE"))
        async with running(one, database_url) as task:
            await until_blocked(engine)
            one.stop()
            await asyncio.sleep(0.05)
            assert not task.done()
            await conn.rollback()
    assert await query(engine, STATUSES) == [("a", "processed"), ("b", "processed"), ("c", "processed")]


async def test_a_worker_that_has_nothing_to_do_stops_at_once(engine: AsyncEngine, database_url: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS), running(worker(engine), database_url):
        await asyncio.sleep(0.05)


TERMINATE = """SELECT count(pg_terminate_backend(pid)) > 0 FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@pytest.mark.slow
async def test_a_worker_whose_connections_are_terminated_goes_on(engine: AsyncEngine, database_url: str) -> None:
    outside = database.create_engine(database_url, pool_size=1)
    async with running(worker(engine), database_url):
        await arrive(outside, delivery("a", "one", 1))
        await until(outside, STATUSES, [("a", "processed")])
        assert await query(outside, TERMINATE) == [(True,)]
        await arrive(outside, delivery("b", "two", 2))
        await until(outside, STATUSES, [("a", "processed"), ("b", "processed")])
    await outside.dispose()


async def test_a_batch_whose_connection_is_terminated_is_projected_later(
    engine: AsyncEngine, database_url: str
) -> None:
    outside = database.create_engine(database_url, pool_size=2)
    await arrive(outside, delivery("a", "one", 1))
    await worker(engine).drain()
    await arrive(outside, delivery("b", "two", 2))
    async with outside.connect() as conn:
        await conn.execute(sa.text("SELECT FROM github_repositories FOR UPDATE"))
        async with running(worker(engine), database_url):
            await until_blocked(outside)
            waiting = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                         WHERE datname = current_database() AND wait_event_type = 'Lock'"""
            assert await query(outside, waiting) == [(1,)]
            await conn.rollback()
            await until(outside, STATUSES, [("a", "processed"), ("b", "processed")])
    assert await query(outside, "SELECT DISTINCT attempts, last_error FROM webhook_deliveries") == [(0, None)]
    await outside.dispose()


LOCK = sa.text("LOCK TABLE webhook_deliveries")
CANCEL = """SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'"""


async def test_a_worker_whose_claim_is_cancelled_goes_on(engine: AsyncEngine, database_url: str) -> None:
    outside = database.create_engine(database_url)
    async with outside.connect() as conn:
        await conn.execute(LOCK)
        async with running(worker(engine), database_url):
            await until_blocked(outside)
            assert await query(outside, CANCEL) == [(1,)]
            await conn.rollback()
            await arrive(outside, delivery("a", "one", 1))
            await until(outside, STATUSES, [("a", "processed")])
    await outside.dispose()


@pytest.mark.slow
async def test_a_table_that_cannot_be_read_for_a_while_is_told_of_once(
    engine: AsyncEngine, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure("json", "info")
    told: list[str] = []

    async def until_told(event: str) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while event not in told:
                told.extend(json.loads(line)["event"] for line in capsys.readouterr().err.splitlines())
                await asyncio.sleep(0.01)

    await query(engine, f"ALTER DATABASE {postgres.name_of(database_url)} SET lock_timeout = '1ms'")
    impatient = database.create_engine(database_url)
    async with engine.connect() as conn:
        await conn.execute(LOCK)
        async with running(worker(impatient, poll_seconds=0.05), database_url):
            await until_told("the database fails")
            ((before,),) = await query(engine, REFUSED.format(""))
            await until(engine, REFUSED.format(f"> {before + 2}"), [(True,)])
            await conn.rollback()
            await until_told("the database works again")
    assert told == ["the database fails", "the database works again"]
    await impatient.dispose()


async def test_a_worker_that_cannot_work_at_all_ends_with_the_error(engine: AsyncEngine, database_url: str) -> None:
    await query(engine, "ALTER TABLE webhook_deliveries RENAME TO elsewhere")
    with pytest.raises(sa.exc.ProgrammingError, match="webhook_deliveries"):
        await worker(engine).run(database_url)


@pytest.mark.usefixtures("poisoned")
async def test_the_error_of_a_parked_delivery_begins_with_a_sentence_in_the_databases_words(
    engine: AsyncEngine,
) -> None:
    await arrive(engine, delivery("a", "poison", 1))
    await worker(engine, max_attempts=1).drain()
    ((error,),) = await query(engine, "SELECT last_error FROM webhook_deliveries")
    assert error.splitlines()[0] == "The database refused it: no room for poison"
