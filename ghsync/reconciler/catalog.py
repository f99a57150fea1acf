"""The repository itself, with what its listings show whole: few things, and some that conversations refer to.

With what carries them GraphQL does not tell the numeric ids of labels and milestones, so these are read before.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.database import transaction
from ghsync.errors import UnreadableAnswer
from ghsync.github.decoding import decoded
from ghsync.github.graphql.answered import Catalog
from ghsync.mirror import label, milestone, repository
from ghsync.mirror.noun import Noun
from ghsync.mirror.nouns import LISTED
from ghsync.projector.batch import Batch
from ghsync.reconciler import access, listings, unread
from ghsync.reconciler.listings import Told
from ghsync.reconciler.places import Place
from ghsync.reconciler.session import Session

_repository = msgspec.json.Decoder(repository.Payload)


@dataclass(frozen=True, slots=True)
class KnownRepository:
    """A repository under its present name, with its labels and milestones; ``off`` are the kinds switched off in it."""

    place: Place
    catalog: Catalog
    off: frozenset[str] = frozenset()

    def batch(self) -> Batch:
        """A batch for what hangs on the repository."""
        batch = Batch()
        batch.mention(self.place.github_id)
        return batch


async def read(
    session: Session, engine: AsyncEngine, place: Place, *, whole: bool = True, told: Told | None = None
) -> KnownRepository:
    """Read a repository with what its listings show, and write it; not the ``whole`` of what nothing else refers to.

    Of one of which GitHub has just ``told``, only those listings are read that are not among these.
    """
    batch, here, off = Batch(), place, frozenset[str]()
    if told is None:
        here, off = await _itself(session, place, batch)
    else:
        batch.mention(place.github_id)
    listed: dict[Noun, list[Any]] = {}
    for thing in LISTED:
        noun = thing.noun
        if _answers(noun, here, off):
            with unread.part(session.unread, here.id, f"The {noun.word}s of {here.full_name}"):
                all_of_it = whole or bool(noun.shown)
                listed[noun] = await listings.add(session, engine, batch, here, thing, whole=all_of_it, told=told)
    await session.gate.write(batch)
    catalog = _catalog(listed.get(label.noun, ()), listed.get(milestone.noun, ()))
    if unread.parts(here.id) in session.unread.sentences:
        catalog = await _filled(engine, here, catalog)
    return KnownRepository(here, catalog, off)


async def _itself(session: Session, place: Place, batch: Batch) -> tuple[Place, frozenset[str]]:
    """Read the repository itself: under its present name, with the kinds that are switched off in it."""
    answer = await session.get(place.path())
    payload = decoded(answer.body, _repository, place.full_name)
    if payload.id != place.github_id:
        raise UnreadableAnswer(
            f"GitHub answered for {place.full_name} with another repository; it is asked again later."
        )
    origin = session.origin(answer.observed_at)
    batch.see(payload, origin)
    if place.installation:
        batch.allow(payload.id, int(place.installation), origin)
    return replace(place, full_name=payload.full_name, node_id=payload.node_id), access.switched_off(payload)


def _answers(noun: Noun, place: Place, off: frozenset[str]) -> bool:
    """Whether the address of a listing answers: it may need a permission, or something that is switched off."""
    listing = noun.listing
    if listing is None or not (listing.permission is None or place.may(listing.permission)):
        return False
    return not listing.kinds or not off.issuperset(listing.kinds)


def _catalog(labels: Iterable[label.Payload], milestones: Iterable[milestone.Payload]) -> Catalog:
    return Catalog({str(one.node_id): one for one in labels}, {one.number: one for one in milestones})


async def _filled(engine: AsyncEngine, place: Place, read: Catalog) -> Catalog:
    """With what the mirror knows of labels and milestones that could not all be read: else who has them is cut off."""
    async with transaction(engine) as conn:
        kept = (await stored(conn, place)).catalog
    return Catalog(kept.labels | read.labels, kept.milestones | read.milestones)


_LABELS = sa.text("""
SELECT github_id::bigint AS id, name, node_id, color, description, is_default AS default FROM github_labels
WHERE repository_id = :id AND deleted_at IS NULL AND node_id IS NOT NULL AND github_id ~ '^[0-9]{1,18}$'
""")

_MILESTONES = sa.text("""
SELECT github_id::bigint AS id, number, title, state, node_id, due_on FROM github_milestones
WHERE repository_id = :id AND deleted_at IS NULL AND github_id ~ '^[0-9]{1,18}$'
""")


async def stored(conn: AsyncConnection, place: Place) -> KnownRepository:
    """A repository with the labels and milestones that the mirror knows."""
    labels = [label.Payload(**row._mapping) for row in await conn.execute(_LABELS, {"id": place.id})]
    milestones = [milestone.Payload(**row._mapping) for row in await conn.execute(_MILESTONES, {"id": place.id})]
    return KnownRepository(place, _catalog(labels, milestones))
