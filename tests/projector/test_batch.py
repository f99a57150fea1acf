"""Collapsing a batch gives the rows that its deliveries give one by one (I5)."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import database
from ghsync.mirror import installation, issue, label, milestone, pull_request, repository
from ghsync.mirror.installation import Account
from ghsync.mirror.issue import Destination, DestinationRepository, Transfer
from ghsync.mirror.noun import Origin
from ghsync.mirror.pull_request import Branch
from ghsync.projector import project
from ghsync.projector.batch import Batch, merge
from tests.mirror.reports import ACME, APP, api, arrival, at, hook, rows

MOMENTS = st.integers(0, 3)
TEXTS = st.sampled_from(["a", "b"])
OBSERVERS = st.sampled_from([hook, arrival, api])


@dataclass(frozen=True)
class Told:
    """What one report says; each noun takes what it has."""

    noun: str
    changed: int
    observed: int
    origin: Origin
    text: str
    deleted: bool
    number: int | None
    known: bool | None
    final: bool


told = st.builds(
    lambda noun, changed, lag, observer, *rest: Told(
        noun, changed, changed * 10 + lag, observer(changed * 10 + lag), *rest
    ),
    st.sampled_from(["repository", "installation", "issue", "pull_request", "label", "milestone"]),
    MOMENTS,
    MOMENTS,
    OBSERVERS,
    TEXTS,
    st.booleans(),
    st.none() | st.integers(0, 3),
    st.none() | st.booleans(),
    st.booleans(),
)


def tell(batch: Batch, report: Told) -> None:
    """Add a report to a batch."""
    batch.see(APP, hook(0))
    ADD[report.noun](batch, report)


def _repository(batch: Batch, report: Told) -> None:
    payload = repository.Payload(7, "acme/lib", description=report.text, owner=ACME, updated_at=at(report.changed))
    batch.see(payload, report.origin, deleted=report.deleted)
    batch.allow(payload.id, 5, report.origin, removed=report.final)


def _installation(batch: Batch, report: Told) -> None:
    account = Account(id=10, login="acme", type="Organization")
    payload = installation.Payload(5, account, app_slug=report.text, updated_at=at(report.changed))
    batch.install(installation.row(payload, report.origin, deleted=report.deleted))


def _issue(batch: Batch, report: Told) -> None:
    payload = issue.Payload(70, 7, report.text, comments=report.number, updated_at=at(report.changed))
    transfer = Transfer(Destination(1, 2), DestinationRepository(3)) if report.final else None
    gone = report.deleted or report.final  # whatever was transferred is gone from here
    batch.add(issue.noun, 1, issue.row(payload, report.origin, deleted=gone, transfer=transfer))


def _pull_request(batch: Batch, report: Told) -> None:
    payload = pull_request.Payload(
        80, 8, report.text, additions=report.number, comments=report.number, mergeable=report.known,
        head=Branch("topic", report.text), base=Branch("main", "b"), merged_at=at(9) if report.final else None,
        updated_at=at(report.changed),
    )  # fmt: skip
    batch.add(pull_request.noun, 1, pull_request.row(payload, report.origin, deleted=report.deleted))


def _label(batch: Batch, report: Told) -> None:
    batch.add(label.noun, 1, label.row(label.Payload(9, report.text), report.origin, deleted=report.deleted))


def _milestone(batch: Batch, report: Told) -> None:
    payload = milestone.Payload(4, 4, report.text, updated_at=at(report.changed))
    batch.add(milestone.noun, 1, milestone.row(payload, report.origin, deleted=report.deleted))


ADD = {
    "repository": _repository,
    "installation": _installation,
    "issue": _issue,
    "pull_request": _pull_request,
    "label": _label,
    "milestone": _milestone,
}

MIRROR = (
    "github_repositories", "github_installations", "github_issues", "github_pull_requests", "github_labels",
    "github_milestones", "pr_tracking",
)  # fmt: skip
OURS = "'{id,synced_at,sync_source,repository_id,project_id,organization_id,installation_id,pull_request_id}'::text[]"


# What the API says twice is written once (I9): when it was confirmed is then the first time, or in one batch the last,
# whatever a hook may have said in between.
CONFIRMED = """CASE to_jsonb(t) ->> 'observed_by' WHEN 'api' THEN '{observed_at,verified_at}'::text[]
               ELSE '{verified_at}' END"""


async def mirrored(conn: AsyncConnection) -> dict[str, list[Any]]:
    """Every row without our own keys and the time of writing."""
    return {
        table: [
            row for (row,) in await rows(conn, f"SELECT to_jsonb(t) - {OURS} - {CONFIRMED} FROM {table} t ORDER BY 1")
        ]
        for table in MIRROR
    }


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One loop for all examples, and so one connection."""
    with asyncio.Runner() as runner:
        yield runner.get_loop()


@pytest.mark.slow
def test_a_batch_gives_the_rows_of_its_reports_one_by_one(loop: asyncio.AbstractEventLoop, database_url: str) -> None:
    engine = database.create_engine(database_url)

    async def outcome(reports: list[Told], sizes: list[int]) -> dict[str, list[Any]]:
        async with engine.connect() as conn:
            left = list(reports)
            for size in sizes:
                batch = Batch()
                taken, left = left[:size], left[size:]
                for report in taken:
                    tell(batch, report)
                await project.write(conn, batch)
            found = await mirrored(conn)
            await conn.rollback()
            return found

    @given(st.lists(told, min_size=2, max_size=5), st.integers(1, 4))
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def check(reports: list[Told], first: int) -> None:
        one_by_one = loop.run_until_complete(outcome(reports, [1] * len(reports)))
        assert loop.run_until_complete(outcome(reports, [len(reports)])) == one_by_one
        assert loop.run_until_complete(outcome(reports, [first, len(reports)])) == one_by_one

    try:
        check()
    finally:
        loop.run_until_complete(engine.dispose())


def test_each_group_comes_from_its_newer_report() -> None:
    whole = pull_request.row(pull_request.Payload(1, 1, "old", additions=1, updated_at=at(1)), hook(1))
    listed = pull_request.row(pull_request.Payload(1, 1, "new", updated_at=at(2)), hook(2))
    for known, row in ((whole, listed), (listed, whole)):
        merged = merge(pull_request.noun, known, row)
        assert (merged["title"], merged["additions"], merged["stats_updated_at"]) == ("new", 1, at(1))


def test_a_repository_that_is_shown_as_it_was_does_not_go_back() -> None:
    batch = Batch()
    batch.see(repository.Payload(1, "acme/new", owner=ACME, updated_at=at(2)), hook(2))
    batch.see(repository.Payload(1, "acme/old", owner=ACME, updated_at=at(1)), hook(1))
    row = batch.repositories["1"]
    assert row is batch.repositories["1"]
    assert row["full_name"] == "acme/new"
    assert [seen.full_name for seen in batch.sightings] == ["acme/new", "acme/old"]
