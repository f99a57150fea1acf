"""Programs that others wrote, and our own receiver, take the simulated GitHub for the real one."""

from collections import Counter
from typing import Any

import psycopg
import pytest
from githubkit import GitHub, TokenAuthStrategy
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import app
from ghsync.projector.events import HANDLED
from ghsync.settings import Settings
from ghsync.simulator.actions import comments, issues
from ghsync.simulator.app import EVERY_EVENT
from ghsync.simulator.faults import Faults
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.keys import Keys, public_key
from ghsync.simulator.sender import Sender
from ghsync.simulator.server import create_server
from ghsync.simulator.serving import serving
from ghsync.simulator.site import Site
from ghsync.simulator.traffic import Traffic
from tests.simulator.server.conftest import SECRET, Caller

pytestmark = pytest.mark.anyio


async def test_githubkit_reads_repositories_page_by_page(member: Caller) -> None:
    world, repository, ada = member.scene.world, member.scene.repository, member.scene.ada
    for number in range(7):
        comments.create(world, issues.open_issue(world, repository, f"{number}", by=ada), "Yes.", by=ada)
    strategy = TokenAuthStrategy(str(member.token))
    async with GitHub(strategy, base_url=f"{member.http.base_url}", http_cache=False) as github:
        rest = github.rest
        found = github.rest.paginate(rest.issues.async_list_for_repo, owner="lighthouse", repo="lamp", per_page=3)
        assert [issue.number async for issue in found] == list(range(7, 0, -1))
        shown = (await rest.repos.async_get("lighthouse", "lamp")).parsed_data
        assert (shown.id, shown.default_branch) == (repository.id, "main")
        answered = await github.async_graphql('{ repository(owner: "lighthouse", name: "lamp") { databaseId } }')
        assert answered == {"repository": {"databaseId": repository.id}}


async def test_our_receiver_stores_each_delivery_once_whatever_happens_on_the_way(
    engine: AsyncEngine, connection: psycopg.Connection[Any], private_key: str
) -> None:
    world = generate(Plan(conversations=40), seed=2, events=EVERY_EVENT)
    site = Site(world, Keys(public_key(private_key), SECRET))
    site.faults = Faults(2, hook={"doubled": 0.2, "cut": 0.1, "delayed": 0.1}, reorder_seconds=3)
    served = app.create_app(Settings(webhook_secrets=(SecretStr(SECRET),)), engine, handled=HANDLED)
    async with serving(served) as url, Sender(site) as sender:
        site.hook.url = f"{url}/webhooks/github"
        traffic = Traffic(world, seed=2)
        for _ in range(60):
            traffic.act()
            await sender.flush()
        await sender.flush(early=True)
    stored = Counter(guid for (guid,) in connection.execute("SELECT guid FROM webhook_deliveries"))
    codes = Counter(attempt.outcome.status_code for attempt in site.hook_log.attempts)
    cut = {each.delivery.guid for each in site.hook_log.attempts if each.outcome.status_code == 502}
    assert codes.keys() == {202, 502}
    assert stored == Counter(each.guid for each in world.deliveries if each.guid not in cut)
    assert codes[202] > len(stored)


async def test_what_a_receiver_missed_is_had_from_the_log(engine: AsyncEngine, private_key: str) -> None:
    """A hook that was down for a while is made whole with nothing but the App's own API."""
    world = generate(Plan(conversations=40), seed=3)
    keys = Keys(public_key(private_key), SECRET)
    github = create_server(world, keys)
    site: Site = github.state.site
    async with Sender(site) as sender:
        site.hook.url = "http://127.0.0.1:9/webhooks/github"
        traffic = Traffic(world, seed=3)
        while len(world.deliveries) < 20:
            traffic.act()
        await sender.flush()
        served = app.create_app(Settings(webhook_secrets=(SecretStr(SECRET),)), engine, handled=HANDLED)
        async with serving(served) as url:
            site.hook.url = f"{url}/webhooks/github"
            for attempt in list(site.hook_log.newest_first("failure")):
                site.hook_log.redeliver(attempt)
            await sender.flush()
    failed, again = site.hook_log.attempts[:20], site.hook_log.attempts[20:]
    assert {each.outcome.status_code for each in failed} == {502}
    assert {(each.outcome.status_code, each.redelivery) for each in again} == {(202, True)}
    assert Counter(each.delivery.guid for each in again) == Counter(each.guid for each in world.deliveries)
