import asyncio
import json
import time
from collections import Counter

import pytest

from ghsync.simulator.actions import conversations, issues, repositories
from ghsync.simulator.faults import Faults
from tests.simulator.server.conftest import Caller

pytestmark = pytest.mark.anyio

LAMP = "/repos/lighthouse/lamp"


async def test_a_planned_fault_happens_where_and_as_often_as_it_is_planned(member: Caller) -> None:
    member.site.faults.plan("bad_gateway", "/issues", times=2)
    assert (await member.get(LAMP)).status_code == 200
    assert [(await member.get(f"{LAMP}/issues")).status_code for _ in range(3)] == [502, 502, 200]


async def test_a_planned_fault_may_be_for_a_method_only(member: Caller) -> None:
    member.site.faults.plan("failure", "POST /")
    assert (await member.get(LAMP)).status_code == 200
    assert (await member.post("/graphql", {"query": "{ viewer { login } }"})).status_code == 500


async def test_a_failure_is_told_as_json_and_a_bad_gateway_as_a_page(member: Caller) -> None:
    member.site.faults.plan("failure")
    answered = await member.get(LAMP)
    assert (answered.status_code, answered.json()["message"]) == (500, "Server Error")
    member.site.faults.plan("bad_gateway")
    answered = await member.get(LAMP)
    assert (answered.status_code, answered.headers["content-type"]) == (502, "text/html")


async def test_who_hangs_up_in_the_middle_of_a_request_is_no_bug(
    member: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    url = member.http.base_url
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"POST /graphql HTTP/1.1\r\nHost: github\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()
    assert (await member.get(LAMP)).status_code == 200
    assert caplog.records == []


async def test_a_listing_may_break_off_at_a_page(member: Caller) -> None:
    open_issues(member, 3)
    member.site.faults.plan("bad_gateway", "&page=2")
    first = await member.get(f"{LAMP}/issues?per_page=2")
    assert (await member.get(first.links["next"]["url"])).status_code == 502


async def test_a_listing_may_pretend_to_be_over(member: Caller) -> None:
    open_issues(member, 3)
    member.site.faults.plan("short_listing")
    answered = await member.get(f"{LAMP}/issues?per_page=2")
    assert (len(answered.json()), answered.links) == (2, {})


async def test_an_answer_may_be_no_json(member: Caller) -> None:
    member.site.faults.plan("malformed")
    answered = await member.get(LAMP)
    assert answered.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answered.json()


async def test_an_answer_may_take_its_time(member: Caller) -> None:
    member.site.faults.slow_seconds = 0.05
    member.site.faults.plan("slow")
    began = time.monotonic()
    assert (await member.get(LAMP)).status_code == 200
    assert time.monotonic() - began >= 0.05


async def test_a_replica_may_lag_behind(member: Caller) -> None:
    (issue,) = open_issues(member, 1)
    world, faults = member.scene.world, member.site.faults
    faults.stale_seconds = 5
    path = f"{LAMP}/issues/{issue.number}"
    old = (await member.get(path)).json()
    world.clock.advance(6)
    conversations.edit(world, issue, title="Brighter", by=member.scene.ada)
    faults.plan("stale", times=2)
    assert (await member.get(path)).json() == old
    world.clock.advance(6)
    assert (await member.get(path)).json()["title"] == "Brighter"


async def test_a_replica_answers_what_was_asked(member: Caller) -> None:
    world, faults = member.scene.world, member.site.faults
    faults.stale_seconds = 5
    queries = [
        {"query": f'{{ repository(owner: "lighthouse", name: "lamp") {{ {name} }} }}'} for name in ("name", "id")
    ]
    old = [(await member.post("/graphql", query)).json() for query in queries]
    world.clock.advance(6)
    repositories.rename(world, member.scene.repository, "beacon", by=member.scene.ada)
    faults.plan("stale", times=2)
    assert [(await member.post("/graphql", query)).json() for query in queries] == old


async def test_a_replica_knows_nothing_that_was_never_asked(member: Caller) -> None:
    member.site.faults.stale_seconds = 5
    member.site.faults.plan("stale")
    assert (await member.get(LAMP)).status_code == 200


async def test_a_repository_may_be_blocked(member: Caller) -> None:
    member.site.faults.blocked.add(member.scene.repository.id)
    answered = await member.get(f"{LAMP}/issues")
    assert (answered.status_code, answered.json()["block"]["reason"]) == (451, "dmca")
    member.site.faults.blocked.clear()
    assert (await member.get(f"{LAMP}/issues")).status_code == 200


def test_chance_is_the_same_for_the_same_seed() -> None:
    assert drawn(Faults(3, api={"failure": 0.2, "slow": 0.1})) == drawn(Faults(3, api={"failure": 0.2, "slow": 0.1}))
    assert drawn(Faults(3, api={"failure": 0.2})) != drawn(Faults(4, api={"failure": 0.2}))
    counted = Counter(drawn(Faults(3, api={"failure": 0.2, "slow": 0.1})))
    assert 150 < counted["failure"] < 250
    assert 60 < counted["slow"] < 140


def drawn(faults: Faults) -> list[str | None]:
    return [faults.of_request("/") for _ in range(1000)]


def open_issues(caller: Caller, count: int) -> list[issues.Issue]:
    scene = caller.scene
    return [issues.open_issue(scene.world, scene.repository, f"{number}", by=scene.ada) for number in range(count)]
