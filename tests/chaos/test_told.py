"""What hooks tell is enough: without a fault, and with nothing asked of the API, the mirror is as GitHub is."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.inbox.recording import RecordedDelivery
from ghsync.simulator.actions import branches, checks, conversations, pull_requests, review_threads, reviews, statuses
from ghsync.simulator.app import EVERY_EVENT
from ghsync.simulator.commit import Change
from ghsync.simulator.deeds import NOT_TOLD
from ghsync.simulator.delivery import Delivery
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.review import submitted
from ghsync.simulator.traffic import Traffic
from ghsync.simulator.world import World
from tests import truth
from tests.chaos.weights import BUSY
from tests.stories import story
from tests.stories.story import Story
from tests.truth.hooks import told

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ACTIONS = 600
A_DAY = timedelta(days=1)
WORDS: dict[str, set[str | bool]] = {
    "review_status": {"pending", "changes_requested", "approved"},
    "ci_status": {"none", "pending", "success", "failure"},
    "merge_status": {"mergeable", "merged"},
    "ready": {True, False},
}

CHANGED = {
    "github_check_runs": "conclusion",
    "github_check_suites": "conclusion",
    "github_comments": "path",
    "github_commit_statuses": "state",
    "github_review_threads": "path",
    "github_reviews": "state",
    "github_workflow_runs": "conclusion",
    "pr_tracking": "review_status",
}


@pytest.mark.parametrize(("seed", "mixed"), [(2, False), (3, True)], ids=["in order", "in any order"])
async def test_what_hooks_tell_of_six_hundred_deeds_is_all_there_is_to_know(
    engine: AsyncEngine, connection: psycopg.Connection, seed: int, mixed: bool
) -> None:
    world = busy(seed)
    await arrive(engine, Random(seed).sample(world.deliveries, len(world.deliveries)) if mixed else world.deliveries)
    expected = told(world)
    assert [str(each) for each in truth.compare(expected, world, connection)] == lingering(world)
    verdicts = expected["pr_tracking"]
    assert truth.agreeing(world, connection) >= len(verdicts) > len(list(pulls(world))) / 2
    for name, words in WORDS.items():
        assert {row.get(name) for row in verdicts.values()} >= words


async def test_whatever_is_changed_by_hand_is_found(engine: AsyncEngine, connection: psycopg.Connection) -> None:
    world = busy(seed=2)
    await arrive(engine, world.deliveries)
    for table, column in CHANGED.items():
        with connection.transaction(force_rollback=True):
            connection.execute(f"UPDATE {table} SET {column} = 'pending'")
            found = truth.differences(world, connection)
        assert any(each.table == table and "mirrored 'pending'" in each.what for each in found)


def busy(seed: int) -> World:
    """Two repositories without a past in which much happens, of which GitHub has told in the end how it all stands."""
    world = generate(
        Plan(repositories=2, people=12, conversations=0, milestones_each=0),
        seed=seed,
        events=EVERY_EVENT,
        deliveries=True,
    )
    world.clock.advance_to(datetime.now(UTC) - A_DAY)  # no delivery is from the future
    for repository in world.repositories.values():
        repository.labels.clear()
        repository.releases.clear()
    traffic = Traffic(world, seed=seed, weights=BUSY | dict.fromkeys(NOT_TOLD, 0.0))
    for _ in range(ACTIONS):
        traffic.act()
    for pull in list(pushable(world))[::2]:
        finish(world, pull)
    settle(world)
    return world


def finish(world: World, pull: PullRequest) -> None:
    """Make a pull request ready to be merged: its newest head has passed, and whoever was against it is for it."""
    head, branch, author = pull.head_repository, pull.head_branch, pull.issue.author
    if pull.draft:
        pull_requests.ready_for_review(world, pull, by=author)
    branches.push(world, head, branch, branches.commit(world, author, "Do as was asked", Change("a.c", 1)), by=author)
    pull.ready_state = "clean"
    checks.complete_check_run(world, pull, "build", by=author, app=world.ci)
    statuses.create(world, pull.repository, pull.head_commit, "ci/build", "success", by=author)
    reviewers = {review.author for review in submitted(pull.reviews)} - {author}
    for reviewer in sorted(reviewers, key=lambda each: each.id) or [next(iter(world.members[pull.repository.owner]))]:
        reviews.submit(world, pull, by=reviewer)


def settle(world: World) -> None:
    """Settle every thread, and let GitHub find out what can be merged and tell it with one more event."""
    world.clock.advance(minutes=1)
    for pull in pulls(world):
        for thread in filter(lambda each: each.visible, pull.threads):
            review_threads.resolve(world, thread, by=pull.issue.author)
        conversations.edit(world, pull, title=f"{pull.issue.title}.", by=pull.issue.author)


def pulls(world: World) -> Iterator[PullRequest]:
    """Every pull request."""
    for repository in world.repositories.values():
        yield from repository.pull_requests.values()


def pushable(world: World) -> Iterator[PullRequest]:
    """Every open pull request whose head can be pushed to."""
    return (
        pull
        for pull in pulls(world)
        if pull.issue.state == "open"
        and not pull.repository.archived
        and pull.head_branch in pull.head_repository.branches
    )


def lingering(world: World) -> list[str]:
    """The threads that were told of and that are gone with their comments, of which nobody is told."""
    bodies = [json.loads(each.body) for each in world.deliveries if each.event == "pull_request_review_thread"]
    told_of = {(str(body["repository"]["id"]), body["thread"]["node_id"]) for body in bodies}
    seen = {key for key, *_ in truth.of(world)["github_repositories"]}
    gone = {key for key in told_of if key[0] in seen} - truth.of(world)["github_review_threads"].keys()
    return [f"github_review_threads {key} is not there any more" for key in sorted(gone)]


async def arrive(engine: AsyncEngine, deliveries: Iterable[Delivery]) -> None:
    """Let what was sent arrive in this order, and project it."""
    sent = [RecordedDelivery(dict(each.headers), each.body, Path(each.guid)) for each in deliveries]
    answers = await story.receive(engine, Story("a busy hour", "secret", {}, (), {}), sent)
    assert set(answers) <= {"queued", "ignored"}
    await story.worker(engine, 50).drain()
