"""`pr_tracking`: what each column is derived from."""

import asyncio
from itertools import permutations
from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.mirror import label, pull_request, repository
from ghsync.mirror.noun import Origin
from ghsync.mirror.pull_request import Branch, Payload
from ghsync.mirror.user import Team, User
from ghsync.projector import project as gate
from ghsync.projector.batch import Batch
from ghsync.tracking import project
from tests.mirror.reports import ACME, api, at, empty, hook, in_app, jobs, query, rows, until_blocked, write

pytestmark = pytest.mark.anyio

OPEN = Payload(
    id=70, number=7, title="Dry run", user=User(1, "ada"), created_at=at(-60), updated_at=at(0),
    head=Branch("topic", "head-1"), base=Branch("main", "base-1"),
)  # fmt: skip


def says(origin: Origin, **fields: Any) -> Batch:
    """A batch with one report of the pull request."""
    batch = in_app()
    batch.add(pull_request.noun, 1, pull_request.row(msgspec.structs.replace(OPEN, **fields), origin))
    return batch


async def tracked(engine: AsyncEngine, columns: str) -> tuple[Any, ...]:
    """Columns of the pull request's row."""
    (row,) = await query(engine, f"SELECT {columns} FROM pr_tracking")
    return row


async def refresh(engine: AsyncEngine) -> list[project.TrackingChange]:
    """Derive the row anew."""
    async with transaction(engine) as conn:
        ((repository_id,),) = await rows(conn, "SELECT id::text FROM github_repositories")
        return await project.refresh(conn, [(repository_id, 7)])


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "open"),
        ({"draft": True}, "draft"),
        ({"state": "closed"}, "closed"),
        ({"state": "closed", "draft": True}, "closed"),
        ({"state": "closed", "merged_at": at(1)}, "merged"),
        ({"state": "closed", "draft": True, "merged_at": at(1)}, "merged"),
    ],
    ids=str,
)
async def test_status(engine: AsyncEngine, fields: dict[str, Any], status: str) -> None:
    await write(engine, says(hook(1), **fields))
    assert await tracked(engine, "status") == (status,)


@pytest.mark.parametrize(
    ("mergeable", "state", "merge_status"),
    [
        (None, "unknown", "pending"),
        (None, "clean", "pending"),
        (None, None, "pending"),
        (True, "unknown", "pending"),
        (True, None, "pending"),
        (True, "a_word_of_tomorrow", "pending"),
        (True, "clean", "mergeable"),
        (True, "has_hooks", "mergeable"),
        (True, "blocked", "blocked"),
        (True, "draft", "blocked"),
        (True, "behind", "behind"),
        (True, "unstable", "unstable"),
        (True, "dirty", "conflicting"),
        (False, "dirty", "conflicting"),
        (False, "blocked", "conflicting"),
        (False, None, "conflicting"),
    ],
)
async def test_merge_status(engine: AsyncEngine, mergeable: bool | None, state: str | None, merge_status: str) -> None:
    await write(engine, says(hook(1), mergeable=mergeable, mergeable_state=state))
    assert await tracked(engine, "merge_status") == (merge_status,)


@pytest.mark.parametrize(
    ("fields", "merge_status"),
    [({"state": "closed"}, "closed"), ({"state": "closed", "merged_at": at(1)}, "merged")],
    ids=str,
)
async def test_what_is_closed_needs_no_mergeability(
    engine: AsyncEngine, fields: dict[str, Any], merge_status: str
) -> None:
    await write(engine, says(hook(1), mergeable=True, mergeable_state="clean", **fields))
    assert await tracked(engine, "merge_status") == (merge_status,)
    assert await jobs(engine) == []


async def test_an_unknown_mergeability_of_an_open_pull_request_makes_a_refetch_due(engine: AsyncEngine) -> None:
    await write(engine, says(hook(1)))
    assert await jobs(engine) == ["refetch_pull_request"]


