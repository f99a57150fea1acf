"""Refetches: what a payload could not settle is asked of the API, many at once, and written like any other report.

A pull request whose mergeability GitHub has not computed yet is asked again, after twice as long each time.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import jobs, metrics
from ghsync.database import first_line, transaction
from ghsync.errors import (
    AccessLost,
    GhsyncError,
    GraphQLUnavailable,
    Permanent,
    RateLimited,
    TooHeavy,
    UnreadableAnswer,
)
from ghsync.github.graphql import answers
from ghsync.jobs import DueJobs
from ghsync.mirror import pull_request
from ghsync.mirror.keys import RepositoryId
from ghsync.projector.batch import Batch
from ghsync.reconciler import absentees, alerts, catalog, conversations, heads, installations, places, runs, unread
from ghsync.reconciler.absentees import Absentee
from ghsync.reconciler.catalog import KnownRepository
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.runs import Tally
from ghsync.reconciler.session import Session

log = structlog.get_logger()

T = TypeVar("T")

AT_ONCE = 50
LONGEST_SECONDS = 6 * 3600.0  # between two attempts at what cannot be read
ASKED_AT_MOST = 12  # two hours: then the next event or sweep asks again


@dataclass(frozen=True, slots=True)
class RefetchTarget:
    """An issue or pull request that is to be read again; ``key`` is its job's."""

    key: str
    repository_id: RepositoryId
    absentee: Absentee
    node_id: str | None = None
    head_sha: str | None = None


Failed = dict[RefetchTarget, str]
"""What could not be read, each with a sentence that names it."""

# A comment is read with its conversation, which is cheaper than to find out where it belongs.
_WANTED = sa.text("""
WITH wanted AS (
  SELECT key, split_part(key, '#', 1)::uuid AS repository_id, split_part(key, '#', 2) AS id
  FROM unnest(CAST(:keys AS text[])) AS key
), numbered AS (
  SELECT key, repository_id, id::int AS number FROM wanted WHERE :kind <> 'refetch_comment'
  UNION ALL
  SELECT w.key, w.repository_id, c.number FROM wanted w JOIN github_comments c
    ON c.repository_id = w.repository_id AND c.kind IN ('issue_comment', 'review_comment') AND c.github_id = w.id
  WHERE :kind = 'refetch_comment'
)
SELECT n.key, n.repository_id::text, n.number, p.head_sha,
       CASE WHEN p.number IS NULL AND :kind <> 'refetch_pull_request' THEN i.node_id ELSE p.node_id END AS node_id,
       CASE WHEN p.number IS NULL AND :kind <> 'refetch_pull_request' THEN 'issues' ELSE 'pull_requests' END AS what
FROM numbered n
LEFT JOIN github_issues i ON i.repository_id = n.repository_id AND i.number = n.number
LEFT JOIN github_pull_requests p ON p.repository_id = n.repository_id AND p.number = n.number
  AND :kind <> 'refetch_issue'
ORDER BY n.key
""")


async def conversation_round(reconciler: Reconciler, kind: str, tally: Tally) -> int:
    """Read again the issues, pull requests or comments that are due, fifty at a time; answers how many that were."""
    async with transaction(reconciler.engine) as conn:
        due = await jobs.due(conn, kind, AT_ONCE)
        if not due.keys:
            return 0
        rows = await conn.execute(_WANTED, {"kind": kind, "keys": due.keys})
        wanted = [
            RefetchTarget(
                row.key, row.repository_id, Absentee(absentees.NOUNS[row.what], row.number), row.node_id, row.head_sha
            )
            for row in rows
        ]
        seen = await places.these(conn, [one.repository_id for one in wanted])
        readable = reconciler.readable(seen)
        known = {place.id: await catalog.stored(conn, place) for part in readable.values() for place in part}
        # What may not be seen now is read in full when it may be again.
        reached = {one.key for one in wanted if one.repository_id in known}
        await jobs.finish(conn, kind, due.of(key for key in due.keys if key not in reached))
    for installation, part in readable.items():
        ids = {place.id for place in part}
        mine = [one for one in wanted if one.repository_id in ids]
        await _read(reconciler, installation, kind, mine, known, due, tally)
    return len(due.keys)


async def _read(
    reconciler: Reconciler,
    installation: str | None,
    kind: str,
    wanted: Sequence[RefetchTarget],
    known: Mapping[RepositoryId, KnownRepository],
    due: DueJobs,
    tally: Tally,
) -> None:
    """Read again what one installation sees, and write it; one that cannot be read, or stored, holds up no other."""
    try:
        session = await reconciler.session(installation, "reconcile", "event", meter=tally.meter)
        looking = read_checks if kind == "refetch_checks" else read
        batch, failed = await looking(reconciler, session, wanted, known)
        await _write(session, kind, wanted, known, due, tally, batch, failed)
    except AccessLost as error:
        await _postpone(reconciler, kind, [one.key for one in wanted], error)
        if installation is not None:
            await installations.make_due(reconciler, installation)
    except GhsyncError as error:
        if isinstance(error, Permanent | UnreadableAnswer) and len(wanted) > 1:  # it is one of them, perhaps
            middle = len(wanted) // 2
            for part in (wanted[:middle], wanted[middle:]):
                await _read(reconciler, installation, kind, part, known, due, tally)
        else:
            await _postpone(reconciler, kind, [one.key for one in wanted], error)


