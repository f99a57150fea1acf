"""Which pull requests a change of something else concerns: reviews name theirs, checks only the commit at its head."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.mirror import heads, review, review_thread, security_alert
from ghsync.mirror.heads import Commit
from ghsync.mirror.noun import Noun, Row
from ghsync.mirror.registry import Written
from ghsync.mirror.upsert import Change
from ghsync.projector.batch import Batch

PullRequest = tuple[str, int]
"""A pull request, by its repository (our id) and number."""

_OF_PULL_REQUESTS = (review.noun, review_thread.noun)
_TRACKED = (review.noun, security_alert.noun, *heads.CHECKS)


# What speaks of a repository as a whole concerns all that is open in it, where its project's rules say so.
_WARNED = sa.text("""
SELECT p.repository_id::text, p.number
FROM unnest(CAST(:repositories AS uuid[]), CAST(:kinds AS text[])) AS alert(repository_id, kind)
JOIN github_repositories r ON r.id = alert.repository_id
JOIN projects project ON project.id = r.project_id
JOIN github_pull_requests p ON p.repository_id = r.id AND p.state = 'open'
WHERE tracking_rules(project.settings) #> ARRAY['security', 'alerts', alert.kind] <> '[]'
""")


@dataclass(frozen=True, slots=True)
class Concerned:
    """The pull requests that rows of a batch concern, by noun and key."""

    by_row: dict[tuple[Noun, tuple[Any, ...]], list[PullRequest]] = field(default_factory=dict)
    warned: frozenset[PullRequest] = frozenset()

    def of(self, noun: Noun, key: tuple[Any, ...]) -> list[PullRequest]:
        """The pull requests that one row concerns."""
        return self.by_row.get((noun, key), [])

    def tracked(self, changes: Iterable[Change]) -> set[PullRequest]:
        """Those whose tracking depends on what changed."""
        found = {pull for change in changes if change.noun in _TRACKED for pull in self.of(change.noun, change.key)}
        return found | self.warned


async def find(
    conn: AsyncConnection, batch: Batch, written: Written, changes: Sequence[Change], unordered: Iterable[Any]
) -> Concerned:
    """What the rows concern that changed, or that are in no order."""
    asked = {(change.noun, change.key) for change in changes} | set(unordered)
    rows = {
        (noun, key): row
        for noun in {noun for noun, _ in asked} & {*_OF_PULL_REQUESTS, *_TRACKED}
        for key, row in by_key(batch, written, noun).items()
        if (noun, key) in asked
    }
    at_head = await heads.pull_requests(conn, filter(None, (_commit(*place, row) for place, row in rows.items())))
    alerts = {change.key[:2] for change in changes if change.noun is security_alert.noun}
    return Concerned(
        {place: _pull_requests(*place, row, at_head) for place, row in rows.items()},
        await _warned(conn, {(repository_id, kind) for repository_id, kind in alerts if kind != "code_scanning"}),
    )


async def _warned(conn: AsyncConnection, alerts: set[tuple[str, str]]) -> frozenset[PullRequest]:
    """The open pull requests of repositories (our ids) that have alerts of these kinds."""
    if not alerts:
        return frozenset()
    asked = {"repositories": [one for one, _ in sorted(alerts)], "kinds": [kind for _, kind in sorted(alerts)]}
    return frozenset((row.repository_id, row.number) for row in await conn.execute(_WARNED, asked))


def by_key(batch: Batch, written: Written, noun: Noun) -> dict[tuple[Any, ...], Row]:
    """The batch's rows of a noun by their keys as they are stored."""
    return {(written.ids[key[0]], *key[1:]): row for key, row in batch.rows.get(noun, {}).items()}


def _commit(noun: Noun, key: tuple[Any, ...], row: Row) -> Commit | None:
    """The commit that a row speaks of, if it speaks of one and of no pull request."""
    sha = row["head_sha"] if noun in heads.CHECKS else row.get("commit_sha") if noun is security_alert.noun else None
    return (key[0], sha) if sha else None


def _pull_requests(
    noun: Noun, key: tuple[Any, ...], row: Row, at_head: dict[Commit, list[PullRequest]]
) -> list[PullRequest]:
    number = row["number"] if noun in _OF_PULL_REQUESTS else row.get("pull_request_number")
    commit = _commit(noun, key, row)
    return ([(key[0], number)] if number else []) + (at_head.get(commit, []) if commit else [])
