"""Reading where GraphQL lacks something, or shows it not: the rest is read as ever, and what was left out is told."""

import contextlib

import msgspec
import pytest

from ghsync.errors import GhsyncError, GitHubUnavailable
from ghsync.github import omissions
from ghsync.github.graphql import answers
from ghsync.github.omissions import Omission
from ghsync.mirror import issue, pull_request
from ghsync.mirror.noun import Origin
from ghsync.projector.batch import Batch
from ghsync.reconciler import graphql_pages as reading
from ghsync.reconciler import news
from ghsync.reconciler.gate import Mirror
from ghsync.reconciler.resync import resync
from ghsync.reconciler.runs import Run
from ghsync.simulator.actions import conversations, installations, issues, pull_requests
from ghsync.simulator.generator import Plan
from ghsync.simulator.issue import Issue
from ghsync.simulator.pull_request import PullRequest
from tests.reconciler.conftest import Lab, Open

pytestmark = pytest.mark.anyio

OF_3_18 = frozenset({"Issue.issueDependenciesSummary", "Issue.stateReason(enableDuplicate:)", "Issue.assignedActors"})
OF_3_19 = frozenset({"IssueDependenciesSummary.totalBlockedBy", "IssueDependenciesSummary.totalBlocking"})
WITHOUT_BIG_IDS = frozenset(
    f"{kind}.fullDatabaseId" for kind in ("Issue", "PullRequest", "IssueComment", "PullRequestReview")
)


async def known(lab: Lab) -> set[tuple[str, str]]:
    """What is left out, and of whose questions."""
    async with lab.engine.connect() as conn:
        return {(one.asker.partition(":")[0], one.part) for one in await omissions.everything(conn)}


def asked(lab: Lab, address: str) -> list[str]:
    """The requests that GitHub has answered, of those with a text in their address."""
    return [each.address for each in lab.site.journal if address in each.address]


def a_pull_request(lab: Lab) -> PullRequest:
    return next(each for each in lab.repository.pull_requests.values() if each.issue.state == "open")


def without_members(lab: Lab) -> None:
    """Take from the installation what lets it see teams."""
    (installation,) = lab.world.installations.values()
    installation.permissions.pop("members")
    lab.site.tokens.grants.clear()


@pytest.mark.slow
async def test_a_team_that_may_not_be_seen_costs_two_questions_more(lab: Lab) -> None:
    team = lab.world.add_team(lab.repository.owner, "Keepers", "Those who keep")
    without_members(lab)
    await lab.discover()
    for each in list(lab.repository.pull_requests.values())[:5]:
        pull_requests.request_review(lab.world, each, team, by=lab.repository.owner)
    whole = await lab.resync(full=True)
    again = await lab.resync(full=True)

    assert [line for line in lab.differences() if str(lab.repository.id) in line] == []
    assert await known(lab) == {("installation", "ReviewRequestConnection.nodes")}
    assert whole.meter.requests - again.meter.requests == 2  # one with a new token, and one without it
    assert again.rows_written == 0
    assert asked(lab, f"/pulls/{next(iter(lab.repository.pull_requests))}?") == []


@pytest.mark.slow
async def test_a_permission_that_is_granted_is_noticed(lab: Lab) -> None:
    team = lab.world.add_team(lab.repository.owner, "Keepers", "Those who keep")
    without_members(lab)
    await lab.discover()
    pull_requests.request_review(lab.world, a_pull_request(lab), team, by=lab.repository.owner)
    await lab.resync(full=True)
    assert await known(lab) != set()

    (installation,) = lab.world.installations.values()
    installation.permissions["members"] = "read"
    await lab.discover()
    before = len(asked(lab, "/pulls?"))
    await lab.resync(full=True)
    assert await known(lab) == set()
    assert len(asked(lab, "/pulls?")) == before


