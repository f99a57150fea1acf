"""Verification finds nothing in a mirror that the gate wrote, and whatever anybody else did to it."""

from collections.abc import Iterator
from datetime import datetime

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import schema
from ghsync.errors import UnderWay
from ghsync.inbox import queue
from ghsync.mirror import comment, issue, nouns, review
from ghsync.mirror.noun import Noun
from ghsync.projector.batch import Batch
from ghsync.verification import shadow
from ghsync.verification import verify as verification
from ghsync.verification.finding import Report
from tests import postgres
from tests.mirror import reports
from tests.mirror.reports import api, at
from tests.stories import story
from tests.verification import mirrors
from tests.verification.mirrors import of, verify

every_noun = pytest.mark.parametrize("noun", nouns.NOUNS, ids=lambda noun: noun.name)

FIRST, SECOND, *_ = story.NAMES


@pytest.fixture
def told(database_url: str) -> str:
    """A database in which the first story was told."""
    mirrors.at_work(database_url, lambda engine: mirrors.tell(engine, [FIRST]))
    return database_url


@pytest.fixture(scope="module")
def untouched(server_url: str, template: str) -> Iterator[Report]:
    """What is found where everything was told."""
    with postgres.database(server_url, template=template) as url:
        mirrors.at_work(url, mirrors.tell_everything)
        yield verify(url)


@pytest.fixture(scope="module")
def changed(server_url: str, template: str) -> Iterator[Report]:
    """What is found where everything was told, and then somebody changed a row of every noun by hand."""
    with postgres.database(server_url, template=template) as url:
        mirrors.at_work(url, mirrors.tell_everything)
        with psycopg.connect(url, autocommit=True) as connection:
            for noun in nouns.NOUNS:
                mirrors.change(connection, noun)
        yield verify(url)


@pytest.fixture(scope="module")
def changed_readings(server_url: str, template: str) -> Iterator[Report]:
    """The same, where the API alone had told of every noun."""
    with postgres.database(server_url, template=template) as url:
        mirrors.at_work(url, mirrors.read_from_api)
        with psycopg.connect(url, autocommit=True) as connection:
            for noun in nouns.NOUNS:
                mirrors.change(connection, noun)
        yield verify(url)


@pytest.mark.slow
def test_nothing_is_found_where_only_the_gate_wrote(untouched: Report) -> None:
    assert untouched.findings == []
    assert untouched.unreadable == 0
    assert untouched.pull_requests > 0
    assert all(judged.rows > 0 and judged.unjudged == 0 for judged in untouched.tables.values())


def test_every_noun_is_compared(untouched: Report) -> None:
    assert {noun.name for noun in nouns.NOUNS} == set(untouched.tables) <= set(schema.MIRRORED)


@pytest.mark.slow
@every_noun
def test_a_column_that_was_changed_by_hand_is_found_twice_and_named(changed: Report, noun: Noun) -> None:
    found = [finding for finding in of(changed, noun.name) if finding.live == "by hand"]

    assert {finding.check for finding in found} == {"replay", "feed"}
    assert {finding.column for finding in found} == {mirrors.column(noun)}
    assert {finding.problem for finding in found} == {"differs"}
    assert len({repr(finding.key) for finding in found}) == 1
    assert len({repr(finding.expected) for finding in found}) == 1


@pytest.mark.slow
@every_noun
def test_a_column_of_a_row_that_the_api_wrote_is_found_by_the_feed(changed_readings: Report, noun: Noun) -> None:
    found = of(changed_readings, noun.name)

    assert [(finding.check, finding.column, finding.live) for finding in found] == [
        ("feed", mirrors.column(noun), "by hand")
    ]


@pytest.mark.slow
def test_a_review_that_rest_has_read_is_as_new_as_the_question_was(database_url: str) -> None:
    def read(seconds: float, updated_at: datetime | None) -> Batch:
        batch = reports.in_app()
        payload = review.Payload(id=7, body="Nice", updated_at=updated_at)
        batch.add(review.noun, reports.APP.id, review.row(payload, 8, api(seconds)))
        return batch

    mirrors.at_work(database_url, lambda engine: reports.write(engine, read(2, at(1)), read(3, None)))
    assert verify(database_url).findings == []


