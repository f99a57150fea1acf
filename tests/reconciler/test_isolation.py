"""What cannot be read stops nothing beside it (I12): it is told by name, and asked for again."""

from datetime import timedelta
from typing import Any

import pytest

from ghsync.doctor import here
from ghsync.errors import GitHubUnavailable
from ghsync.inbox.recorder import Recorder
from ghsync.reconciler import installations, refetch
from ghsync.reconciler.heal import heal
from ghsync.simulator.actions import issues
from ghsync.simulator.sender import Sender
from tests.faulty import Answer
from tests.reconciler.answers import REPOSITORY, body, edited, hide, status
from tests.reconciler.conftest import Broken

pytestmark = pytest.mark.anyio


def last_error(lab: Broken) -> str | None:
    """What the newest run says."""
    row = lab.connection.execute("SELECT last_error FROM sync_runs ORDER BY started_at DESC LIMIT 1").fetchone()
    return row[0] if row else None


@pytest.mark.slow
async def test_one_unreadable_pull_request_is_left_out_at_few_requests(broken: Broken) -> None:
    number = broken.number_of_a_pull_request()
    for query in ("Conversations", "Refetch"):
        broken.faulty.break_(f"GraphQL {query}", hide(number))
    broken.faulty.break_(f"{REPOSITORY}/pulls/{{number:int}}", status(500), within=f"/pulls/{number}?")
    name = f"{broken.repository.full_name}#{number}"

    run = await broken.resync(full=True)
    assert run.meter.requests <= 16
    assert run.unread is not None
    assert run.unread.startswith(f"{name} could not be read")
    assert last_error(broken) == run.unread
    assert broken.tombstones() == 0
    assert (await broken.place()).complete_at == run.progress.began_at

    again = await broken.resync(full=True)  # its pause is not over
    assert again.meter.requests <= run.meter.requests - 3
    assert again.unread == run.unread

    broken.due()
    await broken.discover()
    broken.faulty.mend()
    await broken.settle()
    assert await broken.unread() == []
    assert broken.differences() == []


async def test_the_pause_before_it_is_asked_for_again_grows(broken: Broken) -> None:
    number = broken.number_of_a_pull_request()
    broken.faulty.break_("GraphQL Conversations", hide(number))
    broken.faulty.break_("GraphQL Refetch", hide(number))
    broken.faulty.break_(f"{REPOSITORY}/pulls/{{number:int}}", status(500), within=f"/pulls/{number}?")
    await broken.resync(full=True)
    pauses = []
    for _ in range(4):
        broken.due()
        await refetch.do_due(broken.reconciler)
        row = broken.connection.execute(
            "SELECT due_at - now() FROM sync_jobs WHERE kind = 'refetch_pull_request'"
        ).fetchone()
        assert row is not None
        pauses.append(row[0])
    assert pauses == sorted(pauses)
    assert pauses[-1] > 4 * pauses[0] > timedelta(0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer",
    [body(b""), body(b"null"), body(b"{}"), body(b"[null]"), body(b'{"message":"no"}'), body(b"<html>"), status(204)],
    ids=["empty", "null", "object", "a null in it", "message", "html", "204"],
)
@pytest.mark.parametrize("part", ["labels", "milestones", "dependabot/alerts"])
async def test_a_part_that_is_not_what_it_should_be_is_told_and_all_else_is_read(
    broken: Broken, part: str, answer: Answer
) -> None:
    broken.connection.execute("UPDATE github_issues SET title = 'stale'")
    broken.faulty.break_(f"{REPOSITORY}/{part}", answer)
    run = await broken.resync(full=True)
    assert run.unread is not None
    assert f"of {broken.repository.full_name} could not be read" in run.unread
    assert len(await broken.unread()) == 1
    assert broken.differences() == []

    broken.faulty.mend()
    await broken.settle()
    assert await broken.unread() == []


