"""The smallest GitHub that has one of everything, and one delivery that never arrived."""

from datetime import UTC, datetime

from ghsync.simulator import prose
from ghsync.simulator.account import Account
from ghsync.simulator.actions import (
    branches,
    checks,
    code_scanning_alerts,
    comments,
    conversations,
    dependabot_alerts,
    installations,
    issues,
    labels,
    milestones,
    pull_requests,
    releases,
    repositories,
    review_threads,
    reviews,
    secret_scanning_alerts,
    statuses,
)
from ghsync.simulator.app import EVERY_EVENT, PERMISSIONS, SECURITY_EVENTS, SECURITY_PERMISSIONS
from ghsync.simulator.commit import Change
from ghsync.simulator.deeds import alerts
from ghsync.simulator.hook_log import Outcome
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.repository import Repository
from ghsync.simulator.site import Site
from ghsync.simulator.world import World

ISSUE, PULL_REQUEST = 1, 2
"""Their numbers."""


def small() -> World:
    """An organization with one repository, on which the App is installed, as of now."""
    world = World(7, (*EVERY_EVENT, *SECURITY_EVENTS), PERMISSIONS | SECURITY_PERMISSIONS)
    ada, ben = world.add_account("ada"), world.add_account("ben")
    organization = world.add_organization("lighthouse", "Keeps the lamp lit", (ada,))
    repository = repositories.create(world, organization, "lamp", by=ada, description="Turns")
    installations.create(world, organization, by=ada)
    _discuss(world, repository, ada)
    _review(world, _propose(world, repository, ben), ada)
    _scan(world, repository, ada)
    releases.create(world, repository, "v1", by=ada, name="First light", body="It shines")
    world.clock.advance_to(datetime.now(UTC))
    return world


def lose(site: Site) -> None:
    """Let the last delivery not get through."""
    delivery = site.world.deliveries[-1]
    headers = delivery.signed(site.hook.secret)
    site.hook_log.record(delivery, Outcome("Bad Gateway", 502), url=site.hook.url, headers=headers, redelivery=False)


def _discuss(world: World, repository: Repository, ada: Account) -> None:
    label = labels.create(world, repository, "dark", by=ada, description="It is dark")
    milestone = milestones.create(world, repository, "Light", by=ada, description="More of it")
    issue = issues.open_issue(world, repository, "It is dark", by=ada, labels=[label])
    conversations.set_milestone(world, issue, milestone, by=ada)
    comments.create(world, issue, "Very", by=ada)


def _propose(world: World, repository: Repository, ben: Account) -> PullRequest:
    commit = branches.commit(world, ben, "Brighter", Change("lamp.c", 10, 2))
    branches.create(world, repository, "brighter", commit, by=ben)
    return pull_requests.open_pull_request(world, repository, "brighter", "Brighter", by=ben)


def _review(world: World, pull_request: PullRequest, ada: Account) -> None:
    comments.create(world, pull_request, "At last", by=ada)
    review_threads.start(world, pull_request, "lamp.c", 3, "Why?", by=ada)
    reviews.submit(world, pull_request, by=ada, body="Good")
    checks.complete_check_run(world, pull_request, "build", by=ada, app=world.ci)
    commit = pull_request.head_commit
    statuses.create(world, pull_request.issue.repository, commit, "ci", "success", by=ada, description="Shines")


def _scan(world: World, repository: Repository, ada: Account) -> None:
    tip = repository.tip("main").sha
    code_scanning_alerts.create(world, repository, alerts.rule(prose.RULES[0]), "refs/heads/main", tip, by=ada)
    dependabot_alerts.create(world, repository, alerts.advisory(prose.PACKAGES[0], 1, world.now()), by=ada)
    secret_scanning_alerts.create(world, repository, by=ada)