async def _write(
    session: Session,
    kind: str,
    wanted: Sequence[RefetchTarget],
    known: Mapping[RepositoryId, KnownRepository],
    due: DueJobs,
    tally: Tally,
    batch: Batch,
    failed: Failed,
) -> None:
    """Write what was read, and settle the jobs in the same transaction."""
    unmerged = {
        (str(row["repository"]), row["number"])
        for row in batch.rows.get(pull_request.noun, {}).values()
        if pull_request.is_undecided(row)
    }
    again = [
        one.key for one in wanted if (str(known[one.repository_id].place.github_id), one.absentee.number) in unmerged
    ]
    in_vain = {one.key for one in failed}
    done = due.of(one.key for one in wanted if one.key not in again and one.key not in in_vain)

    async def settle(conn: AsyncConnection) -> None:
        await jobs.finish(conn, kind, done)
        for one, sentence in failed.items():
            await jobs.postpone(conn, kind, [one.key], sentence, longest_seconds=LONGEST_SECONDS)
        undecided = [key for key in again if key not in in_vain]
        await jobs.postpone(conn, kind, undecided, jobs.UNDECIDED, max_attempts=ASKED_AT_MOST)

    told = await session.gate.write(batch, settle)
    _count(kind, done=len(done.versions), failed=len(failed), undecided=len(set(again) - in_vain))
    tally.rows_seen += len(wanted)
    tally.rows_written += len(told)
    log.info("refetched", kind=kind, jobs=len(wanted), again=len(again), changed=len(told))


async def read(
    reconciler: Reconciler,
    session: Session,
    wanted: Sequence[RefetchTarget],
    known: Mapping[RepositoryId, KnownRepository],
) -> tuple[Batch, Failed]:
    """What GitHub says of each now, and what could not be read; ``known`` are their repositories by our ids."""
    batch, failed = Batch(), Failed()
    for one, conversation in (await _answers(session, wanted, known)).items():
        there = known[one.repository_id]
        batch.mention(there.place.github_id)
        try:
            if conversation is None:
                await absentees.settle(session, there, one.absentee, batch)
            else:
                whole = await conversations.completed(reconciler.engine, there, [conversation])
                conversations.add(session, batch, there.place.github_id, whole[0])
                await absentees.bury_comments(reconciler.engine, there, batch, whole)
        except GhsyncError as error:
            _fail(failed, one, there, error)
    return batch, failed | _partly(session, wanted)


def _fail(failed: Failed, one: RefetchTarget, there: KnownRepository, error: GhsyncError) -> None:
    """Note that one could not be read; raises the error where it is not that one's alone."""
    if not unread.is_of_one(error) or len(failed) == unread.MOST:
        raise error
    failed[one] = f"{there.place.full_name}#{one.absentee.number} could not be read: {error}"


def _partly(session: Session, wanted: Sequence[RefetchTarget]) -> Failed:
    """Those of which a part could not be read."""
    return {
        one: sentence
        for one in wanted
        for job in (
            unread.conversation(one.repository_id, one.absentee.number, pull=one.absentee.noun is pull_request.noun),
            unread.checks(one.repository_id, one.absentee.number),
        )
        if (sentence := session.unread.sentences.get(job))
    }


async def _answers(
    session: Session, wanted: Sequence[RefetchTarget], known: Mapping[RepositoryId, KnownRepository]
) -> dict[RefetchTarget, conversations.Conversation | None]:
    """What GraphQL says of each; None where it does not say, so that REST is asked."""
    found: dict[RefetchTarget, conversations.Conversation | None] = dict.fromkeys(wanted)
    asked = [one for one in wanted if one.node_id]
    if not asked:
        return found
    try:
        answer = await session.graphql("refetch", ids=[one.node_id for one in asked])
        for one, node in _beside(asked, answers.refetch(answer.data)):
            if node is not None and node.number == one.absentee.number:
                with suppress(UnreadableAnswer):  # by itself it may be read
                    found[one] = await conversations.read(session, known[one.repository_id], node, answer.observed_at)
    except (GraphQLUnavailable, TooHeavy, RateLimited) as error:
        log.warning("graphql_given_up", jobs=len(asked), error=first_line(error))
    return found


