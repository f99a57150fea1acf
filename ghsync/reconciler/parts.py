"""A part of something, read to its end through REST; where it cannot be, what it belongs to is read without it."""

from collections.abc import Sequence
from typing import TypeVar

from ghsync.errors import GhsyncError
from ghsync.jobs import Job
from ghsync.reconciler import unread
from ghsync.reconciler.places import Place
from ghsync.reconciler.session import Session

T = TypeVar("T")


async def read(
    session: Session,
    place: Place,
    path: Sequence[object],
    item: type[T],
    name: str,
    job: Job,
    *,
    within: str | None = None,
    **params: object,
) -> tuple[list[T], bool]:
    """What can be read, and whether that is all; ``name`` is told of the rest, and ``job`` asks again."""
    found: list[T] = []
    try:
        async for page in session.listing(place.path(*path), item, within=within, **params):
            found += page.items
            for wrong in page.wrong:
                session.unread.note_or_raise(job, name, wrong.error)
    except GhsyncError as error:
        if not unread.is_of_one(error):
            raise
        session.unread.note_or_raise(job, name, error)
        return found, False
    return found, job not in session.unread.sentences
