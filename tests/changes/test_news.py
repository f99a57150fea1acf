"""What the feed tells of which issue or pull request, and what is no news."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.mirror import comment, issue, security_alert
from tests.mirror import reports
from tests.mirror.reports import APP, SUBJECTS, Report, Subject, at, hook, in_app, query, write

pytestmark = pytest.mark.anyio

NUMBERS = {
    "github_issues": 7, "github_pull_requests": 8,
    "github_comments": 8, "github_reviews": 8, "github_review_threads": 8,
}  # fmt: skip


async def told(engine: AsyncEngine, table: str) -> list[tuple[Any, ...]]:
    """Operation and number of what the feed tells of a table."""
    return await query(
        engine, "SELECT operation, number FROM change_events WHERE entity_type = :table ORDER BY seq", table=table
    )


@pytest.mark.parametrize("subject", [one for one in SUBJECTS if one is not reports.REPOSITORY], ids=str)
async def test_every_entry_names_the_issue_or_pull_request_that_it_is_about(
    engine: AsyncEngine, subject: Subject
) -> None:
    await write(engine, subject.batch(Report("one", at(1), hook(1))), subject.batch(Report("two", at(2), hook(2))))
    number = NUMBERS.get(subject.noun.name)
    assert await told(engine, subject.noun.name) == [("insert", number), ("update", number)]


async def test_a_comment_that_goes_is_told_with_the_number_of_its_issue(engine: AsyncEngine) -> None:
    said = Report("x", at(1), hook(1))
    await write(engine, reports.COMMENT.batch(said), reports.COMMENT.batch(replace(said, origin=hook(2), deleted=True)))
    assert await told(engine, "github_comments") == [("insert", 8), ("delete", 8)]


async def test_an_alert_of_a_pull_request_names_that_and_no_other_names_its_own(engine: AsyncEngine) -> None:
    batch = in_app()
    for number, ref in ((3, "refs/pull/8/merge"), (4, "refs/heads/main")):
        instance = security_alert.Instance(ref=ref)
        payload = security_alert.Payload(number=number, state="open", most_recent_instance=instance, updated_at=at(1))
        batch.add(security_alert.noun, APP.id, security_alert.row(payload, "code_scanning", hook(1)))
    await write(engine, batch)
    assert await told(engine, "github_security_alerts") == [("insert", 8), ("insert", None)]


async def test_a_comment_whose_conversation_was_counted_anew_is_no_news(engine: AsyncEngine) -> None:
    for seconds, count in ((1, 1), (2, 2)):
        batch = in_app()
        payload = comment.Payload(id=7, body="The same.", updated_at=at(1))
        parent = issue.Payload(id=8, number=8, comments=count, updated_at=at(seconds))
        batch.add(comment.noun, APP.id, comment.row(payload, parent, hook(seconds)))
        await write(engine, batch)
    assert await query(engine, "SELECT comments_count FROM github_comments") == [(2,)]
    assert await told(engine, "github_comments") == [("insert", 8)]


async def test_what_changed_on_one_issue_is_found_by_an_index(engine: AsyncEngine) -> None:
    await write(engine, in_app())
    ((repository,),) = await query(engine, "SELECT id::text FROM github_repositories")
    await query(
        engine,
        """INSERT INTO change_events (seq, entity_type, entity_id, repository_id, number, operation, sync_source)
           SELECT n, 'github_issues', gen_random_uuid(), :repository, n % 1000, 'update', 'webhook'
           FROM generate_series(100, 20000) n""",
        repository=repository,
    )
    await query(engine, "ANALYZE change_events")
    asked = f"SELECT * FROM change_events WHERE repository_id = '{repository}' AND number = 7 ORDER BY seq"
    plan = await query(engine, f"EXPLAIN {asked}")
    assert "repository_id_number_seq_idx on change_events_y" in "".join(line for (line,) in plan)
