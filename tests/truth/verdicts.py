"""What the mirror must say of how pull requests stand: whether one is ready, and that only then nothing blocks it.

Of a closed one nobody reads the checks any more, so that only reviews and merging are compared.
"""

from dataclasses import asdict

import psycopg

from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World
from tests.simulator import verdict
from tests.truth.values import Key, Row, Rows, Tables

TABLE = "pr_tracking"
JUDGED_ONCE_CLOSED = ("merge_status", "review_status")

# Alerts are in the way of what is ready otherwise.
FOUND = """
SELECT r.github_id, t.pr_number, t.merge_status, t.review_status, t.ci_status,
       (t.merge_status, t.review_status, t.ci_status) = ('mergeable', 'approved', 'success') AS ready,
       EXISTS (SELECT FROM pr_blockers(t.repository_id, t.pr_number) AS blocker WHERE blocker.kind <> 'alert')
         AS blocked
FROM pr_tracking t JOIN github_repositories r ON r.id = t.repository_id
WHERE (r.github_id, t.pr_number) IN (
  SELECT * FROM unnest(%s::text[], %s::int[]))
"""


def of(world: World, repository: Repository) -> Tables:
    """How its pull requests stand now."""
    pulls = repository.pull_requests.values()
    return {TABLE: {(str(repository.id), each.number): _verdict(world, each) for each in pulls}}


def mirrored(connection: psycopg.Connection, keys: Rows) -> Rows:
    """How the mirror says that these pull requests (GitHub's id of the repository, number) stand."""
    repositories, numbers = [repository for repository, _ in keys], [number for _, number in keys]
    cursor = connection.execute(FOUND, [repositories, numbers])
    names = [column.name for column in cursor.description or ()][2:]
    return {_key(row): dict(zip(names, row[2:], strict=True)) for row in cursor}


def _verdict(world: World, pull: PullRequest) -> Row:
    found = verdict.of(pull, world.now())
    said: Row = asdict(found)
    if pull.issue.state == "closed":
        return {name: said[name] for name in JUDGED_ONCE_CLOSED}
    return {**said, "ready": found.ready, "blocked": not found.ready or pull.repository.archived}


def _key(row: tuple[object, ...]) -> Key:
    return row[:2]
