"""`ghsync app`: the secret of its webhook is replaced, and no delivery is lost; the App is checked by itself."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from ghsync.encryption import Encryption
from ghsync.simulator.actions import comments
from ghsync.simulator.sender import Sender
from tests import service
from tests.cli.conftest import KEY, SECRET, Ghsync
from tests.cli.hub import PERSONAL_TOKEN, Command, Hub
from tests.service import Receiver

pytestmark = pytest.mark.anyio

PROCESS = "INSERT INTO sync_processes (id, kind, host, pid, version, seen_at)"
ACTS = "SELECT action FROM audit_logs WHERE resource_type = 'webhook_secret' ORDER BY created_at, action"


@asynccontextmanager
async def receiving(hub: Hub, log: Path, command: str = "serve", **settings: str) -> AsyncIterator[Receiver]:
    """`serve` as the simulated GitHub's hook has it."""
    environment = hub.settings() | settings
    async with service.serving(environment.pop("database_url"), log, command=command, **environment) as receiver:
        hub.site.hook.url = f"http://127.0.0.1:{receiver.port}{service.WEBHOOK}"
        yield receiver


@asynccontextmanager
async def sending(hub: Hub, *, talk: bool = False) -> AsyncIterator[None]:
    """What happens there is delivered, and people talk meanwhile; in the end all has been delivered."""

    async def converse() -> None:
        issue = next(iter(hub.repository.issues.values()))
        while True:
            comments.create(hub.world, issue, "So it goes.", by=hub.owner)
            await asyncio.sleep(0.02)

    async with Sender(hub.site) as sender:
        acts = [converse(), sender.run()] if talk else [sender.run()]
        tasks = [asyncio.create_task(act) for act in acts]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        await sender.flush(early=True)


def answers(hub: Hub) -> Counter[int]:
    """How often each status was the answer to a delivery."""
    return Counter(attempt.outcome.status_code for attempt in hub.site.hook_log.attempts)


def sent_and_not_here(hub: Hub) -> set[str]:
    """Deliveries that were sent and are not in the inbox."""
    here = {guid for (guid,) in hub.rows("SELECT guid FROM webhook_deliveries")}
    return {attempt.delivery.guid for attempt in hub.site.hook_log.attempts} - here


def stored(hub: Hub) -> list[str]:
    """The App's secrets in the database, the oldest first."""
    found = hub.rows("SELECT secret FROM sync_secrets ORDER BY created_at")
    return [Encryption([SecretStr(KEY)]).decrypt(token) for (token,) in found]


@pytest.mark.slow
async def test_while_people_go_on_the_secret_is_rotated_twice_and_no_delivery_is_refused(
    hub: Hub, tmp_path: Path
) -> None:
    async with receiving(hub, tmp_path / "log", "serve --workers 2"), sending(hub, talk=True):
        await arrived(hub, 10)
        first = await hub.run("app", "rotate-secret")
        second = await hub.run("app", "rotate-secret", "--grace", "2h", "--json")
        await arrived(hub, 10)

    assert (first.exit_code, second.exit_code) == (0, 0), first.text + second.text
    assert set(answers(hub)) == {202}
    assert sent_and_not_here(hub) == set()
    one, two = stored(hub)
    assert hub.site.hook.secret == two != one != SECRET
    assert len(two) == 64
    assert first.stdout.splitlines()[:4] == [
        "A new secret is stored, encrypted.",
        "Every process that receives accepts it.",
        "GitHub signs with it.",
        "A delivery that GitHub was asked to send again has arrived, signed with it.",
    ]
    assert "take the old secret out of GHSYNC_WEBHOOK_SECRETS" in first.stdout
    assert second.json["proved"] is True
    assert hub.rows("SELECT accepted_until IS NULL FROM sync_secrets ORDER BY created_at") == [(False,), (True,)]
    assert [act for (act,) in hub.rows(ACTS)] == [
        "app.secret_rotation_started", "app.secret_told", "app.secret_rotated",
    ] * 2  # fmt: skip
    written = str(hub.rows("SELECT to_jsonb(a)::text FROM audit_logs a")) + first.text + second.text
    assert not any(secret in written for secret in (one, two, SECRET))


