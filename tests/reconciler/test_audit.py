"""The audit finds what neither hooks nor sweeps told, and puts it right."""

import pytest

from ghsync.reconciler.audit import audit
from ghsync.simulator.actions import conversations
from ghsync.simulator.issue import Issue
from tests.reconciler.conftest import Lab

pytestmark = pytest.mark.anyio

ALL = 1000


def age(lab: Lab) -> None:
    """Let everything have been observed a while ago."""
    for table in ("github_issues", "github_pull_requests"):
        lab.connection.execute(f"UPDATE {table} SET observed_at = observed_at - interval '1 day'")


@pytest.mark.slow
async def test_a_mirror_that_is_right_has_no_findings(mirrored: Lab) -> None:
    age(mirrored)
    run, found = await audit(mirrored.reconciler, size=ALL)
    assert found == []
    assert run.rows_seen == len(issues_of(mirrored))


async def test_a_field_that_was_changed_by_hand_is_found_and_put_right(mirrored: Lab) -> None:
    age(mirrored)
    mirrored.connection.execute("UPDATE github_issues SET title = 'wrong'")
    run, found = await audit(mirrored.reconciler, size=ALL)
    assert found != []
    assert {tuple(one.mirrored.items()) for one in found} == {(("title", "wrong"),)}
    kept = mirrored.connection.execute("SELECT entity_type, number, mirrored, actual FROM sync_findings").fetchall()
    assert sorted(map(str, kept)) == sorted(
        str((one.entity_type, one.number, one.mirrored, one.actual)) for one in found
    )
    assert len(found) == sum(each.pull_request is None for each in issues_of(mirrored))
    assert mirrored.differences() == []
    assert run.rows_written == len(found)


async def test_what_changed_a_moment_ago_is_no_finding(mirrored: Lab) -> None:
    age(mirrored)
    for issue in issues_of(mirrored):
        conversations.edit(mirrored.world, issue.pull_request or issue, by=issue.repository.owner, title="Brighter")
    _, found = await audit(mirrored.reconciler, size=ALL)
    assert found == []


def issues_of(lab: Lab) -> list[Issue]:
    """All issues, and all pull requests as issues."""
    return [issue for repository in lab.world.repositories.values() for issue in repository.issues.values()]
