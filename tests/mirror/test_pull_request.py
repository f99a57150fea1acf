"""Pull requests: column groups that version apart, and merges that are final."""

from itertools import permutations
from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.mirror import pull_request
from ghsync.mirror.noun import Origin
from ghsync.mirror.pull_request import Branch, Payload
from ghsync.mirror.user import User
from ghsync.projector import project
from ghsync.projector.batch import Batch
from tests.mirror.reports import api, at, hook, in_app, query, rows, write

pytestmark = pytest.mark.anyio

LISTED = Payload(
    id=70, number=7, title="Dry run", user=User(1, "ada"), updated_at=at(0),
    head=Branch("topic", "head-1"), base=Branch("main", "base-1"),
)  # fmt: skip
STATS = {"additions": 5, "deletions": 4, "changed_files": 3, "commits": 2, "review_comments": 1}
CLEAN = {"mergeable": True, "mergeable_state": "clean"}


def says(origin: Origin, **fields: Any) -> Batch:
    """A batch with one report of the pull request."""
    batch = in_app()
    row = pull_request.row(msgspec.structs.replace(LISTED, **fields), origin)
    batch.add(pull_request.noun, 1, row)
    return batch


async def stored(engine: AsyncEngine, columns: str) -> tuple[Any, ...]:
    """Columns of the pull request."""
    (row,) = await query(engine, f"SELECT {columns} FROM github_pull_requests")
    return row


async def test_a_list_leaves_the_stats_alone(engine: AsyncEngine) -> None:
    whole = says(hook(1), **STATS, comments=9, merged_by=User(2, "lin"), updated_at=at(1))
    await write(engine, whole, says(api(5), title="Wet run", updated_at=at(5)))
    columns = "title, additions, deletions, changed_files, commits, review_comments_count, comments_count, merged_by"
    assert await stored(engine, columns) == ("Wet run", 5, 4, 3, 2, 1, 9, "lin")


async def test_stats_that_are_older_than_the_core_fill_what_no_newer_report_told(engine: AsyncEngine) -> None:
    await write(engine, says(api(5), title="Wet run", updated_at=at(5)), says(hook(1), **STATS, updated_at=at(1)))
    assert await stored(engine, "title, additions, stats_updated_at") == ("Wet run", 5, at(1))


async def test_stats_never_go_back(engine: AsyncEngine) -> None:
    await write(engine, says(hook(5), **STATS | {"additions": 50}, updated_at=at(5)))
    await write(engine, says(hook(1), **STATS, updated_at=at(1)))
    assert await stored(engine, "additions") == (50,)


async def test_an_unknown_mergeability_leaves_a_known_one_alone(engine: AsyncEngine) -> None:
    await write(engine, says(hook(1), **CLEAN), says(hook(2), mergeable=None, mergeable_state="unknown"))
    assert await stored(engine, "mergeable, mergeable_state") == (True, "clean")


@pytest.mark.parametrize(
    "moved",
    [
        {"head": Branch("topic", "head-2")},
        {"base": Branch("main", "base-2")},
        {"base": Branch("release", "base-1")},  # whose rules are others, though the commit is the same
    ],
    ids=str,
)
async def test_a_mergeability_ends_when_head_or_base_moves(engine: AsyncEngine, moved: dict[str, Branch]) -> None:
    await write(engine, says(hook(1), **CLEAN), says(hook(2), **moved))
    assert await stored(engine, "mergeable, mergeable_state") == (None, "unknown")


async def test_an_older_mergeability_holds_where_it_speaks_of_this_head_and_base(engine: AsyncEngine) -> None:
    await write(engine, says(hook(2), title="Wet run"), says(hook(1), **CLEAN))
    assert await stored(engine, "title, mergeable") == ("Wet run", True)


async def test_an_older_mergeability_of_another_head_says_nothing(engine: AsyncEngine) -> None:
    await write(engine, says(hook(2), head=Branch("topic", "head-2"), updated_at=at(2)), says(hook(1), **CLEAN))
    assert await stored(engine, "mergeable, mergeable_state") == (None, "unknown")


async def test_a_merge_is_final_and_closed(engine: AsyncEngine) -> None:
    merged = says(hook(1), state="closed", merged_at=at(1), closed_at=at(1), merge_commit_sha="m", updated_at=at(1))
    await write(engine, merged, says(hook(9), state="open", updated_at=at(9)))
    columns = "merged, state, merged_at, merge_commit_sha, mergeable, mergeable_state"
    assert await stored(engine, columns) == (True, "closed", at(1), "m", None, "unknown")


async def test_an_older_merge_closes_a_pull_request_that_a_newer_payload_showed_open(engine: AsyncEngine) -> None:
    merged = says(hook(1), state="closed", merged_at=at(1), merge_commit_sha="m", updated_at=at(1))
    await write(engine, says(hook(9), updated_at=at(9), **CLEAN), merged)
    assert await stored(engine, "merged, state, merged_at, mergeable") == (True, "closed", at(1), None)


async def test_a_merged_payload_that_says_open_is_closed_from_the_start(engine: AsyncEngine) -> None:
    await write(engine, says(hook(1), state="open", merged_at=at(1)))
    assert await stored(engine, "merged, state") == (True, "closed")


async def test_the_commit_of_a_test_merge_is_not_the_merge_commit(engine: AsyncEngine) -> None:
    await write(engine, says(hook(1), merge_commit_sha="test-merge"))
    assert await stored(engine, "merged, merge_commit_sha") == (False, None)


async def test_the_merge_commit_may_be_told_later_than_the_merge(engine: AsyncEngine) -> None:
    await write(engine, says(hook(1), merged_at=at(1)), says(api(2), merged_at=at(1), merge_commit_sha="m"))
    assert await stored(engine, "merge_commit_sha") == ("m",)


async def test_groups_reported_in_any_order_give_the_same_row(engine: AsyncEngine) -> None:
    story = (
        {"origin": hook(1), "updated_at": at(1), **STATS, **CLEAN},
        {"origin": api(2), "updated_at": at(1), "title": "Wet run"},
        {"origin": hook(3), "updated_at": at(3), "head": Branch("topic", "head-2"), "comments": 3},
        {"origin": hook(4), "updated_at": at(4), "head": Branch("topic", "head-2"), **STATS, "mergeable": False},
    )
    found = []
    await write(engine, in_app())
    async with engine.connect() as conn:
        for order in permutations(story):
            for report in order:
                await project.write(conn, says(**report))
            found += await rows(conn, "SELECT to_jsonb(t) - 'id' - 'synced_at' FROM github_pull_requests t")
            await conn.rollback()
    assert found == found[:1] * 24
    assert {"mergeable": False, "comments_count": 3, "head_sha": "head-2"}.items() <= found[0][0].items()


async def test_the_people_are_kept_in_githubs_order_and_deleted_accounts_left_out(engine: AsyncEngine) -> None:
    people = [User(2, "lin"), None, User(1, "ada")]
    await write(engine, says(hook(1), assignees=people, requested_reviewers=people))
    known = [{"id": 2, "login": "lin"}, {"id": 1, "login": "ada"}]
    assert await stored(engine, "assignees, reviewers") == (known, known)


async def test_a_pull_request_whose_head_repository_and_author_are_gone_is_written(engine: AsyncEngine) -> None:
    await write(engine, says(hook(1), user=None, head=Branch(None, "head-1", None), body=None))
    assert await stored(engine, "created_by, created_by_id, head_ref, head_repository_id, body") == (
        "ghost", None, None, None, None,
    )  # fmt: skip
