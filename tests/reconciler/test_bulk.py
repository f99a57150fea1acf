"""Small repositories are read many at once, and none of them otherwise than by itself."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghsync.mirror.keys import RepositoryId
from ghsync.reconciler import bulk, graphql_pages
from ghsync.reconciler.places import Place
from ghsync.reconciler.sweep import sweep
from ghsync.simulator.actions import installations, issues, milestones, releases, repositories
from ghsync.simulator.generator import Plan
from ghsync.simulator.graphql.limits import Limits
from ghsync.simulator.identity import legacy_node_id
from tests.faulty import Answer
from tests.reconciler.answers import edited, status
from tests.reconciler.conftest import Broken, Lab, Open

pytestmark = pytest.mark.anyio

DAILY = timedelta(days=1)
ALWAYS = timedelta(0)
MANY = Plan(repositories=40, people=8, conversations=120, milestones_each=0, releases=False)
"""Small ones all, but for the largest; and nothing in them of which only REST tells all."""


async def requests_of(lab: Lab, complete_every: timedelta = DAILY) -> int:
    """Sweep, and answer what it took."""
    before = lab.site.answered
    await sweep(lab.reconciler, complete_every=complete_every)
    return lab.site.answered - before


def repeated(change: Callable[[dict[str, Any]], None]) -> Answer:
    """The right answer, changed in each of the repositories."""

    def edit(content: dict[str, Any]) -> None:
        for node in content["data"]["nodes"]:
            change(node)

    return edited(edit)


@pytest.mark.slow
async def test_forty_repositories_are_read_in_a_few_requests_and_confirmed_in_as_many(open_lab: Open) -> None:
    lab = await open_lab(MANY)
    await lab.discover()
    first = await requests_of(lab)
    assert lab.differences() == []
    assert first <= 12  # it was four for each

    changes = lab.changes()
    assert await requests_of(lab, ALWAYS) <= first
    assert lab.changes() == changes
    read = "SELECT count(DISTINCT repository_id) FROM sync_runs WHERE kind = 'sweep' AND repository_id IS NOT NULL"
    assert lab.connection.execute(read).fetchone() == (40,)


async def test_what_rest_tells_otherwise_is_read_there(open_lab: Open) -> None:
    lab = await open_lab(replace(MANY, repositories=3))
    by = lab.repository.owner
    milestones.create(lab.world, lab.repository, "2.0", by=by)
    await lab.discover()
    before = await requests_of(lab)
    due = lab.world.now().replace(hour=7, minute=0, second=0, microsecond=0)
    milestones.create(lab.world, lab.repository, "3.0", by=by, due_on=due)
    (bot, *_) = [each for each in lab.world.accounts.values() if each.type == "Bot"]
    releases.create(lab.world, lab.repository, "v3", by=bot)
    assert await requests_of(lab, ALWAYS) >= before + 1
    assert lab.differences() == []


@pytest.mark.slow
async def test_what_takes_github_too_long_is_asked_for_by_halves(open_lab: Open) -> None:
    lab = await open_lab(MANY)
    await lab.discover()
    lab.site.graphql_limits = Limits(timeout_seconds=0.3)
    assert 12 < await requests_of(lab) < 80
    assert lab.differences() == []


async def test_without_graphql_each_is_read_by_itself(several_broken: Broken) -> None:
    for name in ("Bulk", "Conversations"):
        several_broken.faulty.break_(f"GraphQL {name}", status(404, "Not Found"))
    several_broken.connection.execute("UPDATE github_issues SET title = 'by hand', observed_at = '2001-01-01'")
    await requests_of(several_broken, ALWAYS)
    assert several_broken.faulty.asked["GraphQL Bulk"] >= 1
    assert several_broken.differences() == []


@pytest.mark.parametrize(
    "change",
    [
        lambda node: node.update(issues=None, pullRequests=None),
        lambda node: node.update(issues={"totalCount": 0, "pageInfo": {}, "nodes": "none"}),
        lambda node: [each.update(id=legacy_node_id("Label", 7)) for each in node["labels"]["nodes"]],
        lambda node: node.update(labels=None, milestones=None, releases=None),
        lambda node: node["labels"]["nodes"].append(None),
        lambda node: node.update(hasIssuesEnabled=False),
        lambda node: node.update(nameWithOwner="somebody/else"),
        lambda node: node.update(databaseId=1),
        lambda node: node["issues"]["pageInfo"].update(hasNextPage=True),
    ],
)
async def test_what_is_not_told_whole_is_asked_for_by_itself(
    several_broken: Broken, change: Callable[[dict[str, Any]], None]
) -> None:
    lab = several_broken
    for table in ("issues", "pull_requests", "labels", "milestones"):
        lab.connection.execute(f"TRUNCATE github_{table} CASCADE".encode())
    lab.faulty.break_("GraphQL Bulk", repeated(change))
    await requests_of(lab, ALWAYS)
    assert lab.faulty.asked["GraphQL Bulk"] >= 1
    assert (lab.differences(), lab.tombstones()) == ([], 0)


async def test_nothing_is_gone_that_an_answer_leaves_out(several_broken: Broken) -> None:
    lab = several_broken

    def empty(node: dict[str, Any]) -> None:
        for name in ("issues", "pullRequests", "heads", "labels", "milestones", "releases"):
            if name in node:
                node[name]["nodes"] = []

    lab.faulty.break_("GraphQL Bulk", repeated(empty))
    await requests_of(lab, ALWAYS)
    assert lab.faulty.asked["GraphQL Bulk"] >= 1
    assert (lab.differences(), lab.tombstones()) == ([], 0)


async def test_what_came_while_it_was_asked_is_read_and_not_buried(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    await lab.discover()
    asks = bulk.shown

    async def shown_late(*args: Any) -> Any:
        async for place, shown in asks(*args):
            if place.github_id == lab.repository.id:
                issues.open_issue(lab.world, lab.repository, "Late", by=lab.repository.owner)
            yield place, shown

    monkeypatch.setattr(bulk, "shown", shown_late)
    await requests_of(lab)
    monkeypatch.undo()
    await requests_of(lab)
    assert lab.differences() == []


async def test_one_that_is_renamed_or_hidden_meanwhile_holds_up_no_other(mirrored: Lab) -> None:
    first, second, *_ = mirrored.world.repositories.values()
    (installation,) = mirrored.world.installations.values()
    repositories.rename(mirrored.world, first, "lantern", by=first.owner)
    installations.remove_repositories(mirrored.world, installation, [second], by=second.owner)
    mirrored.connection.execute("UPDATE github_issues SET title = 'by hand', observed_at = '2001-01-01'")
    await sweep(mirrored.reconciler, complete_every=ALWAYS, discover=True)
    assert mirrored.differences() == []


async def test_a_reading_that_was_stopped_goes_on_where_it_was(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    await lab.discover()
    monkeypatch.setattr(graphql_pages, "LARGEST_PAGE", 5)
    pages = graphql_pages.pages

    async def two_pages(*args: Any, **kwargs: Any) -> Any:
        count = 0
        async for page in pages(*args, **kwargs):
            yield page
            if (count := count + 1) == 2:
                raise RuntimeError("stopped")

    monkeypatch.setattr(graphql_pages, "pages", two_pages)
    with pytest.raises(RuntimeError, match="stopped"):
        await lab.resync(kind="backfill", full=True)
    monkeypatch.undo()
    await requests_of(lab)
    (rows,) = lab.connection.execute(
        "SELECT rows_seen FROM sync_runs WHERE kind = 'backfill' ORDER BY rows_seen DESC LIMIT 1"
    ).fetchall()
    assert rows == (len(lab.repository.issues),)
    assert lab.differences() == []


def place(number: int, issues: int | None, pull_requests: int | None, installation: str | None = "1") -> Place:
    """A repository of some size."""
    none = dict.fromkeys(
        ("updated_at", "issues_through", "pull_requests_through", "complete_at", "blocked_at"),
    )
    return Place(
        RepositoryId(str(number)), number, f"R_{number}", f"o/r{number}", installation=installation, issues=issues,
        pull_requests=pull_requests, **none,
    )  # fmt: skip


sizes = st.none() | st.integers(0, 80)


@given(st.lists(st.tuples(sizes, sizes, st.sampled_from(["1", None])), max_size=80))
def test_no_group_asks_for_more_than_one_request_may(told: list[tuple[int | None, int | None, str | None]]) -> None:
    known = [place(number, *each) for number, each in enumerate(told)]
    found = list(bulk.groups(known))
    grouped = [each.id for group in found for each in group]
    small = [
        each.id
        for each in known
        if each.installation and None not in (each.issues, each.pull_requests)
        and (each.issues or 0) <= bulk.MOST_ISSUES and (each.pull_requests or 0) <= bulk.MOST_PULL_REQUESTS
    ]  # fmt: skip
    assert sorted(grouped) == sorted(small)
    for group in found:
        assert len(group) <= bulk.AT_ONCE
        assert len(group) * max(each.issues or 0 for each in group) <= bulk.MOST_ISSUES
        assert len(group) * max(each.pull_requests or 0 for each in group) <= bulk.MOST_PULL_REQUESTS
        assert len({bool(each.pull_requests) for each in group}) == 1
