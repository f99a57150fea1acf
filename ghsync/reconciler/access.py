"""What can be seen of a repository: all of it or nothing, and which kinds are switched off in it."""

import msgspec

from ghsync.errors import NotFound, RepositoryLost
from ghsync.github.decoding import decoded
from ghsync.mirror import repository
from ghsync.reconciler.places import Place
from ghsync.reconciler.session import Session

_repository = msgspec.json.Decoder(repository.Payload)


def switched_off(payload: repository.Payload) -> frozenset[str]:
    """What is switched off: it is not to be seen, and comes back as it was."""
    off = {"issues": not payload.has_issues, "pull_requests": not payload.has_pull_requests}
    return frozenset(what for what, is_off in off.items() if is_off)


async def look(session: Session, place: Place) -> frozenset[str]:
    """Which kinds are switched off in a repository; raises `NotFound` or `AccessLost` where it is not to be seen."""
    answer = await session.get(place.path())
    return switched_off(decoded(answer.body, _repository, place.full_name))


async def require(session: Session, place: Place, error: NotFound) -> frozenset[str]:
    """Which kinds are switched off in a repository in which something is not found.

    Raises `RepositoryLost` where all of it cannot be seen any more: then a 404 in it proves nothing (I10).
    """
    try:
        return await look(session, place)
    except NotFound:
        raise RepositoryLost(f"{place.full_name} is not to be seen any more.") from error
