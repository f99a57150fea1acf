"""What the demo counts: how much is mirrored, how fresh it is, and what the mirror lacks."""

import statistics
from collections.abc import Collection
from dataclasses import dataclass

import httpx
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import wording
from ghsync.database import transaction
from ghsync.demo.stage import Stage
from ghsync.errors import Transient
from ghsync.projector.events import HANDLED
from ghsync.simulator.clock import TICKS_PER_SECOND
from ghsync.simulator.identity import guid_ticks

NEWEST = 500  # of what was sent; what is older is seen by heal
ON_ITS_WAY_SECONDS = 1.0
"""What was sent later than so long ago is on its way."""

_COUNTS = sa.text("""
SELECT (SELECT count(*) FROM webhook_deliveries) AS deliveries,
       (SELECT count(*) FROM github_repositories WHERE deleted_at IS NULL AND removed_at IS NULL) AS repositories,
       (SELECT count(*) FROM github_issues WHERE deleted_at IS NULL) AS issues,
       (SELECT count(*) FROM github_pull_requests WHERE deleted_at IS NULL) AS pull_requests,
       (SELECT count(*) FROM task_github_links) AS links
""")

_KNOWN = sa.text("""
SELECT guid, status IN ('processed', 'ignored') AS is_done FROM webhook_deliveries WHERE guid = ANY(:guids)
""")


@dataclass(frozen=True, slots=True)
class Figures:
    """How it is now. ``reasons`` are ghsync's own for being stale; ``missing`` is what it may not even know of."""

    deliveries: int = 0
    repositories: int = 0
    issues: int = 0
    pull_requests: int = 0
    links: int = 0
    missing: int = 0
    reasons: tuple[str, ...] = ()

    @property
    def is_fresh(self) -> bool:
        """Whether nothing is in its way."""
        return not (self.reasons or self.missing)

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
        return "Fresh: all that GitHub has sent is visible."


async def read(stage: Stage, operations: httpx.AsyncClient) -> Figures:
    """Count, and ask `ghsync serve` whether it is stale. Raises `Transient` where it does not answer."""
    try:
        told = (await operations.get("/readyz")).json()
    except httpx.TransportError as error:
        raise Transient("`ghsync serve` does not answer any more: `--keep` keeps its log, serve.log.") from error
    async with transaction(stage.engine) as conn:
        counts = (await conn.execute(_COUNTS)).one()
        lacking = await _missing(conn, stage)
    return Figures(**counts._asdict(), missing=len(lacking), reasons=tuple(told["reasons"]))


async def undone(conn: AsyncConnection, stage: Stage) -> set[str]:
    """The deliveries, by GUID, that are not in the mirror."""
    sent = _sent(stage)
    return sent - {row.guid for row in await conn.execute(_KNOWN, {"guids": list(sent)}) if row.is_done}


async def _missing(conn: AsyncConnection, stage: Stage) -> set[str]:
    """Those that are no longer on their way, and of which ghsync has not heard."""
    sent = _sent(stage, ON_ITS_WAY_SECONDS)
    return sent - {row.guid for row in await conn.execute(_KNOWN, {"guids": list(sent)})}


def _sent(stage: Stage, seconds: float = 0.0) -> set[str]:
    """What was sent, so many seconds ago or earlier, that ghsync does something with."""
    world = stage.github.world
    until = world.clock.ticks - round(seconds * TICKS_PER_SECOND)
    newest = [each for each in world.deliveries[-NEWEST:] if each.event in HANDLED]
    return {each.guid for each in newest if guid_ticks(each.guid) <= until}


def freshness(seconds: Collection[float]) -> str:
    """How soon deliveries were visible, in a line."""
    if len(seconds) < 2:
        return "nothing was sent yet"
    percentiles = statistics.quantiles(seconds, n=100, method="inclusive")
    half, nearly_all = wording.duration(percentiles[49]), wording.duration(percentiles[98])
    return f"p50 {half}, p99 {nearly_all} from sending to visible rows, of {wording.deliveries(len(seconds))}"
