"""Security alerts of many repositories are read as their organization lists them, and none otherwise than alone."""

from datetime import timedelta
from typing import Any

import pytest

from ghsync.reconciler import alerts, bulk, sweep
from ghsync.simulator.actions import secret_scanning_alerts
from tests.faulty import Answer
from tests.reconciler.answers import REPOSITORY, body, edited, status
from tests.reconciler.conftest import Broken

pytestmark = pytest.mark.anyio

ORGANIZATION = "GET /orgs/{organization}"
PATHS = [path for _, path, _ in alerts.LISTINGS.values()]
ALL = """
SELECT r.github_id, a.kind, a.number, a.state
FROM github_security_alerts a JOIN github_repositories r ON r.id = a.repository_id WHERE a.deleted_at IS NULL
"""

Alert = tuple[str, str, int, str]


async def read_all(lab: Broken) -> None:
    """Read everything, as a sweep does."""
    lab.faulty.asked.clear()
    await sweep.sweep(lab.reconciler, complete_every=timedelta(0))


def asked(lab: Broken, of: str) -> list[int]:
    """How often each kind was asked for there."""
    return [lab.faulty.asked[f"{of}/{path}"] for path in PATHS]


def mirrored(lab: Broken) -> set[Alert]:
    """All there are, by repository, kind and number, each with its state."""
    return set(lab.connection.execute(ALL).fetchall())


def on_github(lab: Broken) -> set[Alert]:
    """All there are on GitHub, as it is on the default branch where it is in code."""
    return {
        (str(repository.id), kind, alert.number, state)
        for repository in lab.world.repositories.values()
        for kind, alert, state in (
            *(("code_scanning", one, one.state()) for one in repository.code_scanning_alerts.values()),
            *(("dependabot", one, one.state) for one in repository.dependabot_alerts.values()),
            *(("secret_scanning", one, one.state) for one in repository.secret_scanning_alerts.values()),
        )
    }


async def test_the_alerts_of_all_are_asked_of_their_organization(several_broken: Broken) -> None:
    several_broken.connection.execute("TRUNCATE github_security_alerts CASCADE")
    await read_all(several_broken)
    assert (asked(several_broken, ORGANIZATION), asked(several_broken, REPOSITORY)) == ([1, 1, 1], [0, 0, 0])
    assert mirrored(several_broken) == on_github(several_broken)
    assert {kind for _, kind, _, _ in mirrored(several_broken)} == alerts.LISTINGS.keys()


def of_nobody(content: list[dict[str, Any]]) -> None:
    """Its first alert has a number that is none."""
    content[0]["number"] = "one"


def of_no_repository(content: list[dict[str, Any]]) -> None:
    """Its first alert does not say where it is."""
    del content[0]["repository"]


@pytest.mark.parametrize(
    "answer", [status(404, "Not Found"), status(403, "Resource not accessible by integration"), body(b"{}"),
               edited(of_nobody), edited(of_no_repository)],
    ids=["no organization", "not allowed", "something else", "an alert that cannot be read", "an alert of none"],
)  # fmt: skip
async def test_where_the_organization_does_not_list_them_each_is_asked(several_broken: Broken, answer: Answer) -> None:
    several_broken.connection.execute("TRUNCATE github_security_alerts CASCADE")
    for path in PATHS:
        several_broken.faulty.break_(f"{ORGANIZATION}/{path}", answer)
    await read_all(several_broken)
    assert asked(several_broken, REPOSITORY) == [3, 3, 3]
    assert mirrored(several_broken) == on_github(several_broken)


async def test_where_one_that_is_known_is_not_listed_its_repository_is_asked(several_broken: Broken) -> None:
    lab = several_broken
    secret_scanning_alerts.create(lab.world, lab.repository, by=lab.repository.owner)
    await read_all(lab)
    assert (asked(lab, REPOSITORY), mirrored(lab)) == ([0, 0, 0], on_github(lab))
    lab.repository.has_secret_scanning = False
    await read_all(lab)
    assert asked(lab, REPOSITORY) == [0, 0, 1]
    there = "SELECT count(*) FROM github_security_alerts a JOIN github_repositories r ON r.id = a.repository_id"
    left = f"{there} WHERE r.github_id = %s AND a.kind = 'secret_scanning' AND a.deleted_at IS NULL"
    assert lab.connection.execute(left.encode(), [str(lab.repository.id)]).fetchone() == (0,)


async def test_what_the_organization_listed_a_while_ago_is_asked_again(
    several_broken: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each repository counts as read when it was shown, however long those before it took."""
    lab = several_broken
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    monkeypatch.setattr(bulk, "ALERTS_LAST", timedelta(0))
    await read_all(lab)
    assert asked(lab, ORGANIZATION) == [2, 2, 2]  # what is left in the end is one, which is asked by itself
    assert mirrored(lab) == on_github(lab)
