import json
from hashlib import sha256

import pytest

from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.world import World
from tests.simulator.invariants import violations

SMALL = Plan(organizations=2, repositories=5, people=12, conversations=300)


@pytest.fixture(scope="module")
def world() -> World:
    return generate(SMALL, seed=4)


def test_a_seed_makes_the_same_world_again(world: World) -> None:
    assert digest(generate(SMALL, seed=4)) == digest(world)
    assert digest(generate(SMALL, seed=5)) != digest(world)


def test_there_is_as_much_as_was_planned(world: World) -> None:
    own = [repository for repository in world.repositories.values() if repository.fork_of is None]
    assert len(own) == SMALL.repositories
    assert sum(len(repository.issues) for repository in own) == SMALL.conversations
    assert len(world.installations) == len(world.members) == SMALL.organizations
    shares = sum(len(repository.pull_requests) for repository in own) / SMALL.conversations
    assert shares == pytest.approx(SMALL.pull_request_share, abs=0.1)


def test_a_past_has_everything_that_happens_to_issues_and_pull_requests(world: World) -> None:
    issues = [issue for repository in world.repositories.values() for issue in repository.issues.values()]
    pull_requests = [issue.pull_request for issue in issues if issue.pull_request is not None]
    assert {issue.state_reason for issue in issues} >= {None, "completed", "not_planned", "duplicate"}
    assert {issue.author.type for issue in issues} == {"User", "Bot", "Mannequin"}
    assert any(issue.author.deleted for issue in issues)
    assert any(issue.locked for issue in issues)
    assert {(each.issue.state, each.merged_at is not None) for each in pull_requests} == {
        ("open", False),
        ("closed", False),
        ("closed", True),
    }
    assert any(each.head_repository is not each.repository for each in pull_requests)
    assert any(each.closing_references for each in pull_requests)
    assert {review.state for each in pull_requests for review in each.reviews} >= {"APPROVED", "CHANGES_REQUESTED"}
    assert any(each.threads for each in pull_requests)


def test_some_repositories_have_releases_of_every_kind(world: World) -> None:
    found = [list(each.releases.values()) for each in world.repositories.values() if each.fork_of is None]
    assert [bool(each) for each in found] == [True, True, False, True, True]
    for each in filter(None, found):
        assert [(release.draft, release.prerelease) for release in each] == [
            (False, False),
            (False, False),
            (False, True),
            (True, False),
        ]
        assert [release.author.login for release in each].count("github-actions[bot]") == 1


def test_a_generated_world_is_consistent(world: World) -> None:
    assert violations(world) == []


def test_nothing_lies_in_the_future(world: World) -> None:
    for repository in world.repositories.values():
        assert all(issue.updated_at <= world.now() for issue in repository.issues.values())
        assert all(release.updated_at <= world.now() for release in repository.releases.values())


def test_nobody_was_told_of_the_past(world: World) -> None:
    assert world.deliveries == []
    told = generate(Plan(conversations=20), seed=4, deliveries=True)
    assert [delivery.event for delivery in told.deliveries] == ["installation"]


def digest(world: World) -> str:
    """A hash of all that is shown."""
    hashed = sha256()
    for repository in world.repositories.values():
        hashed.update(json.dumps(repository.as_json()).encode())
        for issue in repository.issues.values():
            shown = issue.as_json() if issue.pull_request is None else issue.pull_request.as_json(world.now())
            hashed.update(json.dumps(shown).encode())
            hashed.update(json.dumps([comment.as_json() for comment in issue.comments]).encode())
        hashed.update(json.dumps([release.as_rest_json() for release in repository.releases.values()]).encode())
        for suites in repository.check_suites.values():
            hashed.update(json.dumps([suite.as_json() for suite in suites]).encode())
    return hashed.hexdigest()
