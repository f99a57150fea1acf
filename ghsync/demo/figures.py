"""What the demo counts: how much is mirrored, how fresh it is, and what the mirror lacks."""

import statistics
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice

import httpx
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import jobs, wording
from ghsync.database import transaction
from ghsync.demo.stage import Stage
from ghsync.errors import Transient
from ghsync.projector.events import HANDLED
from ghsync.simulator.clock import TICKS_PER_SECOND
from ghsync.simulator.identity import guid_ticks

NEWEST = 500  # of what was sent; what is older is seen by heal
SOON_SECONDS = 1.0
"""What was sent later than so long ago need not be there yet."""

_COUNTS = sa.text("""
SELECT (SELECT count(*) FROM webhook_deliveries WHERE event = ANY(:handled)) AS deliveries,
       (SELECT count(*) FROM webhook_deliveries WHERE event = ANY(:handled) AND sync_source <> 'webhook') AS brought_in,
       (SELECT count(*) FROM github_repositories WHERE deleted_at IS NULL AND removed_at IS NULL) AS repositories,
       (SELECT count(*) FROM github_issues WHERE deleted_at IS NULL) AS issues,
       (SELECT count(*) FROM github_pull_requests WHERE deleted_at IS NULL) AS pull_requests,
       (SELECT count(*) FROM task_github_links) AS links
""")

_FOLLOW_UPS = sa.text(
    "SELECT count(*) FROM sync_jobs WHERE parked_at IS NULL AND last_error IS DISTINCT FROM :undecided"
)

_KNOWN = sa.text("""
SELECT guid, status IN ('processed', 'ignored') AS is_done FROM webhook_deliveries WHERE guid = ANY(:guids)
""")


@dataclass(frozen=True, slots=True)
class Figures:
    """How it is now. ``reasons`` are ghsync's own for being stale; ``missing`` is what it may not even know of.

    ``brought_in`` are the deliveries that were healed or replayed; ``follow_ups`` are jobs, as what asks GitHub about
    a pull request whose payload left something open.
    """

    deliveries: int = 0
    brought_in: int = 0
    repositories: int = 0
    issues: int = 0
    pull_requests: int = 0
    links: int = 0
    missing: int = 0
    under_way: int = 0
    follow_ups: int = 0
    reasons: tuple[str, ...] = ()

    @property
    def is_fresh(self) -> bool:
        """Whether nothing is in its way."""
        return not (self.reasons or self.missing or self.under_way)

    @property
    def counts(self) -> str:
        """How much there is, in a line."""
        return ", ".join(
            (
                wording.count(self.repositories, "repository", "repositories"),
                wording.count(self.issues, "issue"),
                wording.count(self.pull_requests, "pull request"),
                wording.count(self.links, "task link"),
                wording.deliveries(self.deliveries),
            )
        )

    @property
    def verdict(self) -> str:
        """Whether the mirror is fresh, in one sentence."""
        if self.reasons:
            return f"Stale: {self.reasons[0]}"
        if self.missing:
            return f"Behind: {wording.deliveries(self.missing)} got lost, and ghsync has not noticed yet."
        if self.under_way:
            return f"Nearly fresh: {wording.deliveries(self.under_way)} on the way."
        rest = f"; {wording.count(self.follow_ups, 'follow-up')} due" if self.follow_ups else ""
        return f"Fresh: all that GitHub has sent is visible{rest}."


async def read(stage: Stage, operations: httpx.AsyncClient) -> Figures:
    """Count, and ask `ghsync serve` whether it is stale. Raises `Transient` where it does not answer."""
    try:
        told = (await operations.get("/readyz")).json()
    except httpx.TransportError as error:
        raise Transient("`ghsync serve` does not answer any more: `--keep` keeps its log, serve.log.") from error
    async with transaction(stage.engine) as conn:
        counts = (await conn.execute(_COUNTS, {"handled": list(HANDLED)})).one()
        missing = await _missing(conn, stage)
        under_way = await undone(conn, stage, SOON_SECONDS) - missing
        due = await follow_ups(conn)
    return Figures(
        **counts._asdict(),
        missing=len(missing),
        under_way=len(under_way),
        follow_ups=due,
        reasons=tuple(told["reasons"]),
    )


async def follow_ups(conn: AsyncConnection) -> int:
    """How many jobs are due, now or soon, that may change the mirror."""
    return int(await conn.scalar(_FOLLOW_UPS, {"undecided": jobs.UNDECIDED}) or 0)


async def undone(conn: AsyncConnection, stage: Stage, seconds: float = 0.0) -> set[str]:
    """The deliveries, by GUID, that were sent so many seconds ago or earlier and are not in the mirror."""
    sent = _sent(stage, seconds)
    return sent - {row.guid for row in await conn.execute(_KNOWN, {"guids": list(sent)}) if row.is_done}


async def _missing(conn: AsyncConnection, stage: Stage) -> set[str]:
    """Those that got lost on their way, and of which ghsync has not heard."""
    failed = islice(stage.github.site.hook_log.newest_first("failure"), NEWEST)
    lost = {each.delivery.guid for each in failed if each.delivery.event in HANDLED}
    return lost - {row.guid for row in await conn.execute(_KNOWN, {"guids": list(lost)})}


def _sent(stage: Stage, seconds: float) -> set[str]:
    """What was sent, so many seconds ago or earlier, that ghsync does something with."""
    world = stage.github.world
    until = world.clock.ticks - round(seconds * TICKS_PER_SECOND)
    newest = [each for each in world.deliveries[-NEWEST:] if each.event in HANDLED]
    return {each.guid for each in newest if guid_ticks(each.guid) <= until}


def freshness(seconds: Collection[float], brought_in: int = 0) -> str:
    """How soon deliveries were visible that came as they were sent, in a line, and how many did not."""
    if not seconds:
        return "nothing was sent yet"
    half, slowest = wording.duration(statistics.median(seconds)), wording.duration(max(seconds))
    others = f"; {brought_in} more healed or replayed" if brought_in else ""
    return f"p50 {half}, slowest {slowest} from sending to visible rows, of {wording.deliveries(len(seconds))}{others}"