@pytest.mark.slow
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("part", ["labels", "milestones"])
async def test_a_part_that_may_not_be_read_is_told_and_all_else_is_read(broken: Broken, part: str, known: bool) -> None:
    if not known:
        broken.connection.execute(f"DELETE FROM github_{part}".encode())
    broken.connection.execute("UPDATE github_issues SET title = 'stale'")
    broken.faulty.break_(f"{REPOSITORY}/{part}", status(403, "Resource not accessible by integration"))
    run = await broken.resync(full=True)
    assert run.unread is not None
    assert f"The {part} of {broken.repository.full_name} could not be read: The App lacks a permission" in run.unread
    (stale,) = broken.connection.execute("SELECT count(*) FROM github_issues WHERE title = 'stale'").fetchall()
    assert stale == (0,)

    broken.faulty.mend()
    await broken.settle()
    assert await broken.unread() == []
    assert broken.differences() == []


@pytest.mark.parametrize("code", [400, 422, 500, 503])
async def test_alerts_that_cannot_be_read_are_told_and_optional(broken: Broken, code: int) -> None:
    broken.faulty.break_(f"{REPOSITORY}/code-scanning/alerts", status(code))
    run = await broken.resync(full=True)
    assert run.unread is not None
    assert run.unread.startswith(f"The code scanning alerts of {broken.repository.full_name} could not be read")


async def test_workflow_runs_that_may_not_be_asked_for_are_told_and_all_else_is_read(broken: Broken) -> None:
    broken.connection.execute("UPDATE github_workflow_runs SET pull_requests = '[99]'")
    broken.faulty.break_(f"{REPOSITORY}/actions/runs", status(403, "Resource not accessible by personal access token"))
    run = await broken.resync(full=True)
    assert run.unread is not None
    assert run.unread.startswith(f"The workflow runs of {broken.repository.full_name}#")
    assert "lacks a permission" in run.unread
    assert (await broken.place()).complete_at == run.progress.began_at


NOT_SHOWN = [
    status(403, "Advanced Security must be enabled for this repository to use code scanning."),
    status(404, "no analysis found"),
    body(b"[]"),
]


@pytest.mark.parametrize("answer", NOT_SHOWN, ids=["switched off", "nothing was looked for", "none"])
async def test_alerts_that_github_shows_no_longer_are_gone(broken: Broken, answer: Answer) -> None:
    broken.faulty.break_(f"{REPOSITORY}/code-scanning/alerts", answer)
    broken.faulty.break_(f"{REPOSITORY}/code-scanning/alerts/{{alert_number:int}}", status(404))
    run = await broken.resync(full=True)
    assert run.unread is None
    assert open_alerts(broken) == {"dependabot", "secret_scanning"}

    broken.faulty.mend()
    await broken.resync(full=True)
    assert open_alerts(broken) == {"code_scanning", "dependabot", "secret_scanning"}
    assert broken.differences() == []


def open_alerts(lab: Broken) -> set[str]:
    """The kinds of alerts that there are."""
    found = lab.connection.execute("SELECT kind FROM github_security_alerts WHERE deleted_at IS NULL")
    return {kind for (kind,) in found}


@pytest.mark.parametrize("part", ["actions/runs", "commits/{ref:path}/statuses"])
@pytest.mark.parametrize("code", [404, 422])
async def test_checks_that_cannot_be_read_leave_the_rest(broken: Broken, part: str, code: int) -> None:
    broken.faulty.break_("GraphQL Conversations", status(404))
    broken.faulty.break_(f"{REPOSITORY}/{part}", status(code, "No commit found for SHA"))
    run = await broken.resync(full=True)
    assert run.unread is not None
    assert "could not be read" in run.unread
    assert broken.tombstones() == 0
    assert {kind for kind in broken.due() if kind.startswith("refetch")} == {"refetch_checks"}


@pytest.mark.parametrize(
    "wrong",
    [{"databaseId": "x"}, {"updatedAt": "20222-01-01T00:00:00Z"}, {"labels": {"nodes": [None]}}],
    ids=["id", "date", "null"],
)
async def test_an_item_of_graphql_that_cannot_be_read_is_read_by_itself(broken: Broken, wrong: dict[str, Any]) -> None:
    broken.connection.execute("UPDATE github_issues SET title = 'stale'")
    broken.faulty.break_(
        "GraphQL Conversations", edited(lambda content: content["data"]["node"]["issues"]["nodes"][0].update(wrong))
    )
    run = await broken.resync(full=True)
    assert run.unread is None
    assert broken.differences() == []


