"""The comment counter of pull requests, which issue objects report."""

from itertools import permutations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.mirror import comment, issue, pull_request
from ghsync.projector import project
from ghsync.projector.batch import Batch
from tests.mirror.reports import APP, at, hook, in_app, query, rows, write

pytestmark = pytest.mark.anyio

COUNTER = "SELECT comments_count, comments_updated_at FROM github_pull_requests"


def commented(seconds: float, count: int, github_id: int = 5) -> Batch:
    """A comment on pull request 2, with the count that its issue object shows."""
    batch = in_app()
    parent = issue.Payload(10, 2, comments=count, updated_at=at(seconds), pull_request={})
    written = comment.Payload(github_id, updated_at=at(seconds))
    batch.add(comment.noun, APP.id, comment.row(written, parent, hook(seconds)))
    batch.add_counter(pull_request.COMMENTS, APP.id, pull_request.comments_row(parent, hook(seconds)))
    return batch


def proposed(seconds: float, count: int | None = None) -> Batch:
    """Pull request 2, as a list shows it or with its own count."""
    batch = in_app()
    payload = pull_request.Payload(20, 2, comments=count, updated_at=at(seconds))
    batch.add(pull_request.noun, APP.id, pull_request.row(payload, hook(seconds)))
    return batch


async def test_the_newest_report_counts_in_whatever_order_they_come(engine: AsyncEngine) -> None:
    story = (proposed(1, 0), commented(2, 1), commented(3, 2, github_id=6), proposed(4))
    await write(engine, in_app())
    async with engine.connect() as conn:
        for order in permutations(story):
            for batch in order:
                await project.write(conn, batch)
            assert await rows(conn, COUNTER) == [(2, at(3))]
            await conn.rollback()


async def test_a_comment_before_its_pull_request_lends_its_count(engine: AsyncEngine) -> None:
    await write(engine, commented(3, 2), commented(2, 1, github_id=6), proposed(1))
    assert await query(engine, COUNTER) == [(2, at(3))]


async def test_a_comment_on_a_pull_request_that_nobody_knows_is_kept(engine: AsyncEngine) -> None:
    await write(engine, commented(2, 1))
    assert await query(engine, "SELECT number, comments_count FROM github_comments") == [(2, 1)]
    assert await query(engine, COUNTER) == []


async def test_the_newest_of_a_batch_counts(engine: AsyncEngine) -> None:
    batch = proposed(1)
    for seconds, count in ((3, 2), (2, 1)):
        parent = issue.Payload(10, 2, comments=count, updated_at=at(seconds), pull_request={})
        batch.add_counter(pull_request.COMMENTS, APP.id, pull_request.comments_row(parent, hook(seconds)))
    await write(engine, batch)
    assert await query(engine, COUNTER) == [(2, at(3))]


async def test_a_counter_is_told_to_the_feed(engine: AsyncEngine) -> None:
    await write(engine, proposed(1, 0), commented(2, 1))
    told = """SELECT old_values, new_values FROM change_events
              WHERE entity_type = 'github_pull_requests' AND operation = 'update'"""
    assert await query(engine, told) == [({"comments_count": 0}, {"comments_count": 1})]
