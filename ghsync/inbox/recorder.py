"""Writes deliveries into the inbox, those that wait together with one commit (promises I1 and I3).

https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import uuid4

import msgspec
import psycopg
import psycopg.adapt
import sqlalchemy as sa
import structlog
from psycopg.abc import Buffer
from psycopg.types.json import Jsonb
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import database, deadline, metrics
from ghsync.errors import DatabaseUnavailable, Locked
from ghsync.inbox import arrival, queue
from ghsync.inbox.delivery import UNNAMED, Delivery

Outcome = Literal["queued", "duplicate", "ignored"]
Verdict = Outcome | Exception
Key = tuple[str, str]

log = structlog.get_logger()

GROUP_COUNT = 256
GROUP_COUNT_UNDIVIDED = 8
GROUP_BYTES = 8 * 1024 * 1024

TROUBLE_SECONDS = 10.0
"""How long a commit that failed speaks against the next one, where none was tried since."""

CLOSE_SECONDS = 1.0

FAULTS_OF_THE_DELIVERY = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)

OUTCOMES: dict[str, Outcome] = {"pending": "queued", "ignored": "ignored", "duplicate": "duplicate"}

# Bodies travel as one parameter, cut up by the server: of an array of them psycopg would make a copy.
# Ids follow the order of arrival, rows the order of keys, so that two processes given the same deliveries cannot
# wait for each other. Of one that is there already no row is waited for: a worker may have claimed it, and take long.
# But it may have been committed here and not on a standby that is waited for: so something is written for it, too, and
# with that the commit waits. https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION
INSERT = f"""
WITH arrived AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('webhook_deliveries', 'id')) AS id, *
    FROM jsonb_to_recordset(%(deliveries)s) AS delivery (
        hook_target text, guid text, event text, action text, repository text, installation_id text,
        sync_source text, ignored boolean, received_at timestamptz, headers jsonb,
        body_start integer, body_size integer
    )
), written AS (
    INSERT INTO webhook_deliveries (
        id, hook_target, guid, month, event, action, repository, installation_id, sync_source,
        status, received_at, processed_at, headers, body
    )
    OVERRIDING SYSTEM VALUE
    SELECT
        id, hook_target, guid, delivery_month(guid), event, action, repository, installation_id, sync_source,
        CASE WHEN ignored THEN 'ignored' ELSE 'pending' END,
        coalesce(received_at, now()),
        CASE WHEN ignored THEN now() END,
        headers,
        substring(%(bodies)b FROM body_start FOR body_size)
    FROM (SELECT * FROM arrived ORDER BY hook_target, guid) AS sorted
    ON CONFLICT (hook_target, guid, month) DO NOTHING
    RETURNING hook_target, guid, status
), parked AS MATERIALIZED (
    SELECT here.id, here.month, arrived.sync_source
    FROM arrived CROSS JOIN LATERAL (
        SELECT id, month FROM webhook_deliveries
        WHERE (hook_target, guid, month) = (arrived.hook_target, arrived.guid, delivery_month(arrived.guid))
          AND status = 'parked'
        OFFSET 0 FOR UPDATE SKIP LOCKED
    ) AS here
    WHERE (arrived.hook_target, arrived.guid) NOT IN (SELECT hook_target, guid FROM written)
), revived AS (
    UPDATE webhook_deliveries AS stored
    SET status = 'pending', attempts = 0, next_attempt_at = now(), processed_at = NULL, sync_source = parked.sync_source
    FROM parked WHERE (stored.id, stored.month) = (parked.id, parked.month)
    RETURNING stored.hook_target, stored.guid, stored.status
)
SELECT hook_target, guid, status, CASE status
    WHEN 'pending' THEN pg_notify('{queue.CHANNEL}', '')::text
    WHEN 'duplicate' THEN pg_logical_emit_message(true, 'ghsync', '')::text
END
FROM (
    SELECT * FROM written UNION ALL SELECT * FROM revived UNION ALL
    SELECT hook_target, guid, 'duplicate' FROM arrived
    WHERE (hook_target, guid) NOT IN (
        SELECT hook_target, guid FROM written UNION ALL SELECT hook_target, guid FROM revived)
) AS arrived_now
"""


@dataclass(eq=False, slots=True)
class Waiter:
    """A delivery, and who waits for its outcome; settled early when its time is up or nobody waits any more."""

    delivery: Delivery
    outcome: asyncio.Future[Outcome]

    def settle(self, verdict: Verdict) -> None:
        if self.outcome.done():
            return
        if isinstance(verdict, Exception):
            self.outcome.set_exception(verdict)
        else:
            self.outcome.set_result(verdict)

    def expire(self, timeout_seconds: float) -> None:
        self.settle(DatabaseUnavailable(f"PostgreSQL did not commit within {timeout_seconds:g} s."))


Answers = list[tuple[Waiter, Verdict]]


class Uncopied(psycopg.adapt.Dumper):
    """Sends bytes from where they are, where psycopg would make a copy of up to 25 MiB."""

    oid = psycopg.adapters.types["bytea"].oid
    format = psycopg.pq.Format.BINARY

    def dump(self, obj: Buffer) -> Buffer:
        return obj


@dataclass(frozen=True, slots=True)
class PooledConnection:
    """A connection of the pool, and psycopg's own inside it, which takes a quarter of the time that SQLAlchemy does."""

    connection: AsyncConnection
    driver: psycopg.AsyncConnection[Any]


