"""The repository itself, its labels and its milestones: few, and read whole through REST.

GraphQL does not tell their numeric ids, so they are read before anything that carries them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.database import transaction
from ghsync.errors import NotFound, RepositoryLost, UnreadableAnswer
from ghsync.github.decoding import decoded
from ghsync.github.graphql.answered import Catalog
from ghsync.mirror import label, milestone, repository
from ghsync.mirror.noun import Noun
from ghsync.projector.batch import Batch
from ghsync.reconciler import unread
from ghsync.reconciler.places import Place
from ghsync.reconciler.session import Session, Wrong

_repository = msgspec.json.Decoder(repository.Payload)


class _Identity(msgspec.Struct, frozen=True):
    id: int


_identity = msgspec.json.Decoder(_Identity)


@dataclass(frozen=True, slots=True)
class Known:
    """A repository under its present name, with its labels and milestones; ``off`` are the kinds switched off in it."""

    place: Place
    catalog: Catalog
    off: frozenset[str] = frozenset()

    def batch(self) -> Batch:
        """A batch for what hangs on the repository."""
        batch = Batch()
        batch.mention(self.place.github_id)
        return batch


async def read(session: Session, engine: AsyncEngine, place: Place) -> Known:
    """Read a repository with its labels and milestones, and write them."""
    answer = await session.get(place.path())
    payload = decoded(answer.body, _repository, place.full_name)
    if payload.id != place.github_id:
        raise UnreadableAnswer(
            f"GitHub answered for {place.full_name} with another repository; it is asked again later."
        )
    here = replace(place, full_name=payload.full_name, node_id=payload.node_id)
    known = Known(here, Catalog())
    origin = session.origin(answer.observed_at)
    batch = Batch()
    row = batch.see(payload, origin)
    if place.installation:
        batch.allow(row, int(place.installation), origin)
    with unread.part(session.unread, here.id, f"The labels of {here.full_name}"):
        await _labels(session, engine, batch, known)
    # They come with issues and pull requests: without both, the address does not answer.
    if payload.has_issues or payload.has_pull_requests:
        with unread.part(session.unread, here.id, f"The milestones of {here.full_name}"):
            await _milestones(session, engine, batch, known)
    if unread.parts(here.id) in session.unread.sentences:
        await _fill(engine, known)
    await session.gate.write(batch)
    return replace(known, off=_off(payload))


async def _fill(engine: AsyncEngine, known: Known) -> None:
    """Add what the mirror knows to labels and milestones that could not all be read: else who has them is cut off."""
    async with transaction(engine) as conn:
        kept = (await stored(conn, known.place)).catalog
    known.catalog.labels.update(kept.labels | known.catalog.labels)
    known.catalog.milestones.update(kept.milestones | known.catalog.milestones)


def _off(payload: repository.Payload) -> frozenset[str]:
    """What is switched off: it is not to be seen, and comes back as it was."""
    off = {"issues": not payload.has_issues, "pull_requests": not payload.has_pull_requests}
    return frozenset(what for what, is_off in off.items() if is_off)


async def _labels(session: Session, engine: AsyncEngine, batch: Batch, known: Known) -> None:
    here = known.place
    wrong: list[Wrong] = []
    async for page in session.listing(here.path("labels"), label.Payload):
        wrong += page.wrong
        for one in page.items:
            known.catalog.labels[str(one.node_id)] = one
            batch.add(label.noun, here.github_id, label.row(one, session.origin(page.observed_at)))
    if wrong:
        raise wrong[0].error
    await _bury(session, engine, batch, here, label.noun, (one.id for one in known.catalog.labels.values()))


async def _milestones(session: Session, engine: AsyncEngine, batch: Batch, known: Known) -> None:
    here = known.place
    wrong: list[Wrong] = []
    async for page in session.listing(here.path("milestones"), milestone.Payload, state="all"):
        wrong += page.wrong
        for one in page.items:
            known.catalog.milestones[one.number] = one
            batch.add(milestone.noun, here.github_id, milestone.row(one, session.origin(page.observed_at)))
    if wrong:
        raise wrong[0].error
    await _bury(session, engine, batch, here, milestone.noun, (one.id for one in known.catalog.milestones.values()))


_LABELS = sa.text("""
SELECT github_id::bigint AS id, name, node_id, color, description, is_default AS default FROM github_labels
WHERE repository_id = :id AND deleted_at IS NULL AND node_id IS NOT NULL AND github_id ~ '^[0-9]{1,18}$'
""")

_MILESTONES = sa.text("""
SELECT github_id::bigint AS id, number, title, state, node_id, due_on FROM github_milestones
WHERE repository_id = :id AND deleted_at IS NULL AND github_id ~ '^[0-9]{1,18}$'
""")


async def stored(conn: AsyncConnection, place: Place) -> Known:
    """A repository with the labels and milestones that the mirror knows."""
    labels = [label.Payload(**row._mapping) for row in await conn.execute(_LABELS, {"id": place.id})]
    milestones = [milestone.Payload(**row._mapping) for row in await conn.execute(_MILESTONES, {"id": place.id})]
    return Known(place, Catalog({str(one.node_id): one for one in labels}, {two.number: two for two in milestones}))


# Where a single one is found: labels by name, milestones by number.
_ADDRESS = {label.noun: ("labels", "name"), milestone.noun: ("milestones", "number")}


async def _bury(
    session: Session, engine: AsyncEngine, batch: Batch, place: Place, noun: Noun, listed: Iterable[int]
) -> None:
    """Add the tombstones of those that the listing left out and that are not found by themselves either (I10)."""
    folder, name = _ADDRESS[noun]
    async with transaction(engine) as conn:
        absent = await _absent(conn, place, noun, name, [str(github_id) for github_id in listed])
    for github_id, address in absent:
        asked_at = session.github.now()
        try:
            answer = await session.get(place.path(folder, quote(str(address), safe="")))
        except NotFound as error:
            await require_access(session, place, error)
            batch.bury(noun, place.github_id, {"github_id": github_id}, asked_at)
        else:
            if str(decoded(answer.body, _identity, f"{folder} {address}").id) != github_id:
                batch.bury(noun, place.github_id, {"github_id": github_id}, asked_at)


async def require_access(session: Session, place: Place, error: NotFound) -> frozenset[str]:
    """Which kinds are switched off in a repository in which something is not found.

    Raises `RepositoryLost` where all of it cannot be seen any more: then a 404 in it proves nothing (I10).
    """
    try:
        answer = await session.get(place.path())
    except NotFound:
        raise RepositoryLost(f"{place.full_name} is not to be seen any more.") from error
    return _off(decoded(answer.body, _repository, place.full_name))


async def _absent(
    conn: AsyncConnection, place: Place, noun: Noun, name: str, listed: list[str]
) -> list[tuple[str, Any]]:
    statement = sa.text(f"""
SELECT github_id, {name} FROM {noun.name}
WHERE repository_id = :id AND deleted_at IS NULL AND github_id <> ALL(:listed) ORDER BY github_id
""")
    return [tuple(row) for row in await conn.execute(statement, {"id": place.id, "listed": listed})]
