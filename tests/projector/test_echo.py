"""What a signed body can do that comes again under another GUID, which is not signed: an echo.

Nobody can tell it from GitHub itself: labeled, unlabeled and labeled again within a second are three deliveries with
two bodies, and the third is true. See ARCHITECTURE: Decisions.
"""

from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.inbox.queue import ClaimedDelivery
from tests import projection
from tests.mirror.reports import at, jobs, query
from tests.projector.test_accounts import ACME, APP
from tests.projector.test_origin import version_1

pytestmark = pytest.mark.anyio

Body = tuple[str, dict[str, Any]]

DAY = 24 * 60 * 60
SHOWN = "SELECT labels -> 0 ->> 'name' FROM github_issues"
NEWS = "SELECT count(*) FROM change_events"
RUNS = "SELECT conclusion FROM github_check_runs"
LABEL = {"id": 5, "name": "bug", "color": "ffffff"}
PULL = {"id": 20, "number": 2, "state": "open", "updated_at": at(0).isoformat(), "head": {"ref": "x", "sha": "a" * 40}}


def issue(changed_at: float, *labels: dict[str, Any]) -> Body:
    """An issue that has these labels since then."""
    shown = {"id": 70, "number": 7, "title": "Lamp", "labels": labels, "updated_at": at(changed_at).isoformat()}
    return "issues", {"action": "labeled", "repository": APP, "issue": shown}


def check(conclusion: str) -> Body:
    """One check run that is completed so."""
    run = {"id": 50, "head_sha": "a" * 40, "name": "test", "status": "completed", "conclusion": conclusion}
    return "check_run", {"action": "completed", "repository": APP, "check_run": run}


def member(action: str) -> Body:
    """Somebody comes to an organization, or leaves it."""
    user = {"id": 1, "login": "ada"}
    return "organization", {"action": action, "organization": ACME, "membership": {"user": user, "role": "member"}}


async def arrives(engine: AsyncEngine, body: Body, seconds: float, guid: str | None = None) -> None:
    """Project a body that arrives then, under a GUID of that moment if no other is given."""
    event, payload = body
    named = version_1(at(seconds)) if guid is None else guid
    arrived = ClaimedDelivery(
        1, at(0).date(), named, event, None, None, "application/json", msgspec.json.encode(payload), 0, at(seconds)
    )
    async with transaction(engine) as conn:
        await projection.project(conn, [arrived])


async def test_an_echo_of_what_was_changed_in_a_later_second_changes_nothing(engine: AsyncEngine) -> None:
    await arrives(engine, issue(1, LABEL), 1.1)
    await arrives(engine, issue(2), 2.1)
    news = await query(engine, NEWS)
    for place in range(50):
        await arrives(engine, issue(1, LABEL), 100 + place)
        await arrives(engine, issue(1, LABEL), 100 + place, guid="")
    assert (await query(engine, SHOWN), await query(engine, NEWS), await jobs(engine)) == ([(None,)], news, [])


async def test_the_third_of_three_in_one_second_is_true_though_it_is_the_first_once_more(engine: AsyncEngine) -> None:
    for place, body in enumerate((issue(1, LABEL), issue(1), issue(1, LABEL))):
        await arrives(engine, body, 1.1 + place / 10)
    assert (await query(engine, SHOWN), await jobs(engine)) == ([("bug",)], [])


@pytest.mark.parametrize("guid", [None, "", version_1(at(2 * DAY))], ids=["now", "without a time", "to come"])
async def test_an_echo_within_the_second_of_the_last_change_is_asked_about(
    engine: AsyncEngine, guid: str | None
) -> None:
    await arrives(engine, issue(1, LABEL), 1.1)
    await arrives(engine, issue(1), 1.2)
    await arrives(engine, issue(1, LABEL), 100, guid)
    assert (await query(engine, SHOWN), await jobs(engine)) == ([("bug",)], ["refetch_issue"])


async def test_an_echo_whose_guid_claims_a_time_beside_the_last_change_is_taken_for_it(engine: AsyncEngine) -> None:
    await arrives(engine, issue(1, LABEL), 1.1)
    await arrives(engine, issue(1), 1.2)
    await arrives(engine, issue(1, LABEL), 100, version_1(at(1.3)))
    assert (await query(engine, SHOWN), await jobs(engine)) == ([("bug",)], [])


async def test_what_is_truly_new_stands_after_any_echo(engine: AsyncEngine) -> None:
    await arrives(engine, issue(1, LABEL), 100, version_1(at(2 * DAY)))
    await arrives(engine, issue(2), 2.1)
    assert await query(engine, SHOWN) == [(None,)]


@pytest.mark.parametrize(("guid", "due"), [(None, []), ("", ["refetch_checks"])], ids=["now", "without a time"])
async def test_an_echo_of_what_has_no_time_of_change_counts_as_new(
    engine: AsyncEngine, guid: str | None, due: list[str]
) -> None:
    await arrives(engine, ("pull_request", {"repository": APP, "pull_request": PULL}), 0)
    await query(engine, "DELETE FROM sync_jobs")
    await arrives(engine, check("success"), 1)
    await arrives(engine, check("failure"), 60)
    await arrives(engine, check("success"), 100, guid)
    assert await query(engine, RUNS) == [("success",)]
    assert [kind for kind in await jobs(engine) if kind == "refetch_checks"] == due


async def test_who_comes_again_is_a_member_though_the_delivery_says_what_the_first_said(engine: AsyncEngine) -> None:
    for place, action in enumerate(("member_added", "member_removed", "member_added")):
        await arrives(engine, member(action), 60 * place)
    assert await query(engine, "SELECT removed_at FROM organization_members") == [(None,)]
