"""A closing keyword closes only from a pull request into the default branch; elsewhere it is a mention.

https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
"""

from datetime import datetime
from itertools import permutations
from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.mirror import pull_request
from ghsync.mirror.pull_request import Branch, BranchRepository, Payload
from ghsync.projector.batch import Batch
from ghsync.tasks import links
from tests.mirror.reports import APP, at, empty, hook, query, rows, write

pytestmark = pytest.mark.anyio

PULL = Payload(
    id=80, number=8, title="Retry", body="Fixes #5", head=Branch("topic", "head"), base=Branch("main", "base"),
    updated_at=at(1),
)  # fmt: skip
LINK = "SELECT source, confidence >= 0.5 FROM task_github_links WHERE kind = 'pull_request'"
OUTCOME = "SELECT (SELECT github_pr_number FROM tasks), (SELECT count(task_id) FROM pr_tracking)"
CLOSES, MENTIONS = [("closing_keyword", True)], [("cross_reference", False)]

# What `told` is told.
Fact = dict[str, Any]
OPENED: Fact = {"seconds": 1, "base": "main"}
MERGED: Fact = {"seconds": 2, "base": "main", "merged": True}
RENAMED: Fact = {"seconds": 3, "default": "trunk"}
LABELED: Fact = {"seconds": 4, "base": "main", "default": "trunk", "merged": True}
MERGED_ELSEWHERE: tuple[Fact, Fact] = ({"seconds": 1, "base": "next"}, {"seconds": 2, "base": "next", "merged": True})
PREFERRED: Fact = {"seconds": 3, "default": "next"}


def told(seconds: float, base: str | None = None, default: str = "main", *, merged: bool = False) -> Batch:
    """What GitHub tells at some time: of the repository, and of the pull request if it names a base."""
    batch = Batch()
    tell(batch, seconds, base, default, merged=merged)
    return batch


def tell(batch: Batch, seconds: float, base: str | None = None, default: str = "main", *, merged: bool = False) -> None:
    """As `told`, into a batch that may tell other things too."""
    batch.see(msgspec.structs.replace(APP, default_branch=default, updated_at=at(seconds)), hook(seconds))
    if base:
        payload = msgspec.structs.replace(
            PULL,
            base=Branch(base, "base", BranchRepository(APP.id, default)),
            state="closed" if merged else "open",
            merged_at=at(2) if merged else None,
            updated_at=at(seconds),
        )
        batch.add(pull_request.noun, APP.id, pull_request.row(payload, hook(seconds)))


async def begin(engine: AsyncEngine) -> None:
    """A task that is linked to issue 5, and nothing else."""
    await empty(engine, "organizations")
    await write(engine, told(0))
    async with transaction(engine) as conn:
        ((task, repository),) = await rows(
            conn,
            """INSERT INTO tasks (project_id, title) SELECT project_id, 'A task' FROM github_repositories
               RETURNING id::text, (SELECT id::text FROM github_repositories)""",
        )
        await links.link(conn, task, repository, "issue", 5, evidence="Ada")


async def test_a_closing_keyword_closes_from_the_default_branch_alone(engine: AsyncEngine) -> None:
    await begin(engine)
    await write(engine, told(1, "next"))
    assert await query(engine, LINK) == MENTIONS
    assert await query(engine, OUTCOME) == [(None, 0)]


@pytest.mark.slow
async def test_a_new_base_makes_a_mention_a_claim_and_the_other_way_round_in_any_order(engine: AsyncEngine) -> None:
    for bases, link, outcome in ((("next", "main"), CLOSES, (8, 1)), (("main", "next"), MENTIONS, (None, 0))):
        for order in permutations((told(1, bases[0]), told(2, bases[1]), told(2, bases[1]))):
            await begin(engine)
            await write(engine, *order)
            assert await query(engine, LINK) == link, bases
            assert await query(engine, OUTCOME) == [outcome], bases


async def test_another_default_branch_moves_the_claims_in_any_order(engine: AsyncEngine) -> None:
    for base, link, outcome in (("next", CLOSES, (8, 1)), ("main", MENTIONS, (None, 0))):
        for order in permutations((told(1, base), told(2, default="next"))):
            await begin(engine)
            await write(engine, *order)
            assert await query(engine, LINK) == link, base
            assert await query(engine, OUTCOME) == [outcome], base


@pytest.mark.slow
async def test_a_rename_of_the_default_branch_keeps_the_claims_of_what_was_merged_in_any_order(
    engine: AsyncEngine,
) -> None:
    for order in permutations((OPENED, MERGED, RENAMED, LABELED)):
        await begin(engine)
        await write(engine, *(told(**fact) for fact in (*order, order[0])))
        assert await query(engine, LINK) == CLOSES, order
        assert await query(engine, OUTCOME) == [(8, 1)], order


@pytest.mark.slow
async def test_what_was_merged_elsewhere_closes_nothing_when_that_becomes_the_default_in_any_order(
    engine: AsyncEngine,
) -> None:
    for order in permutations((*MERGED_ELSEWHERE, PREFERRED)):
        await begin(engine)
        await write(engine, *(told(**fact) for fact in (*order, order[0])))
        assert await query(engine, LINK) == MENTIONS, order
        assert await query(engine, OUTCOME) == [(None, 0)], order


@pytest.mark.slow
async def test_one_batch_tells_of_a_merge_and_another_default_branch_what_several_do(engine: AsyncEngine) -> None:
    for facts, link in (((OPENED, MERGED, RENAMED, LABELED), CLOSES), ((*MERGED_ELSEWHERE, PREFERRED), MENTIONS)):
        for order in permutations(facts):
            await begin(engine)
            batch = Batch()
            for fact in order:
                tell(batch, **fact)
            await write(engine, batch)
            assert await query(engine, LINK) == link, order


@pytest.mark.parametrize("merged_at", [None, at(1)])
async def test_where_the_base_is_not_known_the_keyword_counts(engine: AsyncEngine, merged_at: datetime | None) -> None:
    await begin(engine)
    batch = told(1)
    payload = msgspec.structs.replace(PULL, base=None, merged_at=merged_at)
    batch.add(pull_request.noun, APP.id, pull_request.row(payload, hook(1)))
    await write(engine, batch)
    assert await query(engine, LINK) == CLOSES
