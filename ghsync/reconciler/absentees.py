"""Who was not in a complete listing is asked for by itself before it becomes a tombstone (I10).

An issue may have been deleted or transferred to another repository, or it is there and the listing was cut short.
One that was transferred is followed as far as that leads; where it is now may be nothing that we may see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.database import transaction
from ghsync.errors import (
    AccessLost,
    Gone,
    Moved,
    NotFound,
    RedirectedToItself,
    Suspended,
    SwitchedOff,
    UnavailableForLegalReasons,
)
from ghsync.github.decoding import decoded
from ghsync.mirror import comment, issue, pull_request, review_thread
from ghsync.mirror.guard import last_moment
from ghsync.mirror.noun import CLOCKS_DIFFER_BY, Noun
from ghsync.projector.batch import Batch
from ghsync.reconciler import access, conversations
from ghsync.reconciler.catalog import KnownRepository
from ghsync.reconciler.conversations import Conversation
from ghsync.reconciler.progress import What
from ghsync.reconciler.runs import Run
from ghsync.reconciler.session import Session


@dataclass(frozen=True, slots=True)
class Absentee:
    """A stored issue or pull request that a listing left out."""

    noun: Noun
    number: int

    @property
    def what(self) -> What:
        """Its kind."""
        return "pull_requests" if self.noun is pull_request.noun else "issues"


def _stored(noun: Noun, other: Noun, what: What) -> str:
    """Stored rows, and whether another noun's has the same number, which cannot be: only one of them was seen."""
    return f"""
  SELECT '{what}' AS kind, t.number, t.observed_at, EXISTS (
    SELECT FROM {other.name} o
    WHERE o.repository_id = t.repository_id AND o.number = t.number AND o.deleted_at IS NULL) AS is_another
  FROM {noun.name} t WHERE t.repository_id = :repository AND t.deleted_at IS NULL"""


_ABSENT = sa.text(f"""
SELECT kind, number FROM ({_stored(issue.noun, pull_request.noun, "issues")}
  UNION ALL {_stored(pull_request.noun, issue.noun, "pull_requests")}
) stored
WHERE kind = ANY(:kinds) AND (is_another OR observed_at NOT BETWEEN :began_at AND :now
  AND number <> ALL (CAST(:seen AS int[]))
  AND NOT EXISTS (SELECT FROM sync_seen s WHERE s.run_id = :run AND s.number = stored.number))
ORDER BY number
""")


MOST_MOVES = 10
"""Of a longer chain of moves, the end is not looked for."""

NOUNS: Mapping[What, Noun] = {"issues": issue.noun, "pull_requests": pull_request.noun}


async def find(
    conn: AsyncConnection, known: KnownRepository, run: Run, kinds: Sequence[What], now: datetime
) -> list[Absentee]:
    """What is stored, older than the listing, and was not in it; ``now`` is GitHub's, later than which nothing was."""
    asked = {
        "now": now + CLOCKS_DIFFER_BY,
        "repository": known.place.id,
        "run": run.id,
        "seen": list(run.seen),
        "began_at": run.progress.began_at,
        "kinds": list(kinds),
    }
    return [Absentee(NOUNS[row.kind], row.number) for row in await conn.execute(_ABSENT, asked)]


class _Destination(msgspec.Struct, frozen=True):
    id: int
    number: int
    repository_url: str


class _Repository(msgspec.Struct, frozen=True):
    id: int


_destination_decoder = msgspec.json.Decoder(_Destination)
_repository_decoder = msgspec.json.Decoder(_Repository)


async def settle(session: Session, known: KnownRepository, absentee: Absentee, batch: Batch) -> None:
    """Ask for one absentee, and add to the batch what has become of it.

    Raises `AccessLost` where the whole repository cannot be seen any more: then a 404 proves nothing.
    """
    repository_id, row = known.place.github_id, {"number": absentee.number}
    pull = absentee.noun is pull_request.noun
    nowhere = {} if pull else {"transferred_to": None}
    asked_at = session.github.now()
    try:
        found = await conversations.one(session, known, absentee.number, pull=pull)
    except Moved as moved:
        if not pull:  # pull requests move with their repository, and keep their number
            there = {"transferred_to": await _destination(session, moved.location)}
            batch.bury(absentee.noun, repository_id, row | there, asked_at)
    except Gone:
        batch.bury(absentee.noun, repository_id, row | nowhere, asked_at)
    except SwitchedOff:
        return  # it comes back as it was, when that is switched on again
    except NotFound as error:
        off = await access.require(session, known.place, error)
        if absentee.what not in off:
            batch.bury(absentee.noun, repository_id, row | nowhere, asked_at)
    else:
        told = found.payload
        if isinstance(told, issue.Payload) and told.pull_request is not None:  # it has the number; GitHub answers both
            batch.bury(absentee.noun, repository_id, row | nowhere, asked_at)
        else:
            conversations.add(session, batch, repository_id, found)


