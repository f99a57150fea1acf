"""A mirror that is not compared with GitHub never looks healthy, and says why; what is over is not told any more."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from ghsync import staleness
from ghsync.database import transaction
from ghsync.errors import GhsyncError
from ghsync.github.client import GitHub
from ghsync.inbox.recorder import Recorder
from ghsync.probes import Probes
from ghsync.reconciler.heal import heal
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.sweep import sweep
from ghsync.settings import Settings
from ghsync.simulator.actions import installations, issues
from ghsync.simulator.clock import TICKS_PER_SECOND
from ghsync.simulator.keys import new_private_key, public_key
from ghsync.staleness import Backlog, Staleness
from tests.reconciler.conftest import Lab

pytestmark = pytest.mark.anyio

HOOKS_ONLY = Settings(webhook_secrets=(SecretStr("secret"),))
REVOKED = "GitHub does not accept the App's key ("
NOT_YET = "No {} has succeeded yet: until one has, the mirror may lack what no delivery told."


@pytest.fixture
async def recorder(lab: Lab) -> AsyncIterator[Recorder]:
    recorder = Recorder(lab.engine, timeout_seconds=5)
    yield recorder
    await recorder.close()


async def work(lab: Lab, recorder: Recorder, settings: Settings | None = None) -> None:
    """One turn of the schedule, as a process with these settings takes it that has just started."""
    async with GitHub(lab.engine, settings or lab.settings, sleep=at_once) as github:
        reconciler = Reconciler(lab.engine, github)
        with suppress(GhsyncError):
            await sweep(reconciler, complete_every=timedelta(days=1), discover=True)
        with suppress(GhsyncError):
            await heal(reconciler, recorder)


async def at_once(_: float) -> None:
    """Wait for nothing."""


async def look(lab: Lab, settings: Settings | None = None) -> Staleness:
    async with transaction(lab.engine) as conn:
        return await staleness.read(conn, settings or lab.settings, Backlog(0, None, 0))


async def readyz(lab: Lab, settings: Settings | None = None) -> tuple[int, dict[str, Any]]:
    """What `/readyz` answers."""
    served = Starlette(routes=Probes(lab.engine, settings or lab.settings).routes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://ghsync") as client:
        answer = await client.get("/readyz")
    return answer.status_code, answer.json()


async def test_where_nothing_may_read_the_api_that_is_told_and_no_failure(lab: Lab) -> None:
    status, body = await readyz(lab, HOOKS_ONLY)
    assert (status, body["hooks_only"], body["stale"], body["reasons"]) == (200, True, False, [])


@pytest.mark.slow
async def test_a_mirror_that_was_never_read_is_stale_and_one_that_was_is_not(lab: Lab, recorder: Recorder) -> None:
    assert (await look(lab)).reasons == (NOT_YET.format("sweep"), NOT_YET.format("heal"))
    await work(lab, recorder)
    status, body = await readyz(lab)
    assert (status, body["hooks_only"], body["stale"], body["reasons"]) == (200, False, False, [])


async def test_a_process_without_credentials_knows_that_another_has_them(lab: Lab, recorder: Recorder) -> None:
    await work(lab, recorder)
    assert await look(lab, HOOKS_ONLY) == Staleness((), frozenset(), hooks_only=False)
    age(lab, "heal", minutes=16)
    assert [reason[:27] for reason in (await look(lab, HOOKS_ONLY)).reasons] == ["No heal has succeeded since"]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "minutes"), [("sweep", 6), ("heal", 15)])
async def test_what_is_too_old_is_told_with_when_it_was(lab: Lab, recorder: Recorder, kind: str, minutes: int) -> None:
    await work(lab, recorder)
    age(lab, kind, minutes=minutes - 1)
    assert (await look(lab)).reasons == ()
    age(lab, kind, minutes=1)
    (reason,) = (await look(lab)).reasons
    assert reason.startswith(f"No {kind} has succeeded since 20")
    assert reason.endswith(" UTC: does `ghsync serve` or `ghsync work` run?")


def age(lab: Lab, kind: str, *, minutes: int) -> None:
    """Let runs of a kind, and what they read of single repositories, have been earlier."""
    kinds = [kind, "backfill"]
    lab.connection.execute(
        "UPDATE sync_runs SET finished_at = finished_at - make_interval(mins => %s) WHERE kind = ANY(%s)",
        [minutes, kinds],
    )


@pytest.mark.slow
async def test_a_long_sweep_that_gets_on_is_not_too_old(lab: Lab, recorder: Recorder) -> None:
    await work(lab, recorder)
    age(lab, "sweep", minutes=60)
    place = await lab.place()
    lab.connection.execute(
        "INSERT INTO sync_runs (kind, repository_id, status, finished_at) VALUES ('sweep', %s, 'succeeded', now())",
        [place.id],
    )
    assert (await look(lab)).reasons == ()


@pytest.mark.slow
async def test_an_old_error_is_not_told_after_a_success_and_an_interruption_never(lab: Lab, recorder: Recorder) -> None:
    await work(lab, recorder)
    lab.connection.execute(
        "INSERT INTO sync_runs (kind, status, last_error, finished_at) VALUES "
        "('heal', 'failed', 'It broke.', now() - interval '1 hour'), ('sweep', 'interrupted', NULL, now())"
    )
    assert (await look(lab)).reasons == ()
    lab.connection.execute("UPDATE sync_runs SET finished_at = now() WHERE last_error = 'It broke.'")
    assert (await look(lab)).reasons == ("The last heal failed: It broke.",)


@pytest.mark.slow
async def test_a_revoked_key_is_one_sentence_until_there_is_another(lab: Lab, recorder: Recorder) -> None:
    await work(lab, recorder)
    good = lab.site.keys
    lab.site.keys = lab.site.tokens.keys = replace(good, public_key=public_key(new_private_key()))
    await work(lab, recorder)
    status, body = await readyz(lab)
    assert (status, body["stale"]) == (200, True)
    (reason,) = body["reasons"]
    assert reason.startswith(f"The last sweep and the last heal failed: {REVOKED}")
    lab.site.keys = lab.site.tokens.keys = good
    await work(lab, recorder)
    assert (await look(lab)).reasons == ()


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [-2, 2])
async def test_a_clock_that_is_off_by_minutes_is_made_up_for(lab: Lab, recorder: Recorder, minutes: int) -> None:
    lab.world.clock.ticks += minutes * 60 * TICKS_PER_SECOND
    await work(lab, recorder)
    assert (await look(lab)).reasons == ()
    assert lab.differences() == []


@pytest.mark.slow
async def test_a_suspended_installation_is_told_until_it_is_not(lab: Lab, recorder: Recorder) -> None:
    await work(lab, recorder)
    (installation,) = lab.world.installations.values()
    installations.suspend(lab.world, installation, by=lab.repository.owner)
    await work(lab, recorder)
    status, body = await readyz(lab)
    assert (status, body["stale"]) == (200, True)
    login = installation.account.login
    said = f"The App is suspended on {login}: the account's owner can lift that in GitHub's settings."
    assert body["reasons"] == [said]
    lab.world.clock.advance(5)
    installations.unsuspend(lab.world, installation, by=lab.repository.owner)
    lab.world.clock.advance(5)
    await work(lab, recorder)
    assert (await look(lab)).reasons == ()


@pytest.mark.slow
async def test_a_missing_permission_is_told_until_it_is_granted(lab: Lab, recorder: Recorder) -> None:
    await work(lab, recorder)
    (installation,) = lab.world.installations.values()
    granted = dict(installation.permissions)
    del installation.permissions["pull_requests"]
    lab.world.clock.advance(5)
    issues.open_issue(lab.world, lab.repository, "Not to be seen", by=lab.repository.owner)
    await work(lab, recorder)
    (reason,) = (await look(lab)).reasons
    assert reason.startswith("The last sweep failed: The App lacks a permission for ")
    installation.permissions.update(granted)
    await work(lab, recorder)
    assert (await look(lab)).reasons == ()
    assert lab.differences() == []


@pytest.mark.slow
async def test_an_unreachable_github_is_told_until_it_answers(lab: Lab, recorder: Recorder) -> None:
    await work(lab, recorder)
    await work(lab, recorder, lab.settings.model_copy(update={"api_url": "http://127.0.0.1:1"}))
    (reason,) = (await look(lab)).reasons
    assert reason.startswith("The last sweep and the last heal failed: GitHub cannot be reached at 127.0.0.1 (")
    assert (await readyz(lab))[0] == 200
    await work(lab, recorder)
    assert (await look(lab)).reasons == ()


async def test_a_personal_token_needs_no_look_into_the_log(lab: Lab, recorder: Recorder) -> None:
    token = Settings(token=SecretStr("ghp_" + "0" * 36), api_url=lab.settings.api_url)
    await work(lab, recorder, token)
    assert await look(lab, token) == Staleness((), frozenset(), hooks_only=False)


@pytest.mark.parametrize("column", ["deleted_at", "removed_at"])
async def test_what_is_not_there_any_more_is_not_awaited(lab: Lab, recorder: Recorder, column: str) -> None:
    await work(lab, recorder)
    place = await lab.place()
    lab.connection.execute("UPDATE sync_marks SET complete_at = now() - interval '5 days'")
    assert (await of_repository(lab, place.id)).reasons != ()
    lab.connection.execute(f"UPDATE github_repositories SET {column} = now()".encode())
    assert (await of_repository(lab, place.id)).reasons == ()


@pytest.mark.slow
async def test_where_nothing_reads_the_api_no_reading_is_awaited(lab: Lab, recorder: Recorder) -> None:
    await work(lab, recorder)
    place = await lab.place()
    lab.connection.execute("UPDATE sync_marks SET complete_at = now() - interval '5 days'")
    lab.connection.execute("DELETE FROM sync_runs")
    found = await of_repository(lab, place.id, HOOKS_ONLY)
    assert (found.reasons, found.hooks_only) == ((), True)


async def of_repository(lab: Lab, repository_id: str, settings: Settings | None = None) -> Staleness:
    nothing = Backlog(0, None, 0)
    async with transaction(lab.engine) as conn:
        return await staleness.read(conn, settings or lab.settings, nothing, repository_id=repository_id)