async def arrived(hub: Hub, count: int) -> None:
    """Wait until so many more deliveries have been answered."""
    wanted = len(hub.site.hook_log.attempts) + count

    async def so_many() -> bool:
        return len(hub.site.hook_log.attempts) >= wanted

    await service.until(so_many, "deliveries arrive")


def is_begun(hub: Hub) -> bool:
    return bool(hub.rows("SELECT FROM sync_secrets"))


def is_changed(hub: Hub) -> bool:
    return hub.site.hook.secret != SECRET


def is_noted(hub: Hub) -> bool:
    return bool(hub.rows("SELECT FROM sync_secrets WHERE told_at IS NOT NULL"))


def is_sent_again(hub: Hub) -> bool:
    return any(attempt.redelivery for attempt in hub.site.hook_log.attempts)


STEPS: list[Callable[[Hub], bool]] = [is_begun, is_changed, is_noted, is_sent_again]


@pytest.mark.slow
async def test_killed_between_any_two_steps_it_goes_on_and_no_delivery_is_refused(hub: Hub, tmp_path: Path) -> None:
    async with receiving(hub, tmp_path / "log", "serve --workers 2"), sending(hub, talk=True):
        await arrived(hub, 10)
        hub.site.faults.slow_seconds = 1
        hub.site.faults.plan("slow", "PATCH /app/hook/config")
        for step in STEPS:
            await kill_after(hub, hub.start("app", "rotate-secret"), step)
            assert len(stored(hub)) == 1
        last = await hub.run("app", "rotate-secret")
        await arrived(hub, 10)

    assert last.exit_code == 0, last.text
    assert "A rotation has begun before, and goes on." in last.text
    assert set(answers(hub)) == {202}
    assert sent_and_not_here(hub) == set()
    assert stored(hub) == [hub.site.hook.secret]
    assert hub.rows("SELECT proved_at IS NOT NULL, accepted_until FROM sync_secrets") == [(True, None)]


async def kill_after(hub: Hub, command: Command, step: Callable[[Hub], bool]) -> None:
    """End it as a power cut does, as soon as this has come to be."""

    async def has_come() -> bool:
        return step(hub)

    await service.until(has_come, step.__name__)
    command.send_signal(signal.SIGKILL)
    await command.ended()


@pytest.mark.slow
async def test_with_the_secret_in_the_database_alone_serve_starts_and_accepts_it(hub: Hub, tmp_path: Path) -> None:
    async with receiving(hub, tmp_path / "log"), sending(hub, talk=True):
        await arrived(hub, 2)
        assert (await hub.run("app", "rotate-secret")).exit_code == 0
    async with receiving(hub, tmp_path / "again", webhook_secrets=""), sending(hub, talk=True):
        await arrived(hub, 5)
        told = await hub.run("doctor", "--json", GHSYNC_WEBHOOK_SECRETS="")
    assert set(answers(hub)) == {202}
    assert {"check": "webhook secrets", "state": "ok", "said": "The App's is in the database."} in told.json


