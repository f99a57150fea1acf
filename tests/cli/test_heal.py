"""`ghsync heal`: what GitHub sent and never arrived gets into the inbox."""

import asyncio
import signal
from datetime import timedelta

import pytest

from ghsync.simulator.actions import issues
from ghsync.simulator.faults import HookFault
from ghsync.simulator.sender import Sender
from tests.cli.conftest import Ghsync
from tests.cli.hub import PERSONAL_TOKEN, Hub

pytestmark = pytest.mark.anyio

NO_APP = {"GHSYNC_APP_ID": "", "GHSYNC_PRIVATE_KEY": ""}
INBOX = "SELECT event, action, status, sync_source FROM webhook_deliveries ORDER BY id"
RUNS = "SELECT status, rows_seen, rows_written, last_error FROM sync_runs WHERE kind = 'heal' ORDER BY started_at"


async def lose(hub: Hub, count: int = 3, fault: HookFault = "dropped") -> None:
    """Let issues be opened of which the deliveries get lost."""
    for number in range(count):
        issues.open_issue(hub.world, hub.repository, f"Lost {number}", by=hub.owner)
    hub.site.faults.hook = {fault: 1.0}
    async with Sender(hub.site, from_the_start=True) as sender:
        await sender.flush(early=True)


@pytest.mark.parametrize(("fault", "entries"), [("dropped", 3), ("failed", 6)])
async def test_what_was_lost_is_brought_into_the_inbox(hub: Hub, fault: HookFault, entries: int) -> None:
    await lose(hub, fault=fault)
    result = await hub.run("heal")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"Compared {entries} entries of GitHub's delivery log with the inbox: "
        "3 deliveries brought in, to be projected next.\n"
    )
    assert hub.rows(INBOX) == [("issues", "opened", "pending", "reconcile")] * 3
    assert hub.rows(RUNS) == [("succeeded", entries, 3, None)]


async def test_a_second_look_finds_nothing_and_says_so(hub: Hub) -> None:
    await lose(hub)
    await hub.run("heal")
    result = await hub.run("heal")
    assert (result.exit_code, len(hub.rows(INBOX))) == (0, 3)
    assert result.stdout == "Compared 3 entries of GitHub's delivery log with the inbox: nothing is missing.\n"


@pytest.mark.slow
async def test_each_look_is_audited(hub: Hub) -> None:
    await hub.run("heal")
    await hub.run("heal", "--since", "2026-11-30")
    acts = hub.rows("SELECT action, new_values, actor_name IS NOT NULL FROM audit_logs ORDER BY created_at")
    assert acts == [
        ("delivery.heal_started", {"since": None}, True),
        ("delivery.heal_started", {"since": "2026-11-30T00:00:00+00:00"}, True),
    ]
    await hub.run("heal", **NO_APP | {"GHSYNC_TOKEN": PERSONAL_TOKEN})
    assert len(hub.rows("SELECT FROM audit_logs")) == 2


async def test_machines_get_one_document(hub: Hub) -> None:
    await lose(hub)
    result = await hub.run("heal", "--json")
    assert result.stderr == ""
    assert result.json == {"attempts": 3, "missing": 3, "recorded": 3, "requests": 6}


@pytest.mark.slow
async def test_it_looks_as_far_back_as_it_is_told(hub: Hub) -> None:
    await lose(hub, 1)
    await hub.run("heal")
    hub.connection.execute("DELETE FROM webhook_deliveries")
    hub.world.clock.advance(hours=2)
    hour_ago, long_ago = (hub.world.now() - timedelta(hours=hours) for hours in (1, 3))
    nothing = (await hub.run("heal", "--since", hour_ago.isoformat(), "--json")).json
    something = (await hub.run("heal", "--since", long_ago.isoformat(), "--json")).json
    assert (nothing["missing"], something["missing"]) == (0, 1)


@pytest.mark.slow
async def test_what_cannot_be_read_is_asked_for_again_and_told(hub: Hub) -> None:
    await lose(hub, 1)
    hub.site.faults.plan("malformed", "GET /app/hook/deliveries/", times=10)
    result = await hub.run("heal")
    assert result.exit_code == 0
    assert result.stderr == "1 delivery could not be read; GitHub was asked to send what it still has.\n"
    assert len(hub.site.hook_log.wanted_again) == 1


def test_a_time_that_cannot_be_read_is_a_mistake_of_usage(ghsync: Ghsync) -> None:
    result = ghsync("heal", "--since", "soon")
    assert result.exit_code == 2
    assert "'soon' is neither an age" in result.text


@pytest.mark.parametrize(("settings", "said"), [
    (NO_APP, "Nothing may read GitHub's API yet: set GHSYNC_APP_ID and GHSYNC_PRIVATE_KEY_PATH, or GHSYNC_TOKEN.\n"),
    (NO_APP | {"GHSYNC_TOKEN": PERSONAL_TOKEN},
     ("GitHub keeps a log of deliveries for Apps, which GHSYNC_TOKEN cannot read: set GHSYNC_APP_ID and "
      "GHSYNC_PRIVATE_KEY_PATH, or let `ghsync resync --all` find what changed.\n")),
])  # fmt: skip
async def test_without_an_app_it_says_what_to_set(hub: Hub, settings: dict[str, str], said: str) -> None:
    result = await hub.run("heal", **settings)
    assert (result.exit_code, result.stdout, result.stderr) == (3, "", said)
    assert hub.rows(RUNS) == []


@pytest.mark.slow
async def test_a_github_that_cannot_be_reached_is_one_sentence(hub: Hub) -> None:
    result = await hub.run("heal", GHSYNC_API_URL="http://127.0.0.1:1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("GitHub cannot be reached at 127.0.0.1 (")
    assert result.stderr.count("\n") == 1
    ((status, _, _, error),) = hub.rows(RUNS)
    assert (status, error) == ("failed", result.stderr.strip())


@pytest.mark.slow
async def test_ctrl_c_keeps_what_is_there_and_the_next_run_brings_the_rest(hub: Hub) -> None:
    await lose(hub)
    hub.site.faults.slow_seconds = 5
    hub.site.faults.plan("slow", "GET /app/hook/deliveries?")
    process = hub.start("heal")
    async with asyncio.timeout(30):
        while hub.site.faults.planned[0].times:  # noqa: ASYNC110 (until it has asked)
            await asyncio.sleep(0.02)
    process.send_signal(signal.SIGINT)
    stopped = await process.ended()
    assert (stopped.exit_code, stopped.stderr) == (130, "Stopped, and nothing is lost: run it again to go on.\n")
    assert (await hub.run("heal")).exit_code == 0
    assert [row[0] for row in hub.rows(RUNS)] == ["interrupted", "succeeded"]
    assert len(hub.rows(INBOX)) == 3


@pytest.mark.slow
async def test_what_is_older_than_github_s_log_is_said_to_be(hub: Hub) -> None:
    asked = await hub.run("heal", "--since", "10d")
    assert asked.exit_code == 0
    assert asked.stderr.startswith("GitHub keeps its log for 3 days, ")
    assert (await hub.run("heal", "--since", "2d")).stderr == ""