@pytest.mark.parametrize(
    ("fields", "review_status", "reviewers"),
    [
        ({}, "pending", []),
        ({"requested_teams": [Team(5, "crew")]}, "review_requested", []),
        (
            {"requested_reviewers": [User(3, "lin"), User(2, "joe")]},
            "review_requested",
            [
                {"login": "lin", "state": "review_requested", "submitted_at": None},
                {"login": "joe", "state": "review_requested", "submitted_at": None},
            ],
        ),
    ],
    ids=str,
)
async def test_review_status_and_reviewers(
    engine: AsyncEngine, fields: dict[str, Any], review_status: str, reviewers: list[dict[str, Any]]
) -> None:
    await write(engine, says(hook(1), **fields))
    assert await tracked(engine, "review_status, reviewers") == (review_status, reviewers)


async def test_what_is_not_known_yet_is_none_and_not_success(engine: AsyncEngine) -> None:
    await write(engine, says(hook(1)))
    columns = "ci_status, security_scan_status, test_coverage_percentage, quality_score"
    assert await tracked(engine, columns) == ("none", "none", None, None)


async def test_stats_are_zero_until_they_are_told_and_stay_when_a_list_is_silent(engine: AsyncEngine) -> None:
    columns = "lines_added, lines_deleted, files_changed, commits_count"
    await write(engine, says(api(1)))
    assert await tracked(engine, columns) == (0, 0, 0, 0)
    await write(engine, says(hook(2), additions=4, deletions=3, changed_files=2, commits=1), says(api(3)))
    assert await tracked(engine, columns) == (4, 3, 2, 1)


async def test_texts_people_labels_and_branches(engine: AsyncEngine) -> None:
    shown = label.Payload(5, "bug", color="f00", description="Broken")
    await write(
        engine, says(hook(1), body="Because.", labels=[shown], assignees=[User(2, "lin")], title="\N{SNOWMAN}" * 600)
    )
    columns = "title, description, author, assignees, labels, branch_name, base_branch"
    assert await tracked(engine, columns) == (
        "\N{SNOWMAN}" * 500,
        "Because.",
        "ada",
        [{"id": 2, "login": "lin"}],
        [{"id": 5, "name": "bug", "color": "f00", "description": "Broken"}],
        "topic",
        "main",
    )


async def test_a_pull_request_of_which_little_is_known(engine: AsyncEngine) -> None:
    await write(engine, says(hook(1), head=None, base=None, user=msgspec.UNSET))
    columns = "branch_name, base_branch, author, pr_url, repository_url"
    page = "https://github.com/acme/app"
    assert await tracked(engine, columns) == ("", "main", None, f"{page}/pull/7", page)


async def test_times_are_githubs(engine: AsyncEngine) -> None:
    await write(engine, says(hook(9), state="closed", merged_at=at(5), closed_at=at(5), updated_at=at(6)))
    columns = "created_at, updated_at, merged_at, closed_at"
    assert await tracked(engine, columns) == (at(-60), at(6), at(5), at(5))


async def test_the_time_of_change_is_the_newest_in_whatever_order_it_is_told(engine: AsyncEngine) -> None:
    for order in permutations((says(hook(1), updated_at=at(1)), says(hook(2), updated_at=at(2)))):
        await empty(engine, "organizations")
        await write(engine, *order)
        assert await tracked(engine, "updated_at") == (at(2),)


async def test_a_rename_reaches_every_row(engine: AsyncEngine) -> None:
    renamed = Batch()
    page = "https://github.com/acme/tool"
    renamed.see(repository.Payload(1, "acme/tool", owner=ACME, html_url=page, updated_at=at(5)), hook(5))
    await write(engine, says(hook(1)), says(hook(1), id=80, number=8), renamed)
    assert await query(engine, "SELECT repository_name, repository_url FROM pr_tracking") == [("acme/tool", page)] * 2