async def test_an_item_of_a_list_that_cannot_be_read_is_left_out(broken: Broken) -> None:
    broken.faulty.break_("GraphQL Conversations", status(404))
    broken.faulty.break_(f"{REPOSITORY}/issues", edited(lambda content: content.__setitem__(0, None)))
    run = await broken.resync(full=True)
    assert run.unread is not None
    assert run.unread.startswith(f"An issue of {broken.repository.full_name} could not be read")
    assert broken.tombstones() == 0


async def test_pages_that_do_not_move_on_end(broken: Broken) -> None:
    def stuck(content: dict[str, Any]) -> None:
        for name in ("issues", "pullRequests"):
            if connection := content["data"]["node"].get(name):
                connection["pageInfo"] = {"hasNextPage": True, "endCursor": None}

    broken.faulty.break_("GraphQL Conversations", edited(stuck))
    run = await broken.resync(full=True)
    assert broken.faulty.asked["GraphQL Conversations"] <= 3
    assert run.meter.requests < 150
    assert broken.tombstones() == 0


@pytest.mark.slow
async def test_one_delivery_that_cannot_be_read_stops_no_other(broken: Broken) -> None:
    world, owner = broken.world, broken.repository.owner
    world.clock.advance(1)
    for number in range(150):  # more than a page of the log, which begins with the newest
        issues.open_issue(world, broken.repository, f"Lamp {number}", by=owner)
    broken.site.faults.hook = {"dropped": 1.0}
    async with Sender(broken.site, from_the_start=True) as sender:
        await sender.flush(early=True)
    recorder = Recorder(broken.engine, timeout_seconds=5)
    bad = max(attempt.id for attempt in broken.site.hook_log.attempts)
    broken.faulty.break_("GET /app/hook/deliveries/{delivery_id:int}", body(b"{}"), within=f"/{bad}?")
    broken.faulty.break_("POST /app/hook/deliveries/{delivery_id:int}/attempts", status(422), within=f"/{bad}/")
    run, found = await heal(broken.reconciler, recorder)
    assert found.recorded == found.missing - 1 >= 149
    assert run.unread is not None
    assert run.unread.startswith("Delivery ")

    broken.faulty.mend()
    broken.due()
    _, again = await heal(broken.reconciler, recorder)
    await recorder.close()
    assert again.recorded == 1
    assert await broken.unread() == []


@pytest.mark.parametrize("what", ["has_issues", "has_pull_requests"])
async def test_what_is_switched_off_is_not_deleted(broken: Broken, what: str) -> None:
    folder = "issues" if what == "has_issues" else "pulls"
    code = 410 if what == "has_issues" else 404
    broken.faulty.break_(REPOSITORY, edited(lambda content: content.update({what: False})))
    connection = "issues" if what == "has_issues" else "pullRequests"

    def empty(content: dict[str, Any]) -> None:
        if found := content["data"]["node"].get(connection):
            found.update(nodes=[], totalCount=0, pageInfo={"hasNextPage": False, "endCursor": None})

    broken.faulty.break_("GraphQL Conversations", edited(empty))
    for path in (folder, f"{folder}/{{number:int}}"):
        broken.faulty.break_(f"{REPOSITORY}/{path}", status(code, "Issues are disabled for this repo"))
    await broken.resync(full=True)
    await broken.resync()
    assert broken.tombstones() == 0


async def test_doctor_tells_what_cannot_be_read(broken: Broken) -> None:
    broken.faulty.break_(f"{REPOSITORY}/labels", body(b"null"))
    await broken.resync(full=True)
    found = await here.unread(broken.engine)
    assert found.state == "warning"
    assert found.said.startswith(f"The labels of {broken.repository.full_name} could not be read")


async def test_a_repository_that_answers_nothing_is_told(broken: Broken) -> None:
    broken.faulty.break_(REPOSITORY, body(b"null"))
    with pytest.raises(GitHubUnavailable, match="not what was asked for"):
        await broken.resync(full=True)
    assert last_error(broken)


