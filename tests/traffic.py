"""Two thousand deliveries of a busy simulated GitHub, as of now, and what is true there after all of them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ghsync.inbox.recording import RecordedDelivery
from ghsync.simulator.account import Account
from ghsync.simulator.actions import (
    branches,
    comments,
    conversations,
    installations,
    issues,
    labels,
    pull_requests,
    repositories,
)
from ghsync.simulator.clock import Clock
from ghsync.simulator.commit import Change
from ghsync.simulator.issue import Issue
from ghsync.simulator.label import Label
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World

HISTORY = timedelta(hours=1)
STEPS_SECONDS = (0, 0, 0, 1, 2)  # from one thing that happens to the next
REPOSITORIES = 4

Rows = dict[tuple[str, int], dict[str, Any]]


@dataclass(repr=False)
class Traffic:
    """What GitHub sends, in order, and what it would answer if it were asked at the end."""

    world: World
    deliveries: list[RecordedDelivery]

    def issues(self) -> Rows:
        """The truth about every issue, by the repository's id and number."""
        return {
            (str(issue.repository.id), issue.number): {
                "title": issue.title,
                "body": issue.body,
                "state": issue.state,
                "labels": [label.name for label in issue.labels],
                "comments_count": len(issue.comments),
                "updated_at": issue.updated_at.replace(microsecond=0),
            }
            for issue in self._conversations()
            if issue.pull_request is None
        }

    def pull_requests(self) -> Rows:
        """The truth about every pull request."""
        return {
            (str(issue.repository.id), issue.number): {
                "title": issue.title,
                "body": issue.body,
                "state": issue.state,
                "labels": [label.name for label in issue.labels],
                "merged": issue.pull_request.merged_at is not None,
                "draft": issue.pull_request.draft,
                "head_sha": issue.pull_request.head_commit.sha,
            }
            for issue in self._conversations()
            if issue.pull_request is not None
        }

    def _conversations(self) -> Iterator[Issue]:
        for repository in self.world.repositories.values():
            yield from repository.issues.values()


@dataclass(repr=False)
class Scene:
    """A world at work, and chance that is the same in every run."""

    world: World
    ada: Account
    repositories: list[Repository]
    chance: random.Random
    labels: dict[int, list[Label]] = field(default_factory=dict)

    def live(self) -> None:
        """Let one thing happen."""
        self.world.clock.advance(self.chance.choice(STEPS_SECONDS))
        happening = self.chance.choices((self.open, self.propose, self.discuss, self.rename), (3, 2, 12, 1))[0]
        happening(self.chance.choice(self.repositories))

    def open(self, repository: Repository) -> None:
        """Somebody finds something."""
        issues.open_issue(
            self.world, repository, f"Finding {self.chance.randrange(10**6)}", by=self.ada, body="It flickers."
        )

    def propose(self, repository: Repository) -> None:
        """Somebody changes something."""
        head = f"change-{self.chance.randrange(10**9)}"
        commit = branches.commit(self.world, self.ada, "Change it", Change("main.c", additions=2))
        branches.create(self.world, repository, head, commit, by=self.ada)
        pull_requests.open_pull_request(
            self.world, repository, head, f"Change {head}", by=self.ada, body="Closes #1", draft=True
        )

    def discuss(self, repository: Repository) -> None:
        """Something happens to an issue or a pull request that is there."""
        if not repository.issues:
            return self.open(repository)
        issue = repository.issues[self.chance.randint(1, repository.last_number)]
        if issue.pull_request is not None:
            return self.review(issue.pull_request)
        happening = self.chance.choice((self.comment, self.edit, self.label, self.turn))
        return happening(issue)

    def comment(self, issue: Issue) -> None:
        """Somebody says something."""
        comments.create(self.world, issue, "I see it too.", by=self.ada)

    def edit(self, issue: Issue) -> None:
        """Somebody says it better."""
        conversations.edit(
            self.world, issue, by=self.ada, title=f"Finding {self.chance.randrange(10**6)}", body="Clearer now."
        )

    def label(self, issue: Issue) -> None:
        """A label goes on, or off."""
        label = self.chance.choice(self.labels[issue.repository.id])
        if label in issue.labels:
            conversations.remove_label(self.world, issue, label, by=self.ada)
        else:
            conversations.add_labels(self.world, issue, label, by=self.ada)

    def turn(self, issue: Issue) -> None:
        """It is closed, or opened again."""
        turned = issues.close if issue.state == "open" else issues.reopen
        turned(self.world, issue, by=self.ada)

    def review(self, pull_request: PullRequest) -> None:
        """A pull request moves on, up to its merge."""
        if pull_request.issue.state == "closed":
            comments.create(self.world, pull_request, "Thank you.", by=self.ada)
        elif pull_request.draft:
            pull_requests.ready_for_review(self.world, pull_request, by=self.ada)
        elif self.chance.random() < 0.5:
            commit = branches.commit(self.world, self.ada, "Better", Change("main.c", additions=1))
            branches.push(self.world, pull_request.repository, pull_request.head_branch, commit, by=self.ada)
        else:
            pull_requests.merge(self.world, pull_request, by=self.ada)

    def rename(self, repository: Repository) -> None:
        """A label gets another name, of which no issue that carries it is told."""
        label = self.chance.choice(self.labels[repository.id])
        labels.edit(self.world, label, by=self.ada, name=f"{label.color}-{self.chance.randrange(10**6)}")


def busy(count: int, *, seed: int = 1, repository_count: int = REPOSITORIES) -> Traffic:
    """The first ``count`` deliveries, or a few more, of a busy time that began long enough ago, an hour at least."""
    scene = _scene(seed, repository_count, count)
    while len(scene.world.deliveries) < count:
        scene.live()
    return Traffic(scene.world, list(recorded(scene.world)))


def flowing(count: int, *, seed: int = 1, repository_count: int = REPOSITORIES) -> Iterator[RecordedDelivery]:
    """As many of the same, and none is kept: for more of them than one wants in memory."""
    return itertools.islice(_flow(_scene(seed, repository_count, count)), count)


def _flow(scene: Scene) -> Iterator[RecordedDelivery]:
    while True:
        yield from recorded(scene.world)
        scene.world.deliveries.clear()
        scene.live()


def _scene(seed: int, repository_count: int, count: int) -> Scene:
    clock = Clock()
    # None may be of the future: what GitHub shows then is asked of the API, and not believed.
    lasting = timedelta(seconds=count * sum(STEPS_SECONDS) / len(STEPS_SECONDS))
    clock.advance_to(datetime.now(UTC) - max(HISTORY, lasting))
    world = World(seed, clock=clock)
    ada = world.add_account("ada")
    organization = world.add_organization("lighthouse", "Keeps the lamp lit", (ada,))
    made = [repositories.create(world, organization, f"lamp-{place}", by=ada) for place in range(repository_count)]
    installations.create(world, organization, by=ada)
    scene = Scene(world, ada, made, random.Random(seed))
    for repository in made:
        scene.labels[repository.id] = [
            labels.create(world, repository, name, by=ada, color=color)
            for name, color in (("bug", "d73a4a"), ("lens", "0075ca"), ("wick", "cfd3d7"))
        ]
    return scene


def recorded(world: World) -> Iterable[RecordedDelivery]:
    """What a world has sent, as it would be recorded."""
    for delivery in world.deliveries:
        yield RecordedDelivery(dict(delivery.headers), delivery.body, Path(delivery.guid))