@pytest.mark.slow
async def test_a_secret_that_is_given_is_the_one(hub: Hub, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("the one that we chose\n")
    async with receiving(hub, tmp_path / "log"), sending(hub):
        result = await hub.run("app", "rotate-secret", "--secret-file", file, "--json")
    assert (result.exit_code, hub.site.hook.secret) == (0, "the one that we chose")
    assert result.json["proved"] is False  # GitHub had sent nothing yet


@pytest.mark.slow
async def test_a_process_that_does_not_read_it_is_named_and_github_is_told_nothing(hub: Hub, tmp_path: Path) -> None:
    async with receiving(hub, tmp_path / "log"):
        hub.connection.execute(
            f"{PROCESS} SELECT gen_random_uuid(), 'serve', 'old-host', 7, '0.0.9', 'infinity'".encode()
        )
        result = await hub.run("app", "rotate-secret")
        assert (result.exit_code, hub.site.hook.secret) == (1, SECRET)
        assert "GitHub was told nothing yet" in result.text
        assert "old-host:7 (version 0.0.9)" in result.text
        hub.connection.execute("UPDATE sync_processes SET seen_at = now() - interval '20 s' WHERE host = 'old-host'")
        result = await hub.run("app", "rotate-secret")
    assert result.exit_code == 0
    assert "Not heard of, and not waited for: serve old-host:7." in result.text


@pytest.mark.slow
async def test_where_github_s_deliveries_arrive_elsewhere_nothing_is_begun(hub: Hub, tmp_path: Path) -> None:
    async with receiving(hub, tmp_path / "log"), sending(hub, talk=True):
        await arrived(hub, 3)
    hub.connection.execute("DELETE FROM webhook_deliveries")
    async with receiving(hub, tmp_path / "log"):
        result = await hub.run("app", "rotate-secret")
    assert (result.exit_code, stored(hub), hub.site.hook.secret) == (1, [], SECRET)
    assert "arrived somewhere else" in result.text


@pytest.mark.slow
async def test_what_is_answered_401_retires_nothing_and_github_is_told_again(hub: Hub, tmp_path: Path) -> None:
    async with receiving(hub, tmp_path / "log"):
        async with sending(hub, talk=True):
            await arrived(hub, 3)
        begun = hub.start("app", "rotate-secret")

        async def is_asked() -> bool:
            return bool(hub.site.hook_log.wanted_again)

        await service.until(is_asked, "GitHub is asked to send one again")
        hub.site.hook.secret = "changed by hand"
        async with sending(hub):
            failed = await begun.ended()
            again = await hub.run("app", "rotate-secret")
    assert failed.exit_code == 1
    assert "was it changed on the App's page" in failed.text
    assert (again.exit_code, [hub.site.hook.secret]) == (0, stored(hub))


NO_APP = {"GHSYNC_APP_ID": "", "GHSYNC_PRIVATE_KEY": "", "GHSYNC_TOKEN": PERSONAL_TOKEN}


@pytest.mark.parametrize(("settings", "code", "said"), [
    (NO_APP, 3, "No GitHub App is set up"),
    ({"GHSYNC_ENCRYPTION_KEYS": ""}, 3, "GHSYNC_ENCRYPTION_KEYS is not set"),
    ({}, 1, "No `ghsync serve` is heard of"),
    ({"GHSYNC_API_URL": "http://127.0.0.1:1"}, 1, "GitHub cannot be reached at 127.0.0.1"),
])  # fmt: skip
@pytest.mark.slow
async def test_what_is_missing_is_one_sentence_and_nothing_is_begun(
    hub: Hub, settings: dict[str, str], code: int, said: str
) -> None:
    result = await hub.run("app", "rotate-secret", **settings)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (code, "", 1)
    assert said in result.stderr
    assert stored(hub) == []


async def test_an_app_without_a_webhook_is_told(hub: Hub) -> None:
    hub.site.hook.url = ""
    result = await hub.run("app", "rotate-secret")
    assert (result.exit_code, "The App has no webhook URL" in result.text) == (3, True)


async def test_the_app_is_checked_by_itself(hub: Hub) -> None:
    result = await hub.run("app", "check", "--json")
    found = {finding["check"]: finding["state"] for finding in result.json}
    assert {"app", "permissions", "events", "installations", "hook", "deliveries"} <= found.keys()
    assert result.exit_code == int("failed" in found.values())
    assert "It is" in (await hub.run("app", "check")).stdout


async def test_without_an_app_there_is_none_to_check(hub: Hub) -> None:
    result = await hub.run("app", "check", **NO_APP)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "No GitHub App is set up" in result.stderr


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines", b"\xff\xfe", b"x" * 5000])
def test_a_file_that_holds_no_secret_is_a_usage_error(ghsync: Ghsync, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    assert ghsync("app", "rotate-secret", "--secret-file", tmp_path / "secret").exit_code == 2
    assert ghsync("app", "rotate-secret", "--secret-file", tmp_path / "none").exit_code == 2
