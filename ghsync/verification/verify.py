"""A verification: three checks of the live mirror, none of which changes it or stops who works in it."""

import asyncio
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database, migrate
from ghsync.database import isolated, transaction
from ghsync.errors import NotConfigured
from ghsync.mirror.nouns import NOUNS
from ghsync.verification import comparison, feed, members, recomputation, shadow, snapshot
from ghsync.verification.finding import Discrepancy, Report, RowCounts, Watch, agreed
from ghsync.verification.replay import replay


def verify(url: str, watch: Watch) -> Report:
    """Verify the mirror of this database; blocks until it is done.

    Raises `UnderWay` where another process does it, and `NotConfigured` where the database has yet to be migrated.
    """
    if migrate.pending(url):
        raise NotConfigured("The database has not got the newest schema: run `ghsync migrate`.")
    with shadow.standing(url):
        return asyncio.run(_verify(url, watch))


async def _verify(url: str, watch: Watch) -> Report:
    live, beside = database.create_engine(url), shadow.create_engine(url)
    try:
        report = Report()
        report.findings = await _look(live)
        report.findings += await _replay(live, beside, report, watch)
        derived = await recomputation.rehearse(live, partial(watch, "Deriving pr_tracking"))
        report.pull_requests = derived.pull_requests
        report.findings += derived.findings
        return report
    finally:
        await live.dispose()
        await beside.dispose()


async def _look(live: AsyncEngine) -> list[Discrepancy]:
    """Copy the mirror as it is now, and compare it with what the change feed has told up to now."""
    async with transaction(isolated(live, "REPEATABLE READ")) as conn:
        await snapshot.take(conn)
        await members.take(conn)
        return await feed.compare(conn)


async def _replay(live: AsyncEngine, beside: AsyncEngine, report: Report, watch: Watch) -> list[Discrepancy]:
    """Compare the mirror with one made from the inbox.

    A delivery that waits may have been projected before and have been queued again, and so may one that a person has
    dismissed since. So what differs is wrong only if it does with those, too.
    """
    done = await replay(live, beside, partial(watch, "Replaying the inbox"), waiting=False)
    report.deliveries, report.unreadable = done.deliveries, done.unreadable
    report.tables, found = await _compare(beside)
    if found:
        late = await replay(live, beside, partial(watch, "Replaying what waits"), waiting=True)
        report.waiting = late.deliveries
        if late.deliveries:
            found = agreed(found, (await _compare(beside))[1])
    return found


async def _compare(beside: AsyncEngine) -> tuple[dict[str, RowCounts], list[Discrepancy]]:
    tables, found = {}, []
    async with transaction(beside) as conn:
        complete_since = await comparison.since(conn)
        for noun in NOUNS:
            tables[noun.name], differences = await comparison.compare(conn, noun, complete_since)
            found += differences
        found += await members.compare(conn, complete_since)
    return tables, found
