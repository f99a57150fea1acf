"""Which pull requests a change of something else concerns: reviews name theirs, checks only the commit at its head."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch
from ghsync.mirror import heads, security_alert
from ghsync.mirror.keys import CommitKey, PullRequestKey
from ghsync.mirror.noun import Noun, Row
from ghsync.mirror.nouns import NOUNS, OF_COMMITS, OF_PULL_REQUESTS
from ghsync.mirror.upsert import Change
from ghsync.projector.resolved import Key, ResolvedBatch, RowKey

_TRACKED = tuple(noun for noun in NOUNS if noun.tracked)

# Where code scanning sees something now, and where it saw that before.
_SEEN = sa.text("""
WITH seen AS (
  SELECT a.repository_id, a.pull_request_number AS number, a.commit_sha
  FROM github_security_alerts a WHERE a.id = ANY(CAST(:alerts AS uuid[]))
  UNION
  SELECT was.repository_id, (was.old ->> 'pull_request_number')::int, was.old ->> 'commit_sha'
  FROM unnest(CAST(:repositories AS uuid[]), CAST(:olds AS jsonb[])) AS was(repository_id, old)
)
SELECT p.repository_id::text, p.number
FROM seen JOIN github_pull_requests p ON p.repository_id = seen.repository_id AND p.number = seen.number
UNION
SELECT p.repository_id::text, p.number
FROM seen JOIN github_pull_requests p ON p.repository_id = seen.repository_id AND p.head_sha = seen.commit_sha
""")

_HEADS = {
    noun: sa.text(f"SELECT id::text, head_sha FROM {noun.name} WHERE id = ANY(CAST(:ids AS uuid[]))")
    for noun in OF_COMMITS
}

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
class ConcernedPullRequests:
    """The pull requests that rows of a batch concern, by noun and key."""

    by_row: dict[RowKey, list[PullRequestKey]] = field(default_factory=dict)
    warned: frozenset[PullRequestKey] = frozenset()

    def of(self, noun: Noun, key: Key) -> list[PullRequestKey]:
        """The pull requests that one row concerns."""
        return self.by_row.get((noun, key), [])

    def tracked(self, changes: Iterable[Change]) -> set[PullRequestKey]:
        """Those whose tracking depends on what changed."""
        found = {pull for change in changes if change.noun in _TRACKED for pull in self.of(change.noun, change.key)}
        return found | self.warned


async def find(
    conn: AsyncConnection, resolved: ResolvedBatch, changes: Sequence[Change], unsettled: Iterable[RowKey]
) -> ConcernedPullRequests:
    """What the rows concern that changed, or that are not settled."""
    asked = {(change.noun, change.key) for change in changes} | set(unsettled)
    rows = {
        (noun, key): row
        for noun in {noun for noun, _ in asked} & {*OF_PULL_REQUESTS, *_TRACKED}
        for key, row in resolved.of(noun).items()
        if (noun, key) in asked
    }
    rows |= await _stored(conn, [change for change in changes if (change.noun, change.key) not in rows])
    at_head = await heads.pull_requests(conn, filter(None, (_commit(*place, row) for place, row in rows.items())))
    return ConcernedPullRequests(
        {place: _pull_requests(*place, row, at_head) for place, row in rows.items()},
        await _warned(conn, [change for change in changes if change.noun is security_alert.noun]),
    )


async def _stored(conn: AsyncConnection, changes: Sequence[Change]) -> dict[RowKey, Row]:
    """What is needed of rows that changed and are not in the batch, which found them gone."""
    rows: dict[RowKey, Row] = {
        (change.noun, change.key): {"number": change.number} for change in changes if change.noun in OF_PULL_REQUESTS
    }
    for noun, statement in _HEADS.items():
        if ids := {change.id: change.key for change in changes if change.noun is noun}:
            for row in await fetch(conn, statement, {"ids": list(ids)}):
                rows[noun, ids[row.id]] = {"head_sha": row.head_sha}
    return rows


async def _warned(conn: AsyncConnection, alerts: Sequence[Change]) -> frozenset[PullRequestKey]:
    """The pull requests that these alerts concern, or concerned before."""
    in_code = [change for change in alerts if change.key[1] == "code_scanning"]
    of_all = sorted({change.key[:2] for change in alerts if change.key[1] != "code_scanning"})
    found: list[PullRequestKey] = []
    if in_code:
        places = {
            "alerts": [change.id for change in in_code],
            "repositories": [change.key[0] for change in in_code],
            "olds": [change.old for change in in_code],
        }
        found += [PullRequestKey(row.repository_id, row.number) for row in await fetch(conn, _SEEN, places)]
    if of_all:
        asked = {"repositories": [one for one, _ in of_all], "kinds": [kind for _, kind in of_all]}
        found += [PullRequestKey(row.repository_id, row.number) for row in await fetch(conn, _WARNED, asked)]
    return frozenset(found)


def _commit(noun: Noun, key: Key, row: Row) -> CommitKey | None:
    """The commit that a row speaks of, if it speaks of one and of no pull request."""
    return CommitKey(key[0], row["head_sha"]) if noun in OF_COMMITS else None


def _pull_requests(
    noun: Noun, key: Key, row: Row, at_head: dict[CommitKey, list[PullRequestKey]]
) -> list[PullRequestKey]:
    commit = _commit(noun, key, row)
    return [PullRequestKey(key[0], row["number"])] if commit is None else at_head.get(commit, [])