@pytest.mark.slow
@pytest.mark.parametrize("permission", ["checks", "statuses", "issues"])
@pytest.mark.parametrize("noticed", [True, False])
@pytest.mark.parametrize("renewed", [True, False])
async def test_what_was_not_shown_for_a_while_is_read_as_soon_as_it_is(
    mirrored: Lab, permission: str, noticed: bool, renewed: bool
) -> None:
    """Tokens have the permissions of when they were made, and GitHub tells nobody that it takes one away."""
    (installation,) = mirrored.world.installations.values()
    installations.lose_permissions(mirrored.world, installation, permission)
    if renewed:
        mirrored.site.tokens.grants.clear()
    if noticed:
        await mirrored.discover()
    with contextlib.suppress(GhsyncError):
        await mirrored.resync(full=True)
    assert ("refetch_installation" in mirrored.due()) == (permission != "issues" and not noticed)
    forget(mirrored)
    by = mirrored.repository.owner
    installations.accept_permissions(mirrored.world, installation, by=by, **mirrored.world.app.permissions)
    if noticed:
        await mirrored.discover()
    await mirrored.resync(full=True)
    assert [line for line in mirrored.differences() if str(mirrored.repository.id) in line] == []


def forget(lab: Lab) -> None:
    """Let nothing be known of what was checked, and of issues."""
    for table in ("github_check_runs", "github_commit_statuses", "github_issues"):
        lab.connection.execute(f"DELETE FROM {table}")


async def test_a_denial_is_forgotten_after_a_day(lab: Lab) -> None:
    await omissions.learn(lab.engine, "installation:1", {"Issue.parent": "No"})
    lab.connection.execute("UPDATE sync_omissions SET learned_at = now() - interval '25 hours'")
    assert await known(lab) == set()


@pytest.mark.slow
@pytest.mark.parametrize("lacks", [OF_3_18, OF_3_19, WITHOUT_BIG_IDS])
async def test_a_server_that_lacks_something_is_read_through_graphql(open_lab: Open, lacks: frozenset[str]) -> None:
    lab = await open_lab(Plan(repositories=1, people=8, conversations=60, pull_request_share=0.5))
    lab.site.graphql_lacks = lacks
    await lab.discover()
    run = await lab.resync(full=True)
    requests = len(asked(lab, "/graphql"))
    again = await lab.resync(full=True)

    assert [line for line in lab.differences() if "metadata" not in line] == []
    assert run.meter.requests <= again.meter.requests + 2  # one that is refused, and one that asks what there is
    assert len(asked(lab, "/graphql")) - requests < requests
    assert again.rows_written == 0
    assert {asker for asker, _ in await known(lab)} == {"http"}


@pytest.mark.slow
async def test_what_hooks_told_and_graphql_is_not_asked_for_stays(mirrored: Lab) -> None:
    edited = next(each for each in mirrored.repository.issues.values() if each.pull_request is None)
    changes = mirrored.changes()
    mirrored.site.graphql_lacks = OF_3_18 | {"Issue.parent", "Issue.issueType", "Issue.subIssuesSummary"}
    assert (await mirrored.resync(full=True)).rows_written == 0
    mirrored.site.graphql_lacks = OF_3_19
    mirrored.connection.execute("TRUNCATE sync_omissions")
    assert (await mirrored.resync(full=True)).rows_written == 0
    assert mirrored.changes() == changes
    conversations.edit(mirrored.world, edited, by=mirrored.repository.owner, title="Brighter")
    await mirrored.resync(full=True)
    assert mirrored.differences() == []


@pytest.mark.slow
async def test_a_server_that_lacks_what_everything_needs_is_not_asked_again(lab: Lab) -> None:
    lab.site.graphql_lacks = frozenset({"PullRequest.mergeStateStatus"})
    await lab.discover()
    await lab.resync(full=True)
    before = len(asked(lab, "/graphql"))
    await lab.resync(full=True)
    assert len(asked(lab, "/graphql")) == before + 1  # for releases, of which it lacks nothing
    assert ("http", "conversations") in await known(lab)


async def through_rest(lab: Lab) -> int:
    """Read everything without GraphQL; answers how many rows were changed."""
    lab.site.faults.plan("failure", "graphql", times=1000)
    run = await lab.resync(full=True)
    lab.site.faults.planned.clear()
    return run.rows_written


