from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ghsync.simulator.actions import code_scanning_alerts, dependabot_alerts, installations, secret_scanning_alerts
from ghsync.simulator.app import EVERY_EVENT, PERMISSIONS, SECURITY_EVENTS, SECURITY_PERMISSIONS
from ghsync.simulator.code_scanning_alert import CodeScanningAlert, Rule
from ghsync.simulator.keys import Keys, public_key
from ghsync.simulator.server import create_server
from ghsync.simulator.serving import serving
from ghsync.simulator.world import World
from tests.simulator.conftest import Scene, assemble
from tests.simulator.server.conftest import SECRET, Caller
from tests.simulator.test_alerts import ADVISORY, MAIN, RULE

pytestmark = pytest.mark.anyio

LAMP = "/repos/lighthouse/lamp"
KINDS = ("code-scanning", "dependabot", "secret-scanning")


@pytest.fixture
async def guard(private_key: str) -> AsyncIterator[Caller]:
    """Someone with a token of an installation that may read security alerts."""
    world = World(7, (*EVERY_EVENT, *SECURITY_EVENTS), PERMISSIONS | SECURITY_PERMISSIONS)
    scene = assemble(world)
    app = create_server(world, Keys(public_key(private_key), SECRET))
    async with serving(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        caller = Caller(http, app.state.site, scene, private_key)
        await caller.log_in()
        yield caller


def find(scene: Scene, ref: str = MAIN, rule: Rule = RULE, tool: str = "CodeQL") -> CodeScanningAlert:
    """Something that a tool has found."""
    return code_scanning_alerts.create(scene.world, scene.repository, rule, ref, "a" * 40, by=scene.ben, tool=tool)


def numbers(shown: list[dict[str, Any]]) -> list[int]:
    return [each["number"] for each in shown]


async def test_alerts_in_code_are_listed_of_one_place(guard: Caller) -> None:
    scene = guard.scene
    both, here, there = find(scene), find(scene), find(scene, "refs/pull/3/merge")
    code_scanning_alerts.appear(scene.world, both, "refs/pull/3/merge", "b" * 40, by=scene.ben)
    code_scanning_alerts.fix(scene.world, both, "refs/pull/3/merge", "c" * 40, by=scene.ben)
    listing = f"{LAMP}/code-scanning/alerts"
    assert numbers(await guard.shown(listing)) == [here.number, both.number]
    for query in ("pr=3", "ref=refs/pull/3/merge"):
        shown = await guard.shown(f"{listing}?{query}")
        assert [(each["number"], each["state"]) for each in shown] == [(there.number, "open"), (both.number, "fixed")]
    assert numbers(await guard.shown(f"{listing}?pr=3&state=closed")) == [both.number]
    (shown,) = await guard.shown(f"{listing}?ref=main&state=open&per_page=1&page=2")
    assert (shown["number"], shown["most_recent_instance"]["commit_sha"]) == (both.number, "a" * 40)


async def test_alerts_in_code_are_filtered_and_sorted(guard: Caller) -> None:
    scene = guard.scene
    high = find(scene)
    scene.world.clock.advance(minutes=1)
    note = find(scene, rule=Rule("py/unused-import", "Unused import", "note"), tool="Semgrep")
    scene.world.clock.advance(minutes=1)
    code_scanning_alerts.dismiss(scene.world, high, by=scene.ada)
    listing = f"{LAMP}/code-scanning/alerts"
    for query, found in (
        ("tool_name=Semgrep", [note]),
        ("severity=high", [high]),
        ("severity=note", [note]),
        ("state=dismissed", [high]),
        ("sort=updated", [high, note]),
        ("sort=created&direction=asc", [high, note]),
    ):
        assert numbers(await guard.shown(f"{listing}?{query}")) == [each.number for each in found], query
    assert (await guard.get(f"{listing}?state=odd")).status_code == 422


async def test_warnings_are_listed_in_pages_that_have_cursors(guard: Caller) -> None:
    world, repository, ada = guard.scene.world, guard.scene.repository, guard.scene.ada
    first, second, third = (dependabot_alerts.create(world, repository, ADVISORY, by=ada) for _ in range(3))
    dependabot_alerts.fix(world, second, by=ada)
    listing = f"{LAMP}/dependabot/alerts"
    begun = await guard.get(f"{listing}?per_page=2")
    assert numbers(begun.json()) == [third.number, second.number]
    rest = await guard.get(begun.links["next"]["url"])
    assert (numbers(rest.json()), "next" in rest.links) == ([first.number], False)
    assert numbers(await guard.shown(f"{listing}?state=fixed,dismissed")) == [second.number]
    assert numbers(await guard.shown(f"{listing}?severity=low&ecosystem=pip")) == []
    assert (await guard.get(f"{listing}?page=2")).status_code == 400
    assert (await guard.get(f"{listing}?after=odd")).status_code == 400


async def test_secrets_are_listed_with_what_was_pushed_unless_it_is_to_be_hidden(guard: Caller) -> None:
    world, repository, ada = guard.scene.world, guard.scene.repository, guard.scene.ada
    found, done = (secret_scanning_alerts.create(world, repository, by=ada) for _ in range(2))
    secret_scanning_alerts.resolve(world, done, by=ada)
    listing = f"{LAMP}/secret-scanning/alerts"
    assert numbers(await guard.shown(listing)) == [done.number, found.number]
    (shown,) = await guard.shown(f"{listing}?state=open")
    assert (shown["number"], shown["secret"]) == (found.number, "not a secret, number 1")
    (shown,) = await guard.shown(f"{listing}?resolution=revoked&hide_secret=true")
    assert (shown["number"], shown["secret"]) == (done.number, None)
    assert await guard.shown(f"{listing}?secret_type=odd") == []


@pytest.mark.parametrize(
    ("kind", "status", "message"),
    [
        ("code-scanning", 403, "Code scanning is not enabled for this repository."),
        ("dependabot", 403, "Dependabot alerts are disabled for this repository."),
        ("secret-scanning", 404, "Secret scanning is disabled on this repository."),
    ],
)
async def test_what_is_off_is_refused_in_its_own_way(guard: Caller, kind: str, status: int, message: str) -> None:
    repository = guard.scene.repository
    repository.has_code_scanning = repository.has_dependabot_alerts = repository.has_secret_scanning = False
    answered = await guard.get(f"{LAMP}/{kind}/alerts")
    assert (answered.status_code, answered.json()["message"]) == (status, message)


async def test_where_nothing_has_looked_at_the_code_there_is_no_analysis(guard: Caller) -> None:
    answered = await guard.get(f"{LAMP}/code-scanning/alerts")
    assert (answered.status_code, answered.json()["message"]) == (404, "no analysis found")
    assert await guard.shown(f"{LAMP}/dependabot/alerts") == []
    assert await guard.shown(f"{LAMP}/secret-scanning/alerts") == []


async def test_who_may_not_read_alerts_is_refused_with_the_permission(guard: Caller, member: Caller) -> None:
    needed = dict(zip(KINDS, ("security_events", "vulnerability_alerts", "secret_scanning_alerts"), strict=True))
    for kind, permission in needed.items():
        installations.lose_permissions(guard.scene.world, guard.scene.installation, permission)
        for caller in (guard, member):
            answered = await caller.get(f"{LAMP}/{kind}/alerts")
            assert (answered.status_code, answered.json()["message"]) == (
                403,
                "Resource not accessible by integration",
            )
            assert answered.headers["x-accepted-github-permissions"] == f"{permission}=read"
