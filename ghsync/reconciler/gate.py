"""Where what was read goes: through the projector's gate, or, in a dry run, only as far as the difference."""

from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.changes.feed import ChangeEvent
from ghsync.database import first_line, transaction
from ghsync.errors import UnreadableAnswer
from ghsync.projector import project
from ghsync.projector.batch import Batch
from ghsync.reconciler import places
from ghsync.reconciler.places import Place
from ghsync.reconciler.progress import Progress

Afterwards = Callable[[AsyncConnection], Awaitable[object]]


@contextmanager
def storable() -> Iterator[None]:
    """What PostgreSQL cannot hold, a number that is too large for one, is an answer that cannot be read."""
    try:
        yield
    except sa.exc.DataError as error:
        raise UnreadableAnswer(f"It cannot be stored ({first_line(error)}); it is asked for again later.") from error


class Gate(Protocol):
    """Takes a batch; ``afterwards`` runs in the same transaction. What cannot be stored is an `UnreadableAnswer`.

    ``insists``: see `ghsync.mirror.guard.overrules`.
    """

    @property
    def insists(self) -> bool:
        """Whether what is read takes the place of whatever was observed before."""

    @property
    def writes(self) -> bool:
        """Whether the mirror becomes what is read."""

    async def write(self, batch: Batch, afterwards: Afterwards | None = None) -> list[ChangeEvent]:
        """Bring the mirror up to the batch; answers what changed."""

    async def mark(self, place: Place, progress: Progress, *, complete: bool) -> None:
        """Note how far a repository has been read."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """Writes."""

    engine: AsyncEngine
    insists: bool = False

    writes = True

    async def write(self, batch: Batch, afterwards: Afterwards | None = None) -> list[ChangeEvent]:
        """Write the batch and commit."""
        batch.insists = self.insists
        with storable():
            async with transaction(self.engine) as conn:
                told = await project.write(conn, batch)
                if afterwards:
                    await afterwards(conn)
        return told

    async def mark(self, place: Place, progress: Progress, *, complete: bool) -> None:
        """Note how far a repository has been read, so that the next sweep begins there."""
        async with transaction(self.engine) as conn:
            await places.mark(
                conn,
                place,
                issues=progress.issues.through,
                pull_requests=progress.pull_requests.through,
                complete_at=progress.began_at if complete else None,
                read_with=progress.read_with if complete else None,
            )


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Writes nothing: every transaction is rolled back, and what it would have changed is kept.

    What one finds out the next finds out again, as that the repository has another name: it is kept once.
    """

    engine: AsyncEngine
    insists: bool = False
    differences: list[ChangeEvent] = field(default_factory=list)
    _kept: set[Hashable] = field(default_factory=set)

    writes = False

    async def write(self, batch: Batch, afterwards: Afterwards | None = None) -> list[ChangeEvent]:
        """Find out what the batch would change that none before it would have."""
        batch.insists = self.insists
        with storable():
            async with transaction(self.engine) as conn:
                told = await project.write(conn, batch)
                if afterwards:
                    await afterwards(conn)
                await conn.rollback()
        fresh = [event for event in told if _what(event) not in self._kept]
        self._kept.update(map(_what, fresh))
        self.differences.extend(fresh)
        return fresh

    async def mark(self, place: Place, progress: Progress, *, complete: bool) -> None:
        """Nothing was written, so the next sweep begins where it would have begun."""


def _what(event: ChangeEvent) -> Hashable:
    """What would change; a row that is new has another id each time."""
    row = None if event.operation == "insert" else event.entity_id
    return event.entity_type, row, event.operation, event.new