@pytest.mark.slow
def test_a_row_that_is_missing_or_too_many_is_found_by_replay_and_feed(
    told: str, connection: psycopg.Connection
) -> None:
    (gone,) = connection.execute("DELETE FROM github_comments RETURNING github_id").fetchone() or ()
    columns = ", ".join(column.name for column in issue.table.c if column.name not in ("id", "number"))
    connection.execute(
        f"INSERT INTO github_issues (number, {columns}) SELECT 4711, {columns} FROM github_issues LIMIT 1"
    )

    report = verify(told)

    missing, surplus = of(report, comment.noun.name), of(report, issue.noun.name)
    assert {(finding.check, finding.problem) for finding in missing} == {("replay", "missing"), ("feed", "missing")}
    assert gone in {finding.key["github_id"] for finding in missing}
    assert {(finding.check, finding.problem) for finding in surplus} == {("replay", "surplus"), ("feed", "surplus")}
    assert {finding.key["number"] for finding in surplus} == {4711}
    assert {finding.key["repository"] for finding in surplus} == {"tarnfield/stationd"}


@pytest.mark.slow
def test_a_row_that_is_newer_or_older_than_all_deliveries_is_found(told: str, connection: psycopg.Connection) -> None:
    connection.execute("UPDATE github_issues SET updated_at = updated_at + interval '1 hour'")
    connection.execute("UPDATE github_repositories SET updated_at = updated_at - interval '1 hour'")

    report = verify(told)

    assert {(finding.check, finding.column) for finding in of(report, "github_issues")} == {("replay", "updated_at")}
    assert ("replay", "updated_at") in {
        (finding.check, finding.column) for finding in of(report, "github_repositories")
    }


@pytest.mark.slow
def test_tracking_that_was_changed_by_hand_is_found_by_the_feed_and_by_deriving_it_anew(
    database_url: str, connection: psycopg.Connection
) -> None:
    mirrors.at_work(database_url, mirrors.tell)
    was = "SELECT title FROM pr_tracking ORDER BY id LIMIT 1"
    (title,) = connection.execute(was).fetchone() or ()
    connection.execute(
        "UPDATE pr_tracking SET title = 'by hand' WHERE id = (SELECT id FROM pr_tracking ORDER BY id LIMIT 1)"
    )

    found = verify(database_url).findings

    assert [(finding.check, finding.column, finding.live, finding.expected) for finding in found] == [
        ("feed", "title", "by hand", title),
        ("tracking", "title", "by hand", title),
    ]
    assert connection.execute(was).fetchone() == ("by hand",)


@pytest.mark.slow
def test_what_the_api_told_later_is_not_judged_by_replay(told: str) -> None:
    async def read(engine: AsyncEngine) -> None:
        async with engine.connect() as conn:
            row = (
                await conn.execute(
                    sa.text(
                        "SELECT r.github_id, r.full_name, i.number, i.github_id AS issue "
                        "FROM github_issues i JOIN github_repositories r ON r.id = i.repository_id"
                    )
                )
            ).one()
        payload = issue.Payload(id=int(row.issue), number=row.number, title="Read later", updated_at=at(10**8))
        batch = Batch()
        batch.mention(int(row.github_id))
        batch.add(issue.noun, int(row.github_id), issue.row(payload, api(10**8)))
        await reports.write(engine, batch)

    mirrors.at_work(told, read)
    report = verify(told)

    assert report.findings == []
    assert report.tables["github_issues"].unjudged == 1


