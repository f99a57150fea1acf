"""Makes whole worlds: organizations of any size with a past, which nobody was told of.

Everything is put into the world as it is now, without acting it out: tens of thousands of issues and pull requests
take seconds. The same plan and seed give the same world.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from ghsync.simulator import prose
from ghsync.simulator.account import GITHUB_ACTIONS
from ghsync.simulator.actions import (
    code_scanning_alerts,
    dependabot_alerts,
    installations,
    secret_scanning_alerts,
)
from ghsync.simulator.app import EVENTS, PERMISSIONS, SECURITY_EVENTS, SECURITY_PERMISSIONS
from ghsync.simulator.commit import Change, Commit
from ghsync.simulator.deeds import alerts
from ghsync.simulator.history import People, write_history
from ghsync.simulator.label import Label
from ghsync.simulator.milestone import Milestone
from ghsync.simulator.release import Release
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World

if TYPE_CHECKING:
    from ghsync.simulator.account import Account


UNSCANNED = 4
"""Of so many repositories one has no scanner on."""

UNRELEASED = 3
"""Of so many repositories one has no releases."""


@dataclass(frozen=True)
class Plan:
    """How much there is to be, in all; repositories differ in size as real ones do.

    The App may read security alerts, and is told of them, only if that is planned. Most repositories have releases,
    some of them a bot's, unless none are planned.
    """

    organizations: int = 1
    repositories: int = 10
    people: int = 20
    conversations: int = 500
    pull_request_share: float = 0.3
    comments_each: float = 2
    milestones_each: int = 4
    days: int = 400
    releases: bool = True
    security_alerts: bool = False


def generate(
    plan: Plan | None = None, *, seed: int = 1, events: tuple[str, ...] = EVENTS, deliveries: bool = False
) -> World:
    """A world after a plan, with the App installed on every organization.

    Nothing of the past is sent. With `deliveries`, that the App was installed is.
    """
    wanted = plan or Plan()
    random = Random(seed)
    permissions = dict(PERMISSIONS)
    if wanted.security_alerts:
        events, permissions = (*events, *SECURITY_EVENTS), permissions | SECURITY_PERMISSIONS
    world = World(seed, events, permissions)
    people = _people(world, wanted.people)
    owners = [_organization(world, people, number) for number in range(wanted.organizations)]
    repositories = [
        _repository(world, random, owners[number % len(owners)], people, number, wanted)
        for number in range(wanted.repositories)
    ]
    for number, (repository, count) in enumerate(zip(repositories, _sizes(random, wanted), strict=True)):
        write_history(world, random, repository, people, wanted, count)
        if wanted.releases and number % UNRELEASED != UNRELEASED - 1:
            _release(world, Random(f"{seed}:{repository.id}:releases"), repository, people)
        if wanted.security_alerts and number % UNSCANNED == UNSCANNED - 1:
            _scan_nothing(repository)
        elif wanted.security_alerts:
            _scan(world, Random(f"{seed}:{repository.id}"), repository, people)
    for owner in owners:
        installations.create(world, owner, by=people.staff[0])
    if not deliveries:
        world.deliveries.clear()
    return world


def _people(world: World, count: int) -> People:
    """Half of the people are members, the others come by; a few are gone, or never were."""
    everyone = [world.add_account(prose.login(number)) for number in range(max(count, 4))]
    gone, left = world.add_account("left-long-ago"), world.add_account("moved-here", "Mannequin")
    gone.deleted = True
    return People(
        staff=everyone[: len(everyone) // 2],
        guests=[*everyone[len(everyone) // 2 :], gone, left],
        bots=[world.add_account("tidy-deps[bot]", "Bot"), world.add_account("ci-relay[bot]", "Bot")],
    )


def _organization(world: World, people: People, number: int) -> Account:
    name = f"{prose.NAMES[number % len(prose.NAMES)]}-works" + (f"-{number}" if number >= len(prose.NAMES) else "")
    organization = world.add_organization(name, f"The makers of {name}", (people.staff[0],))
    world.members[organization] |= dict.fromkeys(people.staff[1:], "member")
    team = world.add_team(organization, "Reviewers", "Those who read what others write")
    world.team_members[team] = people.staff[:3]
    return organization


def _repository(world: World, random: Random, owner: Account, people: People, number: int, plan: Plan) -> Repository:
    created = world.now() - timedelta(days=plan.days + random.random())
    repository = Repository(
        id=world.identities.next_id("repository"),
        owner=owner,
        name=prose.repository_name(number),
        created_at=created,
        updated_at=created,
        pushed_at=created,
        description=f"Has to do with the {random.choice(prose.THINGS)}",
        language=random.choice(("Python", "Go", "TypeScript", "C", None)),
        visibility=random.choice(("public", "private")),
        topics=sorted(random.sample(prose.KINDS, k=random.randint(0, 3))),
        required_approvals=random.randint(0, 2),
    )
    sha, tree = world.identities.next_sha(), world.identities.next_sha()
    first = Commit(sha, tree, "Initial commit", people.staff[0], created, (Change("README.md", 3, how="added"),))
    repository.branches["main"] = [first]
    repository.labels = [
        Label(world.identities.next_id("label"), repository, name, color, description, default=name == "bug")
        for name, color, description in prose.LABELS
    ]
    repository.milestones = [
        _milestone(world, random, repository, people, place + 1, plan) for place in range(plan.milestones_each)
    ]
    repository.last_milestone_number = plan.milestones_each
    world.repositories[repository.id] = repository
    return repository


def _release(world: World, random: Random, repository: Repository, people: People) -> None:
    """What was published of it, by people and by a workflow, and a draft of what comes next."""
    history = random.choices(repository.branches[repository.default_branch], k=len(prose.VERSIONS))
    commits = sorted(history, key=lambda commit: commit.committed_at)
    for place, (tag_name, commit) in enumerate(zip(prose.VERSIONS, commits, strict=True)):
        changed_at = commit.committed_at + (world.now() - commit.committed_at) * random.random() / 10
        release = Release(
            id=world.identities.next_id("release"),
            repository=repository,
            tag_name=tag_name,
            target_commitish=repository.default_branch,
            author=GITHUB_ACTIONS if place == 1 else random.choice(people.staff),
            created_at=commit.committed_at,
            updated_at=changed_at,
            name=None if random.random() < 0.3 else f"Version {tag_name.removeprefix('v')}",
            body=prose.notes(random),
            prerelease="-" in tag_name,
        )
        repository.releases[release.id] = release
        if tag_name != prose.VERSIONS[-1]:
            release.published_at = changed_at
            repository.tags[tag_name] = commit


def _scan_nothing(repository: Repository) -> None:
    repository.has_code_scanning = repository.has_dependabot_alerts = repository.has_secret_scanning = False


def _scan(world: World, random: Random, repository: Repository, people: People) -> None:
    """What scanners have found."""
    bot = people.bots[1]
    branch, tip = f"refs/heads/{repository.default_branch}", repository.tip(repository.default_branch)
    is_open = [each for each in repository.pull_requests.values() if each.issue.state == "open"]
    for ref, sha in [(branch, tip.sha), *(code_scanning_alerts.place(each) for each in is_open[:5])]:
        found = alerts.rule(random.choice(prose.RULES))
        alert = code_scanning_alerts.create(world, repository, found, ref, sha, by=bot, path=prose.path(random))
        if random.random() < 0.3:
            code_scanning_alerts.dismiss(world, alert, by=people.staff[0])
    for number, package in enumerate(random.sample(prose.PACKAGES, k=2), start=1):
        advisory = alerts.advisory(package, number, repository.created_at)
        warning = dependabot_alerts.create(world, repository, advisory, by=bot, manifest_path=package[2])
        if random.random() < 0.5:
            dependabot_alerts.fix(world, warning, by=bot)
    secret = secret_scanning_alerts.create(world, repository, by=bot)
    if random.random() < 0.5:
        secret_scanning_alerts.resolve(world, secret, by=people.staff[0])


def _milestone(
    world: World, random: Random, repository: Repository, people: People, number: int, plan: Plan
) -> Milestone:
    created = repository.created_at + timedelta(days=plan.days * (number - 1) / (plan.milestones_each + 1))
    closed_at = created + timedelta(days=plan.days / (plan.milestones_each + 1))
    is_closed = number < plan.milestones_each and random.random() < 0.7
    return Milestone(
        id=world.identities.next_id("milestone"),
        repository=repository,
        number=number,
        title=f"{number}.0",
        creator=random.choice(people.staff),
        created_at=created,
        updated_at=closed_at if is_closed else created,
        description=None if random.random() < 0.3 else f"All about the {random.choice(prose.THINGS)}",
        state="closed" if is_closed else "open",
        due_on=None if random.random() < 0.3 else closed_at.replace(hour=7, minute=0, second=0, microsecond=0),
        closed_at=closed_at if is_closed else None,
    )


def _sizes(random: Random, plan: Plan) -> list[int]:
    """How many issues and pull requests each repository has: few have many."""
    weights = [1 / (place + 1) * random.uniform(0.7, 1.3) for place in range(plan.repositories)]
    sizes = [int(plan.conversations * weight / sum(weights)) for weight in weights]
    if sizes:
        sizes[0] += plan.conversations - sum(sizes)
    return sizes