class Recorder:
    """The way into the inbox. While one group is being committed, the next one gathers."""

    def __init__(self, engine: AsyncEngine, timeout_seconds: float) -> None:
        self._engine = engine
        self._held: PooledConnection | None = None
        self._timeout_seconds = timeout_seconds
        self._waiting: deque[Waiter] = deque()
        self._in_hand: Sequence[Waiter] = ()
        self._writer: asyncio.Task[None] | None = None
        self._trouble: tuple[str, float] | None = None

    async def record(self, delivery: Delivery) -> Outcome:
        """Write a delivery, and return once it is committed.

        Raises `DatabaseUnavailable` at the latest when the timeout is over; then it may have been written or not,
        and can be recorded again.
        """
        loop = asyncio.get_running_loop()
        waiter = Waiter(delivery, loop.create_future())
        alarm = loop.call_later(self._timeout_seconds, waiter.expire, self._timeout_seconds)
        self._waiting.append(waiter)
        if self._writer is None or self._writer.done():
            self._writer = loop.create_task(self._write())
        try:
            return await waiter.outcome
        finally:
            alarm.cancel()
            del waiter  # else an error's traceback holds the body, and the body's waiter the error

    def give_up(self, why: str) -> None:
        """Tell all who wait that PostgreSQL is away, in order; what is being written may be committed all the same."""
        for waiter in (*self._in_hand, *self._waiting):
            waiter.settle(DatabaseUnavailable(why))

    def trouble(self) -> str | None:
        """Why the last commit failed, if that was a moment ago: a full disk, for one, shows nowhere else."""
        if self._trouble is None or time.monotonic() - self._trouble[1] > TROUBLE_SECONDS:
            return None
        return self._trouble[0]

    async def tell_time(self, clock: arrival.Clock) -> None:
        """Set a clock by PostgreSQL's, if that answers."""
        with suppress(DatabaseUnavailable, Locked, sa.exc.DBAPIError):
            await deadline.within(self._timeout_seconds, clock.ask(self._engine))

    async def close(self) -> None:
        """Return when everything that came is answered, and the connection is back in the pool.

        Where nobody waits any more PostgreSQL is waited for a moment longer, and no more.
        """
        if unanswered := [one.outcome for one in (*self._in_hand, *self._waiting) if not one.outcome.done()]:
            await asyncio.wait(unanswered)
        if self._writer:
            await asyncio.wait({self._writer}, timeout=CLOSE_SECONDS)
            self._writer.cancel()
            await asyncio.wait({self._writer})

    async def _write(self) -> None:
        while self._waiting:  # asked once more after the last await: who comes during it starts no other writer
            try:
                await self._drain()
            finally:
                await self._let_go()

    async def _drain(self) -> None:
        answers: Answers = []
        while group := self._next_group():
            # Who is woken by this runs after the next statement is sent, so that PostgreSQL works while we answer.
            asyncio.get_running_loop().call_soon(_answer, answers)
            answers = await self._write_group(group)
        _answer(answers)

    async def _write_group(self, group: Sequence[Waiter]) -> Answers:
        self._in_hand = group
        try:
            verdicts = await deadline.within(self._timeout_seconds, self._commit(group))
        except DatabaseUnavailable as error:
            verdicts = _unavailable(group, error)
        finally:
            self._in_hand = ()
        failed = next((verdict for verdict in verdicts if isinstance(verdict, DatabaseUnavailable)), None)
        self._trouble = (str(failed), time.monotonic()) if failed else None
        return list(zip(group, verdicts, strict=True))

    def _next_group(self) -> list[Waiter]:
        """Half of those who wait, the oldest first; at least one, if any, however large.

        A few go together. Of many, were they all written at once, nobody would be left to be read and answered while
        PostgreSQL works: with 32 connections that costs a quarter of the rate.
        """
        group: list[Waiter] = []
        count = min(GROUP_COUNT, max(GROUP_COUNT_UNDIVIDED, (len(self._waiting) + 1) // 2))
        room = GROUP_BYTES
        while self._waiting and len(group) < count:
            waiter = self._waiting[0]
            if not waiter.outcome.done():
                room -= len(waiter.delivery.body)
                if group and room < 0:
                    break
                group.append(waiter)
            self._waiting.popleft()
        return group

    async def _commit(self, group: Sequence[Waiter]) -> list[Verdict]:
        """Write a group; one that cannot be written for reasons of its own does not stop the others."""
        first: dict[Key, Waiter] = {}
        for waiter in group:
            first.setdefault(waiter.delivery.key, waiter)
        try:
            outcomes = await self._insert([waiter.delivery for waiter in first.values()])
        except DatabaseUnavailable as error:
            return _unavailable(group, error)
        except (psycopg.Error, ValueError) as error:
            if len(group) == 1:
                return [error]
            middle = len(group) // 2
            return await self._commit(group[:middle]) + await self._commit(group[middle:])
        return [
            outcomes.get(waiter.delivery.key, "duplicate") if waiter is first[waiter.delivery.key] else "duplicate"
            for waiter in group
        ]

    async def _insert(self, deliveries: Sequence[Delivery]) -> dict[Key, Outcome]:
        """Write and commit; the second attempt gets a fresh connection, and finds what the first may have written."""
        try:
            return await self._attempt(deliveries)
        except DatabaseUnavailable:
            return await self._attempt(deliveries)

    async def _attempt(self, deliveries: Sequence[Delivery]) -> dict[Key, Outcome]:
        metrics.commit_group_size.observe(len(deliveries))
        try:
            with metrics.commit_seconds.time():
                async with self._connected() as connection:
                    cursor = connection.cursor()
                    cursor.adapters.register_dumper(bytes, Uncopied)
                    with _everywhere(connection):
                        await cursor.execute(INSERT, _parameters(deliveries))
                    written = await cursor.fetchall()
        except FAULTS_OF_THE_DELIVERY:
            raise
        except (psycopg.Error, sa.exc.SQLAlchemyError) as error:
            raise database.unavailable(error) from error
        if sum(len(delivery.body) for delivery in deliveries) > GROUP_BYTES:
            await self._let_go(for_good=True)  # libpq keeps its buffer, as large as it ever was
        return {(hook_target, guid): OUTCOMES[status] for hook_target, guid, status, _ in written}

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        """A connection of the pool; unless something went wrong it is held on to for the next group."""
        held, self._held = self._held or await _hold(self._engine), None
        try:
            yield held.driver
        except BaseException:
            if held.driver.closed:
                await self._engine.dispose()  # the pool's others were lost with it
            await held.connection.invalidate()
            await held.connection.close()
            raise
        self._held = held

    async def _let_go(self, *, for_good: bool = False) -> None:
        held, self._held = self._held, None
        if held:
            if for_good:
                await held.connection.invalidate()
            await held.connection.close()


async def rehearse(conn: AsyncConnection) -> None:
    """Write a delivery as any other is; whoever wants to know whether that can be done takes it back.

    Raises psycopg's errors.
    """
    raw = await conn.get_raw_connection()
    driver = cast("psycopg.AsyncConnection[Any]", raw.driver_connection)
    ping = Delivery(UNNAMED, str(uuid4()), "ping", None, None, None, headers={}, body=b"{}", ignored=True)
    try:
        await driver.execute(INSERT, _parameters([ping]))
    except asyncio.CancelledError:
        await conn.invalidate()  # what was sent may still be under way
        raise


@contextmanager
def _everywhere(connection: psycopg.AsyncConnection[Any]) -> Iterator[None]:
    """Have a commit fail that stopped waiting for its standby: PostgreSQL only warns of that, and of nothing else here.

    https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION-HA
    """
    warnings: list[str] = []

    def hear(notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            warnings.append(notice.message_primary or "")

    connection.add_notice_handler(hear)
    try:
        yield
    finally:
        connection.remove_notice_handler(hear)
    if warnings:
        raise psycopg.OperationalError(warnings[0])


async def _hold(engine: AsyncEngine) -> PooledConnection:
    connection = await engine.connect()
    try:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        raw = await connection.get_raw_connection()
    except BaseException:
        await connection.close()
        raise
    return PooledConnection(connection, cast("psycopg.AsyncConnection[Any]", raw.driver_connection))


def _parameters(deliveries: Sequence[Delivery]) -> dict[str, Any]:
    described: list[dict[str, Any]] = []
    start = 1
    for delivery in deliveries:
        size = len(delivery.body)
        described.append(
            {
                "hook_target": delivery.hook_target,
                "guid": delivery.guid,
                "event": delivery.event,
                "action": delivery.action,
                "repository": delivery.repository,
                "installation_id": delivery.installation_id,
                "sync_source": delivery.sync_source,
                "ignored": delivery.ignored,
                "received_at": delivery.received_at,
                "headers": delivery.headers,
                "body_start": start,
                "body_size": size,
            }
        )
        start += size
    bodies = b"".join(delivery.body for delivery in deliveries)
    return {"deliveries": Jsonb(described, dumps=msgspec.json.encode), "bodies": bodies}


def _unavailable(group: Sequence[Waiter], error: DatabaseUnavailable) -> list[Verdict]:
    """An error for each of them: once raised, an error holds what its frames hold."""
    log.warning("could not write to the inbox", deliveries=len(group), error=str(error))
    return [type(error)(str(error)) for _ in group]


def _answer(answers: Answers) -> None:
    for waiter, verdict in answers:
        waiter.settle(verdict)