async def through_hooks(lab: Lab, opened: Issue, pull: PullRequest) -> int:
    """Tell of an issue and of a pull request as hooks do; answers how many rows were changed."""
    origin, batch, home = Origin(lab.reconciler.github.now(), "guid", "webhook"), Batch(), lab.repository.id
    batch.mention(home)
    shown = msgspec.convert(opened.as_json(), issue.Payload)
    batch.add(issue.noun, home, issue.row(shown, origin))
    proposed = msgspec.convert(pull.as_json(lab.world.now()), pull_request.Payload)
    batch.add(pull_request.noun, home, pull_request.row(proposed, origin))
    return len(await Mirror(lab.engine).write(batch))


@pytest.mark.slow
async def test_the_same_world_through_three_doors_changes_nothing(lab: Lab) -> None:
    world, repository = lab.world, lab.repository
    owner, bot = repository.owner, world.add_account("helper[bot]", "Bot")
    gone, asked_and_gone = world.add_account("gone"), world.add_account("gone-too")
    opened = issues.open_issue(world, repository, "Dark", by=gone, assignees=[bot, asked_and_gone])
    pull = a_pull_request(lab)
    conversations.assign(world, pull, bot, by=owner)
    pull_requests.request_review(world, pull, bot, by=owner)
    pull_requests.request_review(world, pull, asked_and_gone, by=owner)
    gone.deleted = asked_and_gone.deleted = True
    await lab.discover()
    await lab.resync(full=True)
    await through_rest(lab)  # which tells more than GraphQL, once: forks that are hidden, attempts of runs
    assert [line for line in lab.differences() if str(repository.id) in line] == []
    changes = lab.changes()

    doors = [
        await through_hooks(lab, opened, pull),
        (await lab.resync(full=True)).rows_written,
        await through_rest(lab),
    ]
    doors += [await through_hooks(lab, opened, pull), (await lab.resync(full=True)).rows_written]

    assert doors == [0, 0, 0, 0, 0]
    assert lab.changes() == changes
    assert opened.assignees == [bot, asked_and_gone]


@pytest.mark.slow
async def test_issues_that_are_denied_late_end_nothing_but_issues(
    open_lab: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "HEADS_AT_ONCE", 4)
    monkeypatch.setattr(reading, "LARGEST_PAGE", 20)
    lab = await open_lab(Plan(repositories=1, people=8, conversations=120, pull_request_share=0.5))
    await lab.discover()
    (installation,) = lab.world.installations.values()
    pages: list[int] = []

    def watch(run: Run) -> None:
        installation.permissions.pop("issues", None)
        lab.site.faults.plan("failure", "/issues?", times=100)
        pages.append(run.rows_seen)

    place = await lab.place()
    with pytest.raises(GitHubUnavailable):
        await resync(lab.reconciler, place, kind="backfill", full=True, priority="sweep", watch=watch)
    heads = {each.head_commit.sha for each in lab.repository.pull_requests.values() if each.issue.state == "open"}
    told = {line for line in lab.differences() if line.startswith(("github_pull_requests", "github_check"))}
    assert len(heads) > 4
    assert told == set()
    row = lab.connection.execute("SELECT complete_at FROM sync_marks").fetchone()
    assert row is None or row[0] is None


async def test_repositories_are_known_by_their_number_whatever_their_node_ids(mirrored: Lab) -> None:
    session = await mirrored.reconciler.session((await mirrored.place()).installation, "reconcile", "sweep")
    places = [await mirrored.place()]
    real = {place.node_id: place for place in places}
    answered = await session.graphql("newest", ids=list(real))
    old = answered.data.replace(b'"id":"R_', b'"id":"MDEwOlJlcG9zaXRvcnk')
    shown = news.by_number(answers.newest(old))
    assert {place.github_id for place in places} == shown.keys()


def test_an_omission_says_what_is_missing_and_why() -> None:
    told = Omission("token:1", "Issue.issueType", "its schema has no Issue.issueType")
    assert told.sentence == "types of issues (Issue.issueType): its schema has no Issue.issueType"