@pytest.mark.slow
def test_what_is_projected_meanwhile_is_no_finding(told: str, connection: psycopg.Connection) -> None:
    def work(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("Replaying the inbox", 0):
            mirrors.at_work(told, lambda engine: mirrors.tell(engine, [SECOND]))

    before = connection.execute("SELECT count(*) FROM webhook_deliveries").fetchone()
    report = verification.verify(told, work)

    assert report.findings == []
    assert (report.deliveries,) == before
    assert before < (connection.execute("SELECT count(*) FROM webhook_deliveries").fetchone() or ())


@pytest.mark.slow
def test_a_delivery_that_waits_is_no_finding_whether_it_was_projected_before_or_not(told: str) -> None:
    async def act(engine: AsyncEngine) -> None:
        async with engine.begin() as conn:
            ids = (await conn.execute(sa.text("SELECT id FROM webhook_deliveries ORDER BY id DESC LIMIT 3"))).scalars()
            await queue.requeue(conn, list(ids))
        new = story.load(SECOND)
        await story.receive(engine, new, list(new.deliveries))

    mirrors.at_work(told, act)
    report = verify(told)

    assert report.findings == []
    assert report.waiting > 3


@pytest.mark.slow
def test_parked_deliveries_that_cannot_be_read_are_skipped_and_counted(
    told: str, connection: psycopg.Connection
) -> None:
    connection.execute("""
        INSERT INTO webhook_deliveries (hook_target, guid, event, status, last_error, processed_at, headers, body)
        VALUES ('app:1', 'bad', 'issues', 'parked', 'unreadable', now(), '{}', '{}')""")

    report = verify(told)

    assert (report.findings, report.unreadable) == ([], 1)


@pytest.mark.slow
def test_what_was_removed_from_the_inbox_is_not_missed(told: str, connection: psycopg.Connection) -> None:
    connection.execute("DELETE FROM webhook_deliveries WHERE id < (SELECT max(id) FROM webhook_deliveries)")

    assert verify(told).findings == []


@pytest.mark.slow
def test_nothing_of_the_shadow_stays_and_what_was_left_of_an_earlier_one_is_dropped(
    told: str, connection: psycopg.Connection
) -> None:
    connection.execute(f"CREATE SCHEMA {shadow.SCHEMA}")
    connection.execute(f"CREATE TABLE {shadow.SCHEMA}.github_issues (left_over int)")
    jobs = "SELECT kind, key, due_at FROM sync_jobs ORDER BY kind, key"
    before = connection.execute(jobs).fetchall()

    assert verify(told).findings == []
    assert connection.execute(mirrors.SCHEMAS).fetchall() == []
    assert connection.execute(jobs).fetchall() == before


@pytest.mark.slow
def test_the_shadow_is_dropped_when_a_verification_breaks(told: str, connection: psycopg.Connection) -> None:
    def interrupt(stage: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verification.verify(told, interrupt)
    assert connection.execute(mirrors.SCHEMAS).fetchall() == []


@pytest.mark.slow
def test_of_two_verifications_at_once_the_second_says_so(told: str) -> None:
    with shadow.standing(told), pytest.raises(UnderWay, match="verified already"):
        verify(told)


@pytest.mark.slow
def test_members_are_compared(database_url: str, connection: psycopg.Connection) -> None:
    mirrors.at_work(database_url, mirrors.tell_members)
    assert verify(database_url).findings == []

    connection.execute("UPDATE organization_members SET role = 'owner'")
    connection.execute("DELETE FROM project_members")
    found = verify(database_url).findings

    assert [(one.table, one.problem, one.column, one.live, one.expected) for one in found] == [
        ("organization_members", "differs", "role", "owner", "admin"),
        ("project_members", "missing", None, None, None),
    ]
    connection.execute("UPDATE organization_members SET observed_at = now(), confirmed_at = now()")  # as the API told
    assert [one.table for one in verify(database_url).findings] == ["project_members"]


@pytest.mark.slow
def test_a_ping_is_ignored_by_a_replay_too(database_url: str) -> None:
    mirrors.at_work(database_url, mirrors.tell_ping)
    assert verify(database_url).findings == []
