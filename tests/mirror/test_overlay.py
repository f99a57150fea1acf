"""Labels, milestones and pushes reach issues and pull requests, whichever comes first (I5)."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.mirror import branch, issue, label, milestone, pull_request, repository
from ghsync.mirror.pull_request import Branch
from ghsync.projector import project
from ghsync.projector.batch import Batch
from tests.mirror.reports import ACME, api, at, hook, in_app, jobs, query, rows, write

pytestmark = pytest.mark.anyio

SPRING = milestone.Payload(4, 4, "spring", updated_at=at(0))


def bug(seconds: float, name: str = "bug", *, deleted: bool = False) -> Batch:
    """The label 7 as a `label` event shows it."""
    batch = in_app()
    payload = label.Payload(7, name, color="f00", description=None)
    batch.add(label.noun, 1, label.row(payload, hook(seconds), deleted=deleted))
    return batch


def season(seconds: float, title: str, *, deleted: bool = False) -> Batch:
    """The milestone 4 as a `milestone` event shows it."""
    batch = in_app()
    row = milestone.row(milestone.Payload(4, 4, title, updated_at=at(seconds)), hook(seconds), deleted=deleted)
    batch.add(milestone.noun, 1, row)
    return batch


def push(seconds: float, sha: str, name: str = "main") -> Batch:
    """A push to a branch."""
    batch = in_app()
    batch.add(branch.noun, 1, branch.row(f"refs/heads/{name}", sha, hook(seconds)))
    return batch


def filed(seconds: float, name: str = "bug", season: milestone.Payload | None = SPRING) -> Batch:
    """Issue 1 and pull request 2, both with the label as it was called then and a milestone."""
    batch = in_app()
    labels = [label.Payload(7, name, color="f00"), label.Payload(8, "other")]
    what: dict[str, Any] = {"labels": labels, "milestone": season, "updated_at": at(seconds)}
    batch.add(issue.noun, 1, issue.row(issue.Payload(10, 1, **what), hook(seconds)))
    batch.add(pull_request.noun, 1, pull_request.row(pull_request.Payload(20, 2, **what), hook(seconds)))
    return batch


def proposed(seconds: float, *, base: str = "main", mergeable: bool | None = True, sha: str = "b") -> Batch:
    """Pull request 2 from topic, with what GitHub says of its mergeability."""
    batch = in_app()
    payload = pull_request.Payload(
        20, 2, head=Branch("topic", "h"), base=Branch(base, sha), mergeable=mergeable, mergeable_state="clean",
        updated_at=at(seconds),
    )  # fmt: skip
    batch.add(pull_request.noun, 1, pull_request.row(payload, hook(seconds)))
    return batch


async def outcomes(engine: AsyncEngine, statement: str, story: Sequence[Batch]) -> list[list[tuple[Any, ...]]]:
    """What a statement answers after the batches came in each possible order; every outcome once."""
    found = []
    await write(engine, in_app())
    async with engine.connect() as conn:
        for order in permutations(story):
            for batch in order:
                await project.write(conn, batch)
            found.append(await rows(conn, statement))
            await conn.rollback()
    return [outcome for place, outcome in enumerate(found) if outcome not in found[:place]]


LABELS = """SELECT labels -> 0 ->> 'name', jsonb_array_length(labels) FROM github_issues
            UNION ALL SELECT labels -> 0 ->> 'name', jsonb_array_length(labels) FROM github_pull_requests"""
MILESTONES = """SELECT milestone ->> 'title' FROM github_issues
                UNION ALL SELECT milestone ->> 'title' FROM github_pull_requests"""
MERGEABLE = "SELECT mergeable, mergeable_state FROM github_pull_requests"


async def test_a_label_renamed_later_is_shown_by_its_new_name(engine: AsyncEngine) -> None:
    assert await outcomes(engine, LABELS, [bug(1), filed(2), bug(3, "flaw")]) == [[("flaw", 2), ("flaw", 2)]]


async def test_a_label_renamed_earlier_is_shown_as_the_payload_has_it(engine: AsyncEngine) -> None:
    assert await outcomes(engine, LABELS, [bug(1, "flaw"), filed(2)]) == [[("bug", 2), ("bug", 2)]]


async def test_a_label_deleted_later_is_gone_from_what_carried_it(engine: AsyncEngine) -> None:
    story = [filed(1), bug(2, "flaw"), bug(3, deleted=True)]
    assert await outcomes(engine, LABELS, story) == [[("other", 1), ("other", 1)]]


@pytest.mark.slow
async def test_a_label_renamed_there_and_back_is_shown_by_its_last_name(engine: AsyncEngine) -> None:
    story = [bug(1), bug(2, "flaw"), filed(3, "flaw"), bug(4)]
    assert await outcomes(engine, LABELS, story) == [[("bug", 2), ("bug", 2)]]


async def test_a_milestone_edited_later_is_shown_as_edited(engine: AsyncEngine) -> None:
    story = [season(1, "spring"), filed(2), season(3, "summer")]
    assert await outcomes(engine, MILESTONES, story) == [[("summer",), ("summer",)]]


async def test_a_milestone_deleted_later_is_gone_from_what_carried_it(engine: AsyncEngine) -> None:
    story = [filed(1), season(2, "summer"), season(3, "summer", deleted=True)]
    assert await outcomes(engine, MILESTONES, story) == [[(None,), (None,)]]


async def test_what_was_filed_after_an_edit_keeps_what_it_says(engine: AsyncEngine) -> None:
    autumn = milestone.Payload(5, 5, "autumn", updated_at=at(0))
    story = [season(1, "summer"), filed(2, season=autumn), season(3, "winter")]
    assert await outcomes(engine, MILESTONES, story) == [[("autumn",), ("autumn",)]]


@pytest.mark.slow
async def test_a_later_edit_of_an_issue_and_its_label_both_count(engine: AsyncEngine) -> None:
    story = [filed(1), bug(2, "flaw"), filed(3, "flaw"), bug(4, "defect")]
    assert await outcomes(engine, LABELS, story) == [[("defect", 2), ("defect", 2)]]


async def test_the_change_of_a_label_is_told_of_what_carries_it(engine: AsyncEngine) -> None:
    await write(engine, filed(1), bug(2, "flaw"))
    told = await query(
        engine,
        """SELECT entity_type, number, new_values -> 'labels' -> 0 ->> 'name' FROM change_events
           WHERE operation = 'update' AND entity_type <> 'pr_tracking' ORDER BY 1""",
    )
    assert told == [("github_issues", 1, "flaw"), ("github_pull_requests", 2, "flaw")]
    assert await query(engine, "SELECT labels -> 0 ->> 'name' FROM pr_tracking") == [("flaw",)]


async def test_labels_of_another_repository_do_not_matter(engine: AsyncEngine) -> None:
    elsewhere = Batch()
    elsewhere.see(repository.Payload(2, "acme/lib", owner=ACME, updated_at=at(0)), hook(0))
    elsewhere.add(label.noun, 2, label.row(label.Payload(7, "foreign"), hook(5)))
    await write(engine, filed(1), elsewhere)
    assert await query(engine, LABELS) == [("bug", 2), ("bug", 2)]


async def test_a_push_to_the_base_voids_what_was_said_of_mergeability(engine: AsyncEngine) -> None:
    story = [push(1, "a"), proposed(2), push(3, "c")]
    assert await outcomes(engine, MERGEABLE, story) == [[(None, "unknown")]]


async def test_what_is_said_after_the_push_holds(engine: AsyncEngine) -> None:
    story = [proposed(1, mergeable=False), push(2, "c"), proposed(3)]
    assert await outcomes(engine, MERGEABLE, story) == [[(True, "clean")]]


async def test_a_base_pushed_there_and_back_voids_what_was_said_before_the_last_push(engine: AsyncEngine) -> None:
    story = [push(1, "a"), push(2, "c"), proposed(3), push(4, "a")]
    assert await outcomes(engine, MERGEABLE, story) == [[(None, "unknown")]]


async def test_a_push_to_another_branch_voids_nothing(engine: AsyncEngine) -> None:
    story = [proposed(1), push(2, "c", "dev"), push(3, "c", "topic")]
    assert await outcomes(engine, MERGEABLE, story) == [[(True, "clean")]]


async def test_a_pull_request_moved_to_another_base_has_no_mergeability(engine: AsyncEngine) -> None:
    story = [proposed(1), push(2, "d", "dev"), proposed(3, base="dev", mergeable=None, sha="d")]
    assert await outcomes(engine, MERGEABLE, story) == [[(None, "unknown")]]


async def test_a_pull_request_moved_to_another_base_of_the_same_commit_is_pending_and_asked_for(
    engine: AsyncEngine,
) -> None:
    status = "SELECT t.merge_status FROM pr_tracking t"
    await write(engine, proposed(1))
    assert await query(engine, status) == [("mergeable",)]
    assert await jobs(engine) == []
    await write(engine, proposed(2, base="dev", mergeable=None))
    assert await query(engine, MERGEABLE) == [(None, "unknown")]
    assert await query(engine, status) == [("pending",)]
    assert await query(engine, "SELECT ready FROM pr_validation_status") == [(False,)]
    assert await jobs(engine) == ["refetch_pull_request"]


async def test_a_pull_request_moved_to_another_base_ends_the_same_in_any_order(engine: AsyncEngine) -> None:
    story = [proposed(1), push(2, "d", "dev"), proposed(3, base="dev", mergeable=None, sha="d")]
    everything = "SELECT to_jsonb(t) - 'id' - 'synced_at' FROM github_pull_requests t"
    assert len(await outcomes(engine, everything, story)) == 1


async def test_a_push_to_its_base_or_head_makes_a_refetch_due(engine: AsyncEngine) -> None:
    await write(engine, proposed(1))
    assert await jobs(engine) == []
    await write(engine, push(2, "c", "elsewhere"))
    assert await jobs(engine) == []
    await write(engine, push(3, "new", "topic"))
    assert await jobs(engine) == ["refetch_pull_request"]
    await query(engine, "DELETE FROM sync_jobs")
    await write(engine, push(4, "c"))
    assert await jobs(engine) == ["refetch_pull_request"]


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
@pytest.mark.parametrize(("sha", "name", "due"), [
    ("new", "topic", ["refetch_pull_request"]), ("h", "topic", []),
    ("c", "main", ["refetch_pull_request"]), ("c", "elsewhere", []),
])  # fmt: skip
async def test_a_pull_request_that_comes_after_a_later_push_is_refetched(
    engine: AsyncEngine, sha: str, name: str, due: list[str], *, together: bool
) -> None:
    late, pull = push(3, sha, name), proposed(1)
    if together:
        late.rows |= pull.rows
    await write(engine, *((late,) if together else (late, pull)))
    assert await jobs(engine) == due


async def test_an_older_report_about_another_base_does_not_take_the_place_of_a_void_one(engine: AsyncEngine) -> None:
    story = [proposed(1), proposed(2, base="dev"), push(3, "d", "dev")]
    everything = "SELECT to_jsonb(t) - 'id' - 'synced_at' FROM github_pull_requests t"
    assert len(await outcomes(engine, everything, story)) == 1


async def test_a_push_that_comes_again_makes_no_refetch_due(engine: AsyncEngine) -> None:
    await write(engine, proposed(1), push(2, "c"), proposed(3))
    await query(engine, "DELETE FROM sync_jobs")
    await write(engine, push(2, "c"))
    assert await jobs(engine) == []


async def test_a_push_of_the_commit_that_the_head_has_already_makes_no_refetch_due(engine: AsyncEngine) -> None:
    await write(engine, proposed(1), push(2, "h", "topic"))
    assert await jobs(engine) == []


async def test_the_api_is_believed_after_a_push(engine: AsyncEngine) -> None:
    seen = in_app()
    payload = pull_request.Payload(
        20, 2, base=Branch("main", "b"), head=Branch("topic", "h"), mergeable=False, updated_at=at(1)
    )
    seen.add(pull_request.noun, 1, pull_request.row(payload, api(3)))
    await write(engine, proposed(1), push(2, "c"), seen)
    assert await query(engine, "SELECT mergeable FROM github_pull_requests") == [(False,)]


async def test_a_milestone_that_says_what_is_shown_already_is_no_news(engine: AsyncEngine) -> None:
    due = milestone.Payload(4, 4, "spring", due_on=at(9), updated_at=at(0))
    told = in_app()
    told.add(milestone.noun, 1, milestone.row(due, hook(3)))
    await write(engine, filed(2, season=due), told)
    assert await query(engine, "SELECT entity_type FROM change_events WHERE operation = 'update'") == []
