"""Small repositories are read many at once, and none of them otherwise than by itself."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghsync.errors import NotFound, RateLimited
from ghsync.mirror.keys import RepositoryId
from ghsync.reconciler import bulk, graphql_pages, sweep
from ghsync.reconciler.places import Place
from ghsync.simulator.actions import installations, issues, labels, milestones, releases, repositories
from ghsync.simulator.generator import Plan
from ghsync.simulator.graphql.limits import Limits
from ghsync.simulator.identity import legacy_node_id
from ghsync.simulator.repository import Repository
from tests.faulty import Answer, Given
from tests.mirror.reports import at
from tests.reconciler.answers import REPOSITORY, edited, status
from tests.reconciler.conftest import Broken, Lab, Open, OpenBroken

pytestmark = pytest.mark.anyio

DAILY = timedelta(days=1)
ALWAYS = timedelta(0)
MANY = Plan(repositories=40, people=8, conversations=120, milestones_each=0, releases=False)
"""Small ones all, but for the largest; and nothing in them of which only REST tells all."""

Node = dict[str, Any]


async def requests_of(lab: Lab, complete_every: timedelta = DAILY) -> int:
    """Sweep, and answer what it took."""
    before = lab.site.answered
    await sweep.sweep(lab.reconciler, complete_every=complete_every)
    return lab.site.answered - before


def smallest(lab: Lab) -> Repository:
    """One that is read with others."""
    return min((each for each in lab.world.repositories.values() if each.issues), key=lambda each: len(each.issues))


def before_it_is_read(
    monkeypatch: pytest.MonkeyPatch, repository: Repository, happens: Callable[[], Awaitable[None] | None]
) -> None:
    """Let something happen to a repository that was shown, and is read in a moment."""
    read = sweep.resync

    async def late(reconciler: Any, place: Place, **options: Any) -> Any:
        if place.github_id == repository.id:
            assert options["shown"] is not None
            happens()
        return await read(reconciler, place, **options)

    monkeypatch.setattr(sweep, "resync", late)


def each_changed(change: Callable[[Node], object]) -> Answer:
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


@pytest.mark.slow
async def test_what_takes_github_too_long_is_asked_for_by_halves_from_then_on(open_lab: Open) -> None:
    lab = await open_lab(MANY)
    await lab.discover()
    lab.site.graphql_limits = Limits(timeout_seconds=0.3)
    assert 12 < await requests_of(lab) < 60
    assert lab.differences() == []


async def test_without_graphql_each_is_read_by_itself(several_broken: Broken) -> None:
    for name in ("Bulk", "Conversations"):
        several_broken.faulty.break_(f"GraphQL {name}", status(404, "Not Found"))
    several_broken.connection.execute("UPDATE github_issues SET title = 'by hand', observed_at = '2001-01-01'")
    await requests_of(several_broken, ALWAYS)
    assert several_broken.faulty.asked["GraphQL Bulk"] >= 1
    assert several_broken.faulty.asked[REPOSITORY] == 3
    assert several_broken.differences() == []


async def test_one_that_github_cannot_answer_has_no_others_asked_one_by_one(open_broken: OpenBroken) -> None:
    lab = await open_broken(20)
    heavy = min(lab.world.repositories.values(), key=lambda each: len(each.issues))  # of those, most are shown at once
    too_heavy = status(502, "Something went wrong while executing your query.")
    lab.faulty.break_(
        "GraphQL Bulk", lambda given: too_heavy(given) if heavy.full_name.encode() in given.body else given
    )
    await requests_of(lab, ALWAYS)
    assert lab.faulty.asked["GraphQL Bulk"] <= 14
    assert lab.faulty.asked[REPOSITORY] == 1
    assert lab.differences() == []


async def test_a_limit_is_waited_for_and_not_read_round(several_broken: Broken) -> None:
    several_broken.faulty.break_("GraphQL Bulk", exhausted)
    with pytest.raises(RateLimited):
        await requests_of(several_broken, ALWAYS)
    assert several_broken.faulty.asked["GraphQL Bulk"] >= 1
    assert several_broken.faulty.asked[REPOSITORY] == 0


def exhausted(given: Given) -> Given:
    """The points of GraphQL are spent, for half an hour."""
    told = {"x-ratelimit-resource": "graphql", "x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0"}
    resets_at = {"x-ratelimit-reset": str(int(time.time()) + 1800)}
    refused = {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded for installation ID 1."}]}
    return replace(given, headers=given.headers | told | resets_at, body=json.dumps(refused).encode())


def tidy(lab: Lab) -> None:
    """Take away what only REST tells."""
    lab.connection.execute("DELETE FROM github_releases")
    for repository in lab.world.repositories.values():
        repository.releases.clear()
        for each in repository.milestones:
            each.due_on = None


async def test_what_is_told_whole_is_not_asked_for_by_itself(several_broken: Broken) -> None:
    tidy(several_broken)
    await requests_of(several_broken, ALWAYS)
    asked = several_broken.faulty.asked
    assert {kind for kind in asked if not kind.endswith("/alerts")} == {"GraphQL Bulk", "GraphQL Newest"}


def first_of(name: str, **told: object) -> Callable[[Node], object]:
    """The first item of a connection, with something else in it."""
    return lambda node: node[name]["nodes"][0].update(told) if node[name]["nodes"] else None


LABELS, MILESTONES = f"{REPOSITORY}/labels", f"{REPOSITORY}/milestones"
CHANGES: Mapping[str, tuple[Callable[[Node], object], str]] = {
    "issues are not shown": (lambda node: node.update(issues=None), "GraphQL Conversations"),
    "issues go on": (lambda node: node["issues"]["pageInfo"].update(hasNextPage=True), "GraphQL Conversations"),
    "issues cannot be read": (lambda node: node["issues"].update(nodes="none"), REPOSITORY),
    "issues are switched off": (lambda node: node.update(hasIssuesEnabled=False), REPOSITORY),
    "it has another name": (lambda node: node.update(nameWithOwner="somebody/else"), REPOSITORY),
    "it is another": (lambda node: node.update(databaseId=1), REPOSITORY),
    "it has changed": (lambda node: node.update(updatedAt="2999-01-01T00:00:00Z"), REPOSITORY),
    "labels are not shown": (lambda node: node.update(labels=None), LABELS),
    "a label is not shown": (lambda node: node["labels"]["nodes"].append(None), LABELS),
    "labels have more pages": (lambda node: node["labels"]["pageInfo"].update(hasNextPage=True), LABELS),
    "a label has a node id of another form": (first_of("labels", id=legacy_node_id("Label", 7)), LABELS),
    "a milestone is due": (first_of("milestones", dueOn="2026-12-31T00:00:00Z"), MILESTONES),
    "who made a milestone is not told": (first_of("milestones", creator=None), MILESTONES),
    "milestones have more pages": (lambda node: node["milestones"]["pageInfo"].update(hasNextPage=True), MILESTONES),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
async def test_what_is_not_told_whole_is_asked_for_by_itself(several_broken: Broken, change: str) -> None:
    lab, (make, asked) = several_broken, CHANGES[change]
    tidy(lab)
    for table in ("issues", "pull_requests", "labels", "milestones"):
        lab.connection.execute(f"TRUNCATE github_{table} CASCADE".encode())
    lab.faulty.break_("GraphQL Bulk", each_changed(make))
    await requests_of(lab, ALWAYS)
    assert lab.faulty.asked[asked] >= 1
    assert (lab.differences(), lab.tombstones()) == ([], 0)


async def test_what_rest_alone_tells_is_asked_of_it(open_lab: Open) -> None:
    lab = await open_lab(replace(MANY, repositories=3))
    by = lab.repository.owner
    milestones.create(lab.world, lab.repository, "2.0", by=by)
    labels.create(lab.world, lab.repository, "plain", by=by, description="")
    await lab.discover()
    await requests_of(lab)
    due = lab.world.now().replace(hour=7, minute=0, second=0, microsecond=0)
    milestones.create(lab.world, lab.repository, "3.0", by=by, due_on=due)
    (bot, *_) = [each for each in lab.world.accounts.values() if each.type == "Bot"]
    releases.create(lab.world, lab.repository, "v3", by=bot)
    await requests_of(lab, ALWAYS)
    assert lab.differences() == []


async def test_nothing_is_gone_that_an_answer_leaves_out(several_broken: Broken) -> None:
    lab = several_broken

    def empty(node: Node) -> None:
        for name in ("issues", "pullRequests", "heads", "labels", "milestones", "releases"):
            if name in node:
                node[name]["nodes"] = []

    lab.faulty.break_("GraphQL Bulk", each_changed(empty))
    await requests_of(lab, ALWAYS)
    assert lab.faulty.asked["GraphQL Bulk"] >= 1
    assert (lab.differences(), lab.tombstones()) == ([], 0)


async def test_a_hole_in_one_repository_has_no_other_read_by_itself(several_broken: Broken) -> None:
    lab = several_broken
    holes: list[int] = []

    def hollow(content: dict[str, Any]) -> None:
        for place, node in enumerate(content["data"]["nodes"]):
            if not holes and node["issues"]["nodes"]:
                holes.append(node["databaseId"])
                node["issues"]["nodes"][0] = None
                path = ["nodes", place, "issues", "nodes", 0]
                content["errors"] = [{"message": "Something is not shown.", "type": "INTERNAL", "path": path}]

    lab.faulty.break_("GraphQL Bulk", edited(hollow))
    await requests_of(lab, ALWAYS)
    assert (len(holes), lab.faulty.asked[REPOSITORY]) == (1, 1)
    assert (lab.differences(), lab.tombstones()) == ([], 0)


async def test_pull_requests_that_are_switched_off_are_not_asked_for_one_by_one(several_broken: Broken) -> None:
    lab = several_broken

    def none(content: dict[str, Any]) -> None:
        for node in content["data"].get("nodes") or [content["data"]["node"]]:
            for name in {"pullRequests", "heads"} & node.keys():
                node[name] = {"totalCount": 0, "pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": []}

    for name in ("Newest", "Bulk", "Conversations"):
        lab.faulty.break_(f"GraphQL {name}", edited(none))
    lab.faulty.break_(REPOSITORY, edited(lambda content: content.update(has_pull_requests=False)))
    lab.faulty.break_(f"{REPOSITORY}/pulls/{{number:int}}", status(404, "Not Found"))
    await requests_of(lab, ALWAYS)
    assert lab.faulty.asked["GraphQL Bulk"] >= 1
    assert lab.faulty.asked[f"{REPOSITORY}/pulls/{{number:int}}"] == 0
    assert lab.tombstones() == 0


async def test_what_came_since_it_was_shown_is_read_the_next_time(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    await lab.discover()
    small = smallest(lab)
    before_it_is_read(monkeypatch, small, lambda: issues.open_issue(lab.world, small, "Late", by=small.owner) and None)
    await requests_of(lab)
    assert len(lab.differences()) == 1
    monkeypatch.undo()
    await requests_of(lab)
    assert lab.differences() == []


async def test_one_that_is_gone_since_it_was_shown_has_its_installation_asked(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lab.discover()
    small = smallest(lab)
    small.milestones[0].due_on = lab.world.now()  # for which REST is asked
    before_it_is_read(monkeypatch, small, lambda: repositories.delete(lab.world, small, by=small.owner))
    with pytest.raises(NotFound):
        await requests_of(lab)
    assert lab.due().keys() >= {"refetch_installation"}
    await lab.settle()
    assert lab.differences() == []


@pytest.mark.slow
async def test_what_may_be_seen_since_it_was_shown_is_read_with_a_later_sweep(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lab.discover()
    (installation,) = lab.world.installations.values()
    was = installation.permissions["checks"]
    installations.lose_permissions(lab.world, installation, "checks")
    lab.connection.execute("DELETE FROM sync_tokens")
    small = smallest(lab)

    def grant() -> None:
        installations.accept_permissions(lab.world, installation, by=small.owner, checks=was)

    before_it_is_read(monkeypatch, small, grant)
    await requests_of(lab)
    monkeypatch.undo()
    assert lab.differences() != []
    for _ in range(3):  # a token that lacks something is replaced with a growing pause
        lab.passes(minutes=30)
        await requests_of(lab)
    assert lab.differences() == []


async def test_one_that_is_renamed_or_hidden_holds_up_no_other(mirrored: Lab) -> None:
    first, second, *_ = mirrored.world.repositories.values()
    (installation,) = mirrored.world.installations.values()
    repositories.rename(mirrored.world, first, "lantern", by=first.owner)
    installations.remove_repositories(mirrored.world, installation, [second], by=second.owner)
    mirrored.connection.execute("UPDATE github_issues SET title = 'by hand', observed_at = '2001-01-01'")
    await sweep.sweep(mirrored.reconciler, complete_every=ALWAYS, discover=True)
    assert mirrored.differences() == []


async def test_what_changed_of_a_repository_itself_is_read_by_a_complete_sweep(mirrored: Lab) -> None:
    small = smallest(mirrored)
    mirrored.world.clock.advance(5)
    repositories.edit(mirrored.world, small, by=small.owner, description="It is another.")
    await requests_of(mirrored, ALWAYS)
    assert mirrored.differences() == []


async def test_a_reading_that_was_stopped_goes_on_where_it_was(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    await lab.discover()
    monkeypatch.setattr(graphql_pages, "LARGEST_PAGE", 2)
    pages, small = graphql_pages.pages, smallest(lab)

    async def one_page(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        async for page in pages(*args, **kwargs):
            yield page
            raise RuntimeError("stopped")

    monkeypatch.setattr(graphql_pages, "pages", one_page)
    with pytest.raises(RuntimeError, match="stopped"):
        await lab.resync(small, kind="backfill", full=True)
    monkeypatch.undo()
    await requests_of(lab)
    read = """SELECT s.rows_seen FROM sync_runs s JOIN github_repositories r ON r.id = s.repository_id
              WHERE r.github_id = %s AND s.kind = 'backfill'"""
    assert lab.connection.execute(read, [str(small.id)]).fetchall() == [(len(small.issues),)]
    assert lab.differences() == []


NOW = at(0)


def place(number: int, issues: int | None, pull_requests: int | None, **told: Any) -> Place:
    """A repository of some size, which its installation has just listed."""
    none = dict.fromkeys(("updated_at", "issues_through", "pull_requests_through", "complete_at", "blocked_at"))
    of_its_own = {"installation": "1", "verified_at": NOW, "node_id": f"R_{number}", **none, **told}
    return Place(
        RepositoryId(str(number)), number, full_name=f"o/r{number}", issues=issues, pull_requests=pull_requests,
        **of_its_own,
    )  # fmt: skip


LATELY: list[datetime | None] = [NOW, NOW - bulk.LISTED_WITHIN / 2]
sizes = st.none() | st.integers(0, 80)


@given(st.lists(st.tuples(sizes, sizes, st.sampled_from([*LATELY, None, NOW - 2 * bulk.LISTED_WITHIN])), max_size=80))
def test_no_group_asks_for_more_than_one_request_may(
    told: list[tuple[int | None, int | None, datetime | None]],
) -> None:
    known = [place(number, *size, verified_at=verified_at) for number, (*size, verified_at) in enumerate(told)]
    found = list(bulk.groups(known, NOW))
    small = [
        each.id
        for each in known
        if each.verified_at in LATELY and None not in (each.issues, each.pull_requests)
        and (each.issues or 0) <= bulk.MOST_ISSUES and (each.pull_requests or 0) <= bulk.MOST_PULL_REQUESTS
    ]  # fmt: skip
    assert sorted(each.id for group in found for each in group) == sorted(small)
    for group in found:
        assert len(group) <= bulk.AT_ONCE
        assert len(group) * max(each.issues or 0 for each in group) <= bulk.MOST_ISSUES
        assert len(group) * max(each.pull_requests or 0 for each in group) <= bulk.MOST_PULL_REQUESTS
        assert len({bool(each.pull_requests) for each in group}) == 1


@pytest.mark.parametrize("told", [{"installation": None}, {"node_id": None}, {"blocked_at": NOW}])
def test_what_nobody_lists_or_shows_is_in_no_group(told: dict[str, Any]) -> None:
    assert list(bulk.groups([place(1, 2, 2, **told)], NOW)) == []
    assert len(list(bulk.groups([place(1, 2, 2)], NOW))) == 1
