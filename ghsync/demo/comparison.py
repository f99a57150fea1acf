"""The last scene: while the people rest, every row is compared with what the simulated GitHub shows."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from ghsync.database import transaction
from ghsync.demo.crowd import Crowd
from ghsync.demo.figures import follow_ups, undone
from ghsync.demo.patience import until
from ghsync.demo.stage import Stage, command
from ghsync.errors import Permanent
from ghsync.mirror import check_suite
from ghsync.mirror.nouns import NOUNS
from ghsync.reconciler import audit
from ghsync.simulator.issue import Issue

WORDS = ("resync", "--all", "--full", "--dry-run", "--json")
"""What `ghsync resync` would change, read through the API; it writes nothing."""

TABLES = frozenset(noun.name for noun in NOUNS)
"""What GitHub shows; `pr_tracking` follows from it."""

ASIDE = audit.COMPUTED | {
    f"reported_{name}" for name in ("mergeable", "mergeable_state", "head_sha", "base_sha", "base_ref")
}
"""GitHub computes when it is asked, also of what is closed, whether something can be merged."""

SHOWN = 3

_CONVERSATIONS = sa.text("""
SELECT r.github_id || '#' || i.number || ' is an issue, ' || i.state || ': ' || i.title
FROM github_issues i JOIN github_repositories r ON r.id = i.repository_id
WHERE i.deleted_at IS NULL AND i.transferred_to IS NULL AND r.deleted_at IS NULL
UNION ALL
SELECT r.github_id || '#' || p.number || ' is a pull request, ' || CASE WHEN p.merged THEN 'merged' ELSE p.state END
       || ': ' || p.title
FROM github_pull_requests p JOIN github_repositories r ON r.id = p.repository_id
WHERE p.deleted_at IS NULL AND r.deleted_at IS NULL
""")


async def play(stage: Stage, crowd: Crowd) -> AsyncIterator[str]:
    """Compare, and raise `Permanent` where anything differs."""
    await crowd.rest()
    yield "People rest. Waiting some seconds for follow-ups: GitHub is asked what payloads left open."
    await until(lambda: _is_still(stage), "all that was sent was projected")
    yield "`ghsync resync --all --full --dry-run` compares every row with GitHub's API."
    outcome = msgspec.json.decode(await command(stage, *WORDS))
    async with transaction(stage.engine) as conn:
        mirrored = set(await conn.scalars(_CONVERSATIONS))
    wrong = [*differences(outcome["differences"]), *(mirrored ^ _conversations(stage))]
    crowd.act()
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise Permanent(f"The mirror is not as the simulated GitHub is: {'; '.join(wrong[:SHOWN])}{more}.")
    read = sum(row["read"] for row in outcome["repositories"])
    yield f"Every row equals what the simulated GitHub shows: {read} issues and pull requests compared."


def differences(told: Iterable[Mapping[str, Any]]) -> list[str]:
    """What a dry run would change of what GitHub shows, in words."""
    found = []
    for one in told:
        fields = sorted(one["actual"].keys() - ASIDE) if one["operation"] == "update" else [one["operation"]]
        if one["table"] in TABLES and fields and not _is_untold(one):
            found.append(f"{one['repository']}#{one['number']} in {one['table']} ({', '.join(fields)})")
    return found


def _is_untold(difference: Mapping[str, Any]) -> bool:
    """Whether it is of a suite of checks that goes on: hooks tell when suites end."""
    status = difference["actual"].get("status", "completed")
    return bool(difference["table"] == check_suite.noun.name and status != "completed")


async def _is_still(stage: Stage) -> bool:
    async with transaction(stage.engine) as conn:
        return not await follow_ups(conn) and not await undone(conn, stage)


def _conversations(stage: Stage) -> set[str]:
    """What there is, straight from the simulated GitHub's memory, in the words of `_CONVERSATIONS`."""
    return {
        f"{repository.id}#{number} is {_state(issue)}: {issue.title}"
        for repository in stage.github.repositories
        for number, issue in repository.issues.items()
    }


def _state(issue: Issue) -> str:
    if issue.pull_request is None:
        return f"an issue, {issue.state}"
    return f"a pull request, {'merged' if issue.pull_request.merged_at else issue.state}"
