import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from ghsync.simulator.actions import issues
from ghsync.simulator.faults import Faults, HookFault
from ghsync.simulator.sender import Sender
from ghsync.simulator.site import Site
from tests.simulator.conftest import Scene
from tests.simulator.server.conftest import SECRET, Caller
from tests.simulator.server.receiver import Receiver, receiving

pytestmark = pytest.mark.anyio


@dataclass(repr=False)
class Line:
    """From the world to a receiver."""

    caller: Caller
    receiver: Receiver
    sender: Sender

    @property
    def site(self) -> Site:
        return self.caller.site

    @property
    def scene(self) -> Scene:
        return self.caller.scene

    def act(self, count: int = 1, seconds: float = 1) -> list[str]:
        """Let things happen; answers the GUIDs that tell of them."""
        before = len(self.scene.world.deliveries)
        for number in range(count):
            self.scene.world.clock.advance(seconds)
            issues.open_issue(self.scene.world, self.scene.repository, f"{number}", by=self.scene.ada)
        return [each.guid for each in self.scene.world.deliveries[before:]]

    async def log(self, query: str = "") -> list[dict[str, object]]:
        """The delivery log as the App reads it, the oldest first."""
        answered = await self.caller.as_app("GET", f"/app/hook/deliveries?per_page=100{query}")
        assert answered.status_code == 200, answered.text
        found: list[dict[str, object]] = answered.json()
        return found[::-1]


@pytest.fixture
async def line(caller: Caller) -> AsyncIterator[Line]:
    async with receiving(SECRET) as receiver, Sender(caller.site) as sender:
        caller.site.hook.url = receiver.url
        yield Line(caller, receiver, sender)


async def test_what_arises_is_sent_as_it_is_and_signed(line: Line) -> None:
    guids = line.act(5)
    await line.sender.flush()
    assert sorted(line.receiver.guids) == sorted(guids)
    assert all(each.verified for each in line.receiver.arrived)
    sent = {each.guid: each.body for each in line.scene.world.deliveries}
    assert {each.guid: each.body for each in line.receiver.arrived} == sent


async def test_what_is_sent_calls_the_api_as_it_is_asked(line: Line) -> None:
    line.site.api_url = "http://127.0.0.1:8020"
    line.act()
    await line.sender.flush()
    (arrived,) = line.receiver.arrived
    assert arrived.verified
    assert json.loads(arrived.body)["issue"]["url"].startswith("http://127.0.0.1:8020/repos/")


async def test_each_is_sent_once(line: Line) -> None:
    line.act()
    for _ in range(3):
        await line.sender.flush()
    assert len(line.receiver.arrived) == 1