async def test_an_item_that_cannot_be_stored_is_told_and_all_others_are(broken: Broken) -> None:
    broken.connection.execute("UPDATE github_issues SET title = 'stale'")
    broken.faulty.break_(
        "GraphQL Conversations",
        edited(lambda content: content["data"]["node"]["issues"]["nodes"][0]["comments"].update(totalCount=10**12)),
    )
    run = await broken.resync(full=True)
    assert run.unread is not None
    assert "It cannot be stored" in run.unread
    stale = broken.connection.execute("SELECT count(*) FROM github_issues WHERE title = 'stale'").fetchone()
    assert stale == (1,)


async def test_an_installation_that_is_suspended_while_it_is_read_is_told(broken: Broken) -> None:
    broken.faulty.break_("GET /installation/repositories", status(403, "This installation has been suspended"))
    app = broken.reconciler.app_session("reconcile", "interactive")
    await installations.refresh(broken.reconciler, app)
    (installation,) = broken.world.installations.values()
    assert app.unread.sentence == (
        f"Installation {installation.id} could not be read: The App's installation is suspended: "
        "the account's owner can lift that in GitHub's settings."
    )
    assert broken.due() == {"refetch_installation": 1}


@pytest.mark.parametrize("alone", ["can be read", "cannot be read"])
async def test_an_installation_that_cannot_be_read_in_their_list_is_asked_for_by_itself(
    broken: Broken, alone: str
) -> None:
    broken.connection.execute("TRUNCATE organizations, github_installations CASCADE")
    wrong = edited(lambda content: content.update(permissions=7))
    broken.faulty.break_("GET /app/installations", edited(lambda listed: listed[0].update(permissions=7)))
    if alone == "cannot be read":
        broken.faulty.break_("GET /app/installations/{installation_id:int}", wrong)
    app = broken.reconciler.app_session("reconcile", "interactive")
    await installations.refresh(broken.reconciler, app)
    (installation,) = broken.world.installations.values()
    known = broken.connection.execute("SELECT github_id FROM github_installations").fetchall()
    if alone == "can be read":
        assert (known, app.unread.sentence) == ([(str(installation.id),)], None)
    else:
        assert (app.unread.sentence or "").startswith(f"Installation {installation.id} could not be read:")
        assert broken.due() == {"refetch_installation": 1}


@pytest.mark.slow
@pytest.mark.parametrize("answer", [status(500), status(403), status(301)], ids=["500", "403", "301"])
@pytest.mark.parametrize("first", [True, False])
async def test_a_repository_that_left_and_cannot_be_asked_for_keeps_no_other_visible(
    several_broken: Broken, answer: Answer, first: bool
) -> None:
    lab = several_broken
    (installation,) = lab.world.installations.values()
    left = sorted(installation.repositories, key=lambda each: str(each.id))[:2]
    asked, hidden = left if first else reversed(left)
    for each in left:
        each.visibility = "private"
        installation.repositories.remove(each)
    lab.faulty.break_(REPOSITORY, answer, within=f"/{asked.id}?")
    await lab.discover()
    assert {asked.full_name} < shown(lab)
    assert hidden.full_name not in shown(lab)
    (told,) = await lab.unread()
    assert asked.full_name in told

    lab.due()
    lab.faulty.mend()
    await refetch.do_due(lab.reconciler)
    assert asked.full_name not in shown(lab)
    assert await lab.unread() == []


async def test_one_of_an_installations_list_that_cannot_be_read_keeps_no_other_visible(several_broken: Broken) -> None:
    lab = several_broken
    (installation,) = lab.world.installations.values()
    left, wrong = sorted(installation.repositories, key=lambda each: each.id)[:2]
    left.visibility = "private"
    installation.repositories.remove(left)

    def spoil(answer: Any) -> None:
        for each in answer["repositories"]:
            each["full_name"] = 7 if each["id"] == wrong.id else each["full_name"]

    lab.faulty.break_("GET /installation/repositories", edited(spoil))
    await lab.discover()
    assert left.full_name not in shown(lab)
    assert wrong.full_name in shown(lab)


def shown(lab: Broken) -> set[str]:
    """The repositories that may be seen."""
    found = lab.connection.execute("SELECT full_name FROM github_repositories WHERE removed_at IS NULL")
    return {name for (name,) in found}