async def _destination(session: Session, location: str) -> dict[str, object] | None:
    """Where an issue is in the end; None where that cannot be read: it is gone from here all the same."""
    if (found := await _follow(session, location)) is None:
        return None
    there = decoded(found, _destination_decoder, location)
    if (home := await _follow(session, there.repository_url)) is None:
        return None
    repository = decoded(home, _repository_decoder, there.repository_url)
    return {"repository_github_id": str(repository.id), "github_id": str(there.id), "number": there.number}


async def _follow(session: Session, location: str) -> bytes | None:
    """What is at the end of a chain of moves; None where it was deleted or is hidden from us."""
    for _ in range(MOST_MOVES):
        try:
            return (await session.get(location)).body
        except Moved as further:
            location = further.location
        except Suspended:
            raise  # nothing at all can be read now, and all of it when that is lifted
        except (Gone, NotFound, AccessLost, UnavailableForLegalReasons, RedirectedToItself):
            return None
    return None


def _unlike(row: str) -> str:
    """True where a row was observed before the complete answer e, or claims to have been long after it."""
    return f"{row}.observed_at NOT BETWEEN e.observed_at AND {last_moment('e.observed_at')}"


_DELETED_COMMENTS = sa.text(f"""
SELECT c.kind, c.github_id, e.observed_at
FROM json_to_recordset(:complete) AS e(kind text, number int, present text[], observed_at timestamptz)
JOIN github_comments c ON c.repository_id = :repository AND c.number = e.number AND c.kind = e.kind
WHERE c.deleted_at IS NULL AND {_unlike("c")} AND c.github_id <> ALL (e.present)
ORDER BY c.kind, c.github_id
""")

_DELETED_THREADS = sa.text(f"""
SELECT t.node_id, e.observed_at
FROM json_to_recordset(:complete) AS e(number int, present text[], observed_at timestamptz)
JOIN github_review_threads t ON t.repository_id = :repository AND t.number = e.number
WHERE t.deleted_at IS NULL AND {_unlike("t")} AND t.node_id <> ALL (e.present)
ORDER BY t.node_id
""")


async def bury_comments(
    engine: AsyncEngine, known: KnownRepository, batch: Batch, read: Sequence[Conversation]
) -> None:
    """Add the tombstones of comments and threads that a conversation, read to its end, no longer has."""
    comments = [
        *(
            _complete(one, [str(each.id) for each in one.comments], kind="issue_comment")
            for one in read
            if one.comments_complete
        ),
        *(
            _complete(one, [str(each.id) for each in one.said.comments], kind="review_comment")
            for one in read
            if one.said.complete
        ),
    ]
    threads = [_complete(one, [each.id for each in one.said.threads]) for one in read if one.said.threads is not None]
    if not comments and not threads:
        return
    async with transaction(engine) as conn:
        for row in await conn.execute(_DELETED_COMMENTS, _among(known, comments)) if comments else ():
            key = {"kind": row.kind, "github_id": row.github_id}
            batch.bury(comment.noun, known.place.github_id, key, row.observed_at)
        for row in await conn.execute(_DELETED_THREADS, _among(known, threads)) if threads else ():
            batch.bury(review_thread.noun, known.place.github_id, {"node_id": row.node_id}, row.observed_at)


def _complete(conversation: Conversation, present: list[str], **more: str) -> dict[str, object]:
    """All that a conversation has of something, as the statements above take it."""
    told = {"number": conversation.payload.number, "observed_at": conversation.observed_at}
    return {**told, "present": present, **more}


def _among(known: KnownRepository, complete: list[dict[str, object]]) -> dict[str, str]:
    return {"complete": msgspec.json.encode(complete).decode(), "repository": known.place.id}