async def test_several_are_on_their_way_at_once_and_begin_in_order(line: Line) -> None:
    guids = line.act(12)
    line.receiver.seconds = 0.01
    await line.sender.flush()
    assert line.receiver.most == 4
    assert {guids.index(guid) // 4 for guid in line.receiver.guids[:4]} == {0}


async def test_the_log_has_every_attempt_with_what_was_sent_and_answered(line: Line) -> None:
    (guid,) = line.act()
    await line.sender.flush()
    (item,) = await line.log()
    assert (item["guid"], item["status"], item["status_code"]) == (guid, "OK", 200)
    assert (item["event"], item["action"], item["redelivery"]) == ("issues", "opened", False)
    assert item["installation_id"] == line.scene.installation.id
    assert item["repository_id"] == line.scene.repository.id
    whole = (await line.caller.as_app("GET", f"/app/hook/deliveries/{item['id']}")).json()
    assert whole["request"]["payload"] == json.loads(line.scene.world.deliveries[0].body)
    assert whole["request"]["headers"]["X-GitHub-Delivery"] == guid
    assert (whole["response"]["payload"], whole["url"]) == ("noted", line.receiver.url)


async def test_a_receiver_that_fails_is_not_asked_again(line: Line) -> None:
    line.receiver.status = 503
    line.act()
    await line.sender.flush()
    await line.sender.flush()
    (item,) = await line.log("&status=failure")
    assert (item["status"], item["status_code"]) == ("Invalid HTTP Response: 503", 503)
    assert len(line.receiver.arrived) == 1
    assert await line.log("&status=success") == []


async def test_a_receiver_that_is_away_is_noted(line: Line) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    line.site.hook.url = f"http://127.0.0.1:{port}/hook"
    line.act()
    await line.sender.flush()
    (item,) = await line.log("&status=failure")
    assert item["status"] == "failed to connect to host"


async def test_a_receiver_that_is_too_slow_is_left(line: Line) -> None:
    line.receiver.seconds = 0.3
    async with Sender(line.site, timeout_seconds=0.05) as hasty:
        line.act()
        await hasty.flush()
    (item,) = await line.log()
    assert item["status"] == "timed out"


async def test_a_redelivery_has_the_same_guid_and_the_secret_of_now(line: Line) -> None:
    line.receiver.status = 500
    (guid,) = line.act()
    await line.sender.flush()
    (item,) = await line.log()
    line.receiver.status, line.receiver.secret = 200, "new"
    assert (await line.caller.as_app("PATCH", "/app/hook/config", {"secret": "new"})).status_code == 200
    answered = await line.caller.as_app("POST", f"/app/hook/deliveries/{item['id']}/attempts")
    assert answered.status_code == 202
    await line.sender.flush()
    first, second = await line.log()
    assert first["guid"] == second["guid"] == guid
    assert (first["redelivery"], second["redelivery"]) == (False, True)
    assert first["id"] != second["id"]
    assert [each.verified for each in line.receiver.arrived] == [True, True]


async def test_the_log_forgets_after_three_days(line: Line) -> None:
    line.act()
    await line.sender.flush()
    line.scene.world.clock.advance(days=2)
    line.act()
    await line.sender.flush()
    old, new = await line.log()
    line.scene.world.clock.advance(days=1)
    assert await line.log() == [new]
    path = f"/app/hook/deliveries/{old['id']}"
    assert (await line.caller.as_app("GET", path)).status_code == 404
    assert (await line.caller.as_app("POST", f"{path}/attempts")).status_code == 404


async def test_the_log_is_read_page_by_page_while_it_grows(line: Line) -> None:
    guids = line.act(5)
    await line.sender.flush()
    first = await line.caller.as_app("GET", "/app/hook/deliveries?per_page=2")
    line.act()
    await line.sender.flush()
    second = await line.caller.as_app("GET", first.links["next"]["url"])
    third = await line.caller.as_app("GET", second.links["next"]["url"])
    assert "next" not in third.links
    found = [each["guid"] for page in (first, second, third) for each in page.json()]
    assert sorted(found) == sorted(guids)
    assert (await line.caller.as_app("GET", "/app/hook/deliveries?cursor=2")).status_code == 422
    assert (await line.caller.as_app("GET", "/app/hook/deliveries?status=odd")).status_code == 422


async def test_only_the_app_reads_the_log(line: Line) -> None:
    await line.caller.log_in()
    assert (await line.caller.get("/app/hook/deliveries")).status_code == 401


async def test_the_settings_of_the_hook_hold_at_once_and_hide_the_secret(line: Line) -> None:
    changed = {"content_type": "form", "secret": "other"}
    shown = (await line.caller.as_app("PATCH", "/app/hook/config", changed)).json()
    expected = {"content_type": "form", "insecure_ssl": "0", "secret": "********", "url": line.receiver.url}
    assert shown == (await line.caller.as_app("GET", "/app/hook/config")).json() == expected
    line.receiver.secret = "other"
    line.act()
    await line.sender.flush()
    (arrived,) = line.receiver.arrived
    assert (arrived.verified, arrived.body) == (True, line.scene.world.deliveries[-1].body)


async def always(line: Line, fault: HookFault, count: int = 1) -> list[str]:
    """Let the same go wrong with each of some deliveries."""
    line.site.faults.hook = {fault: 1}
    guids = line.act(count)
    await line.sender.flush()
    return guids


async def test_a_delivery_may_be_lost_without_a_trace(line: Line) -> None:
    await always(line, "lost")
    assert (line.receiver.arrived, await line.log()) == ([], [])


async def test_a_delivery_that_was_dropped_is_in_the_log_but_not_among_the_failures(line: Line) -> None:
    guids = await always(line, "dropped")
    assert line.receiver.arrived == []
    assert [(each["guid"], each["status_code"]) for each in await line.log()] == [(guids[0], 0)]
    assert await line.log("&status=failure") == []


async def test_a_delivery_may_fail_on_its_way(line: Line) -> None:
    guids = await always(line, "failed")
    assert line.receiver.arrived == []
    assert [(each["guid"], each["status_code"]) for each in await line.log("&status=failure")] == [(guids[0], 502)]


async def test_what_goes_wrong_may_be_planned_for_one_delivery(line: Line) -> None:
    first, lost, last = line.act(3)
    line.site.faults.planned_hook[lost] = "failed"
    await line.sender.flush()
    assert sorted(line.receiver.guids) == sorted((first, last))
    assert [each["guid"] for each in await line.log("&status=failure")] == [lost]


async def test_whoever_watches_is_told_of_each_attempt_that_begins(line: Line) -> None:
    told: list[str] = []
    async with Sender(line.site, watch=lambda delivery: told.append(delivery.guid)) as watched:
        first, lost, last = line.act(3)
        line.site.faults.planned_hook[lost] = "failed"
        await watched.flush()
    assert told == [first, last]


async def test_a_sender_may_begin_with_what_was_sent_before_it_was_there(line: Line) -> None:
    guids = line.act(3)
    async with Sender(line.site) as late, Sender(line.site, from_the_start=True) as thorough:
        await late.flush()
        assert line.receiver.arrived == []
        await thorough.flush()
    assert sorted(line.receiver.guids) == sorted(guids)


async def test_a_delivery_may_come_twice(line: Line) -> None:
    guids = await always(line, "doubled")
    assert line.receiver.guids == guids * 2
    assert len(await line.log()) == 2


async def test_a_delivery_may_be_late_by_the_worlds_clock(line: Line) -> None:
    guids = await always(line, "delayed")
    assert line.receiver.arrived == []
    line.scene.world.clock.advance(line.site.faults.delay_seconds)
    await line.sender.flush()
    assert line.receiver.guids == guids


async def test_what_is_still_waiting_can_be_sent_early(line: Line) -> None:
    guids = await always(line, "delayed")
    await line.sender.flush(early=True)
    assert line.receiver.guids == guids


async def test_a_connection_may_break_in_the_middle_of_a_body(line: Line) -> None:
    await always(line, "cut")
    assert line.receiver.arrived == []
    (item,) = await line.log("&status=failure")
    assert item["status_code"] == 502
    line.site.faults.hook = {}
    guids = line.act()
    await line.sender.flush()
    assert line.receiver.guids == guids


async def test_deliveries_change_places_within_some_seconds(line: Line) -> None:
    line.site.faults.reorder_seconds = 5
    async with Sender(line.site, at_once=1) as sender:
        guids = line.act(40)
        line.scene.world.clock.advance(5)
        await sender.flush()
    places = [guids.index(guid) for guid in line.receiver.guids]
    assert places != sorted(places) == list(range(40))
    assert max(abs(place - now) for now, place in enumerate(places)) <= 5


async def test_the_same_seed_loses_the_same(line: Line) -> None:
    outcomes = []
    for seed in (8, 8, 9):
        line.site.faults = Faults(seed, hook={"lost": 0.5})
        before = len(line.receiver.arrived)
        guids = line.act(20)
        await line.sender.flush(early=True)
        outcomes.append({guids.index(guid) for guid in line.receiver.guids[before:]})
    assert outcomes[0] == outcomes[1] != outcomes[2]


async def test_a_sender_goes_on_until_it_is_stopped(line: Line) -> None:
    running = asyncio.create_task(line.sender.run())
    guids = line.act(3)
    async with asyncio.timeout(10):
        while len(line.receiver.arrived) < len(guids):
            await line.receiver.noted.wait()
            line.receiver.noted.clear()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert sorted(line.receiver.guids) == sorted(guids)
