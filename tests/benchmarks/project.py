"""How many deliveries a second are projected, against a bulk upsert of the same mirror rows.

One worker drains a full inbox: it decodes, guards, derives, writes the change feed and finishes the deliveries. The
bulk upsert is what one would write by hand: the same issues, pull requests, comments, labels, milestones and branches,
as one INSERT ... ON CONFLICT DO UPDATE for each of them and batch, without guard, tracking, feed or inbox. Its rows are
decoded and collapsed beforehand, untimed, for which the worker has to take time. Both take turns, three times, each
pair on a new database.
"""

import gc
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
import sqlalchemy as sa
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import migrate, worker
from ghsync.inbox.queue import ClaimedDelivery
from ghsync.mirror import branch, comment, issue, label, milestone, pull_request
from ghsync.mirror.noun import Noun, Row
from ghsync.mirror.upsert import parameter, record
from ghsync.projector import project
from ghsync.projector.batch import REPOSITORY, Batch
from ghsync.worker import Worker
from tests import postgres, traffic
from tests.benchmarks import deliveries
from tests.benchmarks.figures import Figure
from tests.chaos import mirror
from tests.traffic import Traffic

NOUNS = (label.noun, milestone.noun, branch.noun, issue.noun, pull_request.noun, comment.noun)
BATCH = 500


async def drain(engine: AsyncEngine, batch: int) -> float:
    """Deliveries projected per second by one worker."""
    one = Worker(engine, batch_size=batch, poll_seconds=1, max_attempts=1)
    gc.collect()
    gc.freeze()  # as `serve` does: else the collector looks at all that this benchmark holds, again and again
    started = time.perf_counter()
    done = await one.drain()
    return done / (time.perf_counter() - started)


async def upsert_by_hand(engine: AsyncEngine, claimed: Sequence[ClaimedDelivery], batch: int) -> float:
    """Deliveries per second whose rows are written by a plain bulk upsert."""
    async with engine.begin() as conn:
        known = await conn.execute(sa.text("SELECT github_id, id::text FROM github_repositories"))
        ids = {row.github_id: row.id for row in known}
        tables = ", ".join(noun.name for noun in NOUNS)
        await conn.execute(sa.text(f"TRUNCATE {tables} CASCADE"))
    batches = [rows_of(part, ids) for part in deliveries.parts(claimed, batch)]
    started = time.perf_counter()
    for rows_by_noun in batches:
        async with engine.begin() as conn:
            for noun, rows in rows_by_noun.items():
                await conn.execute(plain(noun), {"rows": parameter(rows)})
    return len(claimed) / (time.perf_counter() - started)


def rows_of(part: Sequence[ClaimedDelivery], ids: dict[str, str]) -> dict[Noun, list[Row]]:
    """The rows of a batch, decoded and collapsed."""
    batch = Batch()
    for delivery in part:
        project.read(delivery, batch)
    return {
        noun: [{**row, "repository_id": ids[row[REPOSITORY]]} for row in batch.rows.get(noun, {}).values()]
        for noun in NOUNS
    }


def plain(noun: Noun) -> sa.TextClause:
    """The upsert one would write by hand."""
    read, cast = record(noun.table, noun.columns)
    names = ", ".join(noun.columns)
    assignments = ", ".join(f"{name} = excluded.{name}" for name in noun.columns if name not in noun.key)
    return sa.text(
        f"INSERT INTO {noun.name} ({names}) SELECT {cast} FROM json_to_recordset(:rows) AS r({read}) "
        f"ON CONFLICT ({', '.join(noun.key)}) DO UPDATE SET {assignments}"
    )


async def measure(url: str, busy: Traffic, batch: int) -> tuple[float, float]:
    """Deliveries per second: projected, so that the mirror is as GitHub is, and upserted by hand."""
    engine = worker.create_engine(url)
    try:
        claimed = await deliveries.fill(engine, busy.deliveries)
        projected = await drain(engine, batch)
        with psycopg.connect(url) as connection:
            mirror.is_done(connection)
            mirror.shows(connection, busy)
        return projected, await upsert_by_hand(engine, claimed, batch)
    finally:
        await engine.dispose()


def figures(url: str, _folder: Path, *, short: bool) -> list[Figure]:
    """One worker's, each time on an empty database: medians."""
    busy = traffic.busy(4_000 if short else 20_000)
    rates = []
    for _ in range(1 if short else 3):
        with postgres.database(url) as own:
            migrate.upgrade(own)
            rates.append(uvloop.run(measure(own, busy, BATCH)))
    projected, by_hand = (statistics.median(each) for each in zip(*rates, strict=True))
    return [
        Figure("projection", "projection, one worker", projected, "deliveries/s", at_least=4_000),
        Figure(
            "projection of by hand",
            "projection as a share of a bulk upsert by hand",
            projected / by_hand,
            "x",
            at_least=0.18,
            note="which neither guards, derives nor feeds, and whose rows are made beforehand, untimed",
        ),
    ]
