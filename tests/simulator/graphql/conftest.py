"""A world to ask, and someone who asks."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from ghsync.simulator.actions import (
    checks,
    comments,
    issues,
    labels,
    milestones,
    releases,
    review_threads,
    statuses,
)
from ghsync.simulator.graphql.answer import Answer, answer
from ghsync.simulator.graphql.limits import Budget, Limits
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.repository import Repository
from tests.simulator.conftest import Scene


@dataclass
class Eyes:
    """A viewer who sees all but what is hidden, may read all but what is forbidden, and may push or not."""

    hidden: list[Repository] = field(default_factory=list)
    forbidden: list[str] = field(default_factory=list)
    pushing: bool = False

    def sees(self, repository: Repository) -> bool:
        return repository not in self.hidden

    def may(self, permission: str) -> bool:
        return permission not in self.forbidden

    def may_push(self, _repository: Repository) -> bool:
        return self.pushing


@dataclass
class Asking:
    """Queries in a scene."""

    scene: Scene
    eyes: Eyes = field(default_factory=Eyes)
    limits: Limits = field(default_factory=Limits)
    budget: Budget | None = None

    def answer(self, query: str, **variables: object) -> Answer:
        return answer(self.scene.world, self.eyes, query, variables, budget=self.budget, limits=self.limits)

    def data(self, query: str, **variables: object) -> Any:
        """The data of an answer without errors."""
        answered = self.answer(query, **variables)
        assert "errors" not in answered.payload, answered.payload["errors"]
        return answered.payload["data"]

    def errors(self, query: str, **variables: object) -> Any:
        """The errors of an answer, each with its type and its path."""
        return [(error.get("type"), error.get("path")) for error in self.answer(query, **variables).payload["errors"]]

    def repository(self, selection: str, **variables: object) -> Any:
        """What is selected of the scene's repository."""
        return self.data(f'{{ repository(owner: "lighthouse", name: "lamp") {{ {selection} }} }}')["repository"]


@pytest.fixture
def asking(attentive_scene: Scene) -> Asking:
    return Asking(attentive_scene)


@pytest.fixture
def everything(asking: Asking, pull_request: PullRequest) -> dict[str, str]:
    """Node ids of one of each kind, with the names of their types."""
    world, ada, repository = asking.scene.world, asking.scene.ada, asking.scene.repository
    issue = issues.open_issue(world, repository, "Dark", by=ada)
    thread = review_threads.start(world, pull_request, "lamp.c", 3, "Why?", by=ada)
    run = checks.start(world, pull_request, "bulb", by=ada, app=world.ci)
    workflow_run = run.suite.workflow_run
    assert workflow_run is not None
    head = pull_request.head_commit
    team = world.add_team(asking.scene.organization, "Keepers", "Those who keep")
    found = [
        ("Bot", world.add_account("lint[bot]", "Bot")),
        ("CheckRun", run),
        ("CheckSuite", run.suite),
        ("Issue", issue),
        ("IssueComment", comments.create(world, issue, "Very.", by=ada)),
        ("Label", labels.create(world, repository, "dark", by=ada)),
        ("Mannequin", world.add_account("gone-before", "Mannequin")),
        ("Milestone", milestones.create(world, repository, "Light", by=ada)),
        ("Organization", asking.scene.organization),
        ("PullRequest", pull_request),
        ("PullRequestReview", pull_request.reviews[0]),
        ("PullRequestReviewComment", thread.comments[0]),
        ("PullRequestReviewThread", thread),
        ("Release", releases.create(world, repository, "v1.0", by=ada)),
        ("Repository", repository),
        ("StatusContext", statuses.create(world, repository, head, "ci", "success", by=ada)),
        ("Team", team),
        ("User", ada),
        ("Workflow", workflow_run.workflow),
        ("WorkflowRun", workflow_run),
    ]
    by_id = {getattr(node, "node_id", ""): name for name, node in found}
    return {**by_id, head.node_id(repository.id): "Commit"}