async def test_a_rename_is_told_to_the_feed(engine: AsyncEngine) -> None:
    renamed = Batch()
    renamed.see(repository.Payload(1, "acme/tool", owner=ACME, updated_at=at(5)), hook(5))
    await write(engine, says(hook(1)), renamed)
    told = """SELECT old_values ->> 'repository_name', new_values ->> 'repository_name' FROM change_events
              WHERE entity_type = 'pr_tracking' AND operation = 'update'"""
    assert await query(engine, told) == [("acme/app", "acme/tool")]


async def test_a_tombstone_shows_in_the_metadata(engine: AsyncEngine) -> None:
    gone = in_app()
    gone.add(pull_request.noun, 1, pull_request.row(OPEN, hook(5), deleted=True))
    await write(engine, says(hook(1)), gone)
    assert await tracked(engine, "metadata ->> 'deleted_at' IS NOT NULL, metadata ->> 'head_sha'") == (True, "head-1")


async def test_the_task_its_workflow_and_its_newest_session(engine: AsyncEngine) -> None:
    await write(engine, says(hook(1)))
    async with transaction(engine) as conn:
        ((task,),) = await rows(
            conn,
            """INSERT INTO tasks (project_id, title)
               SELECT project_id, 'A task' FROM github_repositories RETURNING id::text""",
        )
        await rows(
            conn,
            """INSERT INTO task_github_links (task_id, repository_id, kind, number, source, confidence)
               SELECT :task, id, 'pull_request', 7, 'manual', 1 FROM github_repositories""",
            task=task,
        )
    assert await tracked(engine, "task_id::text") == (None,)
    (change,) = await refresh(engine)
    assert change.fields == {"task_id"}
    assert await tracked(engine, "task_id::text, workflow_id, created_by_session_id") == (task, None, None)


async def test_a_refresh_writes_nothing_when_nothing_changed(engine: AsyncEngine) -> None:
    await write(engine, says(hook(1), labels=[label.Payload(5, "bug")], requested_reviewers=[User(2, "lin")]))
    before = await tracked(engine, "xmin::text, id::text")
    assert await refresh(engine) == []
    assert await tracked(engine, "xmin::text, id::text") == before


async def test_a_refresh_tells_what_changed(engine: AsyncEngine) -> None:
    await write(engine, says(hook(1)))
    await query(engine, "UPDATE github_pull_requests SET title = 'Wet run', draft = true")
    (change,) = await refresh(engine)
    assert (change.number, change.created, change.fields) == (7, False, {"title", "status"})
    assert change.old == '{"title": "Dry run", "status": "open"}'
    assert change.new == '{"title": "Wet run", "status": "draft"}'
    assert change.undecided


async def test_an_unknown_pull_request_is_not_tracked(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        assert await project.refresh(conn, [("00000000-0000-0000-0000-000000000000", 1)]) == []
        assert await project.refresh(conn, []) == []


async def test_a_reader_of_the_feed_learns_of_every_tracked_change(engine: AsyncEngine) -> None:
    await write(engine, says(hook(1)), says(hook(2), title="Wet run", updated_at=at(2)))
    told = (
        """SELECT operation, new_values ->> 'title' FROM change_events WHERE entity_type = 'pr_tracking' ORDER BY seq"""
    )
    assert await query(engine, told) == [("insert", "Dry run"), ("update", "Wet run")]


async def test_deriving_for_a_link_never_brings_back_what_a_payload_has_just_changed(engine: AsyncEngine) -> None:
    async def track() -> None:
        async with transaction(engine) as conn:
            await gate.track(conn, [(repository_id, 7)])

    await write(engine, says(hook(1)))
    ((repository_id,),) = await query(engine, "SELECT id::text FROM github_repositories")
    async with transaction(engine) as conn:
        await gate.write(conn, says(hook(2), title="Wet run", updated_at=at(2)))
        tracking = asyncio.create_task(track())
        await until_blocked(engine)
    await tracking
    assert await tracked(engine, "title") == ("Wet run",)
