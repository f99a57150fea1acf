"""Security alerts of many repositories are read as their organization lists them, and none otherwise than alone."""

from datetime import timedelta
from typing import Any

import pytest

from ghsync.reconciler import alerts, sweep
from ghsync.simulator.actions import secret_scanning_alerts
from tests.faulty import Answer
from tests.reconciler.answers import REPOSITORY, body, edited, status
from tests.reconciler.conftest import Broken

pytestmark = pytest.mark.anyio

ORGANIZATION = "GET /orgs/{organization}"
PATHS = [path for _, path, _ in alerts.LISTINGS.values()]
ALL = "SELECT count(*)::int FROM github_security_alerts WHERE deleted_at IS NULL"


async def read_all(lab: Broken) -> None:
    """Read everything, as a sweep does."""
    lab.faulty.asked.clear()
    await sweep.sweep(lab.reconciler, complete_every=timedelta(0))


def asked(lab: Broken, of: str) -> list[int]:
    """How often each kind was asked for there."""
    return [lab.faulty.asked[f"{of}/{path}"] for path in PATHS]


def mirrored(lab: Broken) -> int:
    """How many there are."""
    row = lab.connection.execute(ALL).fetchone()
    assert row
    return int(row[0])


async def test_the_alerts_of_all_are_asked_of_their_organization(several_broken: Broken) -> None:
    before = mirrored(several_broken)
    several_broken.connection.execute("TRUNCATE github_security_alerts CASCADE")
    await read_all(several_broken)
    assert (asked(several_broken, ORGANIZATION), asked(several_broken, REPOSITORY)) == ([1, 1, 1], [0, 0, 0])
    assert mirrored(several_broken) == before >= 3
    assert several_broken.differences() == []


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
    assert several_broken.differences() == []


async def test_where_one_that_is_known_is_not_listed_its_repository_is_asked(several_broken: Broken) -> None:
    lab = several_broken
    secret_scanning_alerts.create(lab.world, lab.repository, by=lab.repository.owner)
    await read_all(lab)
    assert (asked(lab, REPOSITORY), lab.differences()) == ([0, 0, 0], [])
    lab.repository.has_secret_scanning = False
    await read_all(lab)
    assert asked(lab, REPOSITORY) == [0, 0, 1]
    there = "SELECT count(*) FROM github_security_alerts a JOIN github_repositories r ON r.id = a.repository_id"
    left = f"{there} WHERE r.github_id = %s AND a.kind = 'secret_scanning' AND a.deleted_at IS NULL"
    assert lab.connection.execute(left.encode(), [str(lab.repository.id)]).fetchone() == (0,)