def _beside(asked: Sequence[RefetchTarget], nodes: Sequence[T]) -> Iterator[tuple[RefetchTarget, T]]:
    """What was asked for with what came; an answer of another length says nothing."""
    if len(asked) != len(nodes):
        raise GraphQLUnavailable("GraphQL's answer has not as many nodes as were asked for; REST is asked instead.")
    return zip(asked, nodes, strict=True)


async def read_checks(
    reconciler: Reconciler,
    session: Session,
    wanted: Sequence[RefetchTarget],
    known: Mapping[RepositoryId, KnownRepository],
) -> tuple[Batch, Failed]:
    """What GitHub says of the checks of these pull requests' heads, as the mirror or GraphQL knows the heads."""
    batch = Batch()
    now = session.github.now()
    shown = {one: heads.PullRequestHead(one.absentee.number, one.head_sha, now) for one in wanted if one.head_sha}
    asked = [one for one in wanted if one.node_id]
    try:
        if asked:
            seen = heads.variables(known[asked[0].repository_id].place)
            answer = await session.graphql("heads", ids=[one.node_id for one in asked], **seen)
            for one, node in _beside(asked, answers.heads(answer.data)):
                if node is not None and node.commit:
                    shown[one] = heads.PullRequestHead(node.number, node.head_ref_oid, answer.observed_at, node)
    except (GraphQLUnavailable, TooHeavy, RateLimited) as error:
        log.warning("graphql_given_up", jobs=len(asked), error=first_line(error))
    for one, head in shown.items():
        there = known[one.repository_id]
        batch.mention(there.place.github_id)
        for checked in await heads.read(session, there, [head]):
            heads.add(session, batch, there.place.github_id, checked)
    return batch, _partly(session, wanted)


async def repository_round(reconciler: Reconciler, tally: Tally) -> int:
    """Read again the repositories that are due, with their labels and milestones; answers how many that were."""
    kind = "refetch_repository"
    async with transaction(reconciler.engine) as conn:
        due = await jobs.due(conn, kind, AT_ONCE)
        seen = await places.these(conn, due.keys) if due.keys else []
        readable = [place for part in reconciler.readable(seen).values() for place in part]
        reached = {place.id for place in readable}
        await jobs.finish(conn, kind, due.of(key for key in due.keys if key not in reached))
        in_part = await jobs.failed(conn, kind, due.keys)  # of these, more may be unread than their labels
    for place in readable:

        async def look(place: places.Place = place) -> None:
            session = await reconciler.session(place.installation, "reconcile", "event", meter=tally.meter)
            known = await catalog.read(session, reconciler.engine, place)
            if place.id in in_part:
                await alerts.read(session, reconciler.engine, known)
            if sentence := session.unread.sentence:
                raise UnreadableAnswer(sentence)

        await _settle(reconciler, kind, place.id, due, look)
    return len(due.keys)


async def installation_round(reconciler: Reconciler, tally: Tally) -> int:
    """Read again the installations that are due, and what they see; answers how many that were."""
    kind = "refetch_installation"
    async with transaction(reconciler.engine) as conn:
        due = await jobs.due(conn, kind, AT_ONCE)
    for key in due.keys:

        async def look(key: str = key) -> None:
            app = reconciler.app_session("reconcile", "event", meter=tally.meter)
            await installations.refresh_one(reconciler, app, key)

        await _settle(reconciler, kind, key, due, look)
    return len(due.keys)


async def _settle(
    reconciler: Reconciler, kind: str, key: str, due: DueJobs, look: Callable[[], Awaitable[None]]
) -> None:
    try:
        await look()
    except GhsyncError as error:
        await _postpone(reconciler, kind, [key], error)
        return
    async with transaction(reconciler.engine) as conn:
        await jobs.finish(conn, kind, due.of([key]))
    _count(kind, done=1)


def _count(kind: str, **outcomes: int) -> None:
    for outcome, number in outcomes.items():
        metrics.refetches.labels(kind, outcome).inc(number)


async def _postpone(reconciler: Reconciler, kind: str, keys: Sequence[str], error: Exception) -> None:
    _count(kind, failed=len(keys))
    async with transaction(reconciler.engine) as conn:
        of_one = isinstance(error, GhsyncError) and unread.is_of_one(error)
        longest = LONGEST_SECONDS if of_one else jobs.LONGEST_SECONDS
        await jobs.postpone(conn, kind, keys, first_line(error), longest_seconds=longest)
    log.warning("refetch_postponed", kind=kind, jobs=len(keys), error=first_line(error))


async def do_due(reconciler: Reconciler) -> int:
    """Do what is due of every kind; answers how many jobs that were. What it cost is in the run of its hour."""
    async with runs.added_up(reconciler.engine) as tally:
        done = await installation_round(reconciler, tally) + await repository_round(reconciler, tally)
        for kind in ("refetch_pull_request", "refetch_issue", "refetch_comment", "refetch_checks"):
            done += await conversation_round(reconciler, kind, tally)
    return done
