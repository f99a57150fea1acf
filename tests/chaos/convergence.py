"""Whatever goes wrong between GitHub and the mirror, in the end they are equal.

People, bots and CI act on a simulated GitHub, whose deliveries are dropped, doubled and shuffled on their way to a real
`ghsync serve`; some come once more after days. The API fails and wants to be left alone, its scanners more than the
rest; access and permissions go and come, the process is killed with -9, PostgreSQL is restarted. Then nothing more goes
wrong, and every mirrored field of every row has to become what is true, and every pull request to be judged as it is.
What the inbox gives when it is replayed, and what the change feed told, must not say anything else; and derived anew,
no pull request may become another.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import psycopg

from ghsync import database
from ghsync.simulator.actions import installations
from ghsync.simulator.app import EVERY_EVENT
from ghsync.simulator.faults import Faults
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.keys import Keys, new_private_key, public_key
from ghsync.simulator.sender import Sender
from ghsync.simulator.server import create_server
from ghsync.simulator.serving import serving
from ghsync.simulator.site import Site
from ghsync.simulator.traffic import Traffic
from ghsync.simulator.world import World
from ghsync.verification import recomputation
from ghsync.verification.verify import verify
from tests import postgres, service, truth
from tests.chaos import server
from tests.chaos.report import Report
from tests.chaos.server import Server
from tests.chaos.weights import WILD
from tests.service import Receiver
from tests.truth import Difference

PATIENCE_SECONDS = 600.0
FIRST_WORD_SECONDS = 50.0
"""After so long it is told what differs still, while one goes on to wait."""
STANDSTILL_SECONDS = 150.0
"""Nothing is waited for any more when nothing has changed for so long: readings that put all right come oftener."""
LOOK_SECONDS = 1.0
AT_ONCE = 20

DAYS_AGO = timedelta(days=5)
EARLIER_ACTIONS = 300
SCANNERS = ("code-scanning/alerts", "dependabot/alerts", "secret-scanning/alerts")
FAILING_ANSWERS = 10

OFTEN = {"sweep_seconds": 3, "heal_seconds": 3, "complete_seconds": 30, "audit_seconds": 600}

Tell = Callable[[list[Difference]], object]

T = TypeVar("T")


@dataclass(frozen=True)
class Trouble:
    """What goes wrong, and how much happens meanwhile; `late` of what was told days ago comes once more."""

    actions: int = 20_000
    repositories: int = 50
    organizations: int = 2
    seed: int = 1
    kills: int = 3
    restarts: int = 1
    late: int = 60
    actions_a_second: float = 150
    shuffled_within_seconds: float = 30
    faults: Faults = field(
        default_factory=lambda: Faults(
            api={"bad_gateway": 0.03, "failure": 0.01},
            hook={"dropped": 0.05, "doubled": 0.05},
            retry_after_seconds=5,
        )
    )


async def run(trouble: Trouble, database: Server, folder: Path, tell: Tell) -> Report:
    """Make the trouble, stop making it, and wait until the mirror is as GitHub is; what takes long is told."""
    world = _world(trouble)
    key = folder / "key.pem"
    key.write_text(private_key := new_private_key())
    report = Report()
    async with AsyncExitStack() as stack:
        app = create_server(world, Keys(public_key(private_key), service.SECRET), trouble.faults, keeps_time=True)
        site: Site = app.state.site
        site.faults.reorder_seconds = trouble.shuffled_within_seconds
        api_url = await stack.enter_async_context(serving(app))
        database_url = stack.enter_context(postgres.database(database.url))
        receiver = await stack.enter_async_context(
            service.serving(
                database_url, folder / "log", api_url=api_url, app_id=world.app.id, private_key_path=key, **OFTEN
            )
        )
        site.hook.url = f"http://127.0.0.1:{receiver.port}{service.WEBHOOK}"
        sender = await stack.enter_async_context(Sender(site, at_once=AT_ONCE))
        sending = asyncio.create_task(sender.run())
        await _act(trouble, site, receiver, database, report)
        _stop(site)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await sender.flush(early=True)
        began = time.monotonic()
        report.differences = await _converge(site, database_url, tell)
        report.seconds_to_converge = time.monotonic() - began
        report.deliveries = len(world.deliveries)
        report.conversations = sum(len(each.issues) for each in world.repositories.values())
        report.requests, report.points = site.answered, site.budgets.spent("graphql")
        report.found = (await asyncio.to_thread(verify, database_url, _look_away)).findings
        report.recomputed = await _recompute(database_url)
        with service.connect(database_url) as connection:
            report.agreeing = truth.agreeing(site.world, connection)
            report.healed = _one(connection, "SELECT count(*) FROM webhook_deliveries WHERE sync_source = 'reconcile'")
    return report


def _world(trouble: Trouble) -> World:
    """A world that has a past, of which something was told days ago."""
    plan = Plan(
        trouble.organizations,
        trouble.repositories,
        people=30,
        conversations=trouble.repositories * 10,
        security_alerts=True,
    )
    world = generate(plan, seed=trouble.seed, events=EVERY_EVENT)
    world.clock.advance_to(datetime.now(UTC) - DAYS_AGO)
    traffic = Traffic(world, seed=trouble.seed, weights=WILD)
    for _ in range(EARLIER_ACTIONS):
        traffic.act()
    world.clock.advance_to(datetime.now(UTC))
    return world


async def _act(trouble: Trouble, site: Site, receiver: Receiver, database: Server, report: Report) -> None:
    """Let things happen at their pace, and break something at equal distances."""
    traffic = Traffic(site.world, seed=trouble.seed, pauses=(0.0,), weights=WILD)
    earlier = site.world.deliveries
    late = _spread(trouble, Random(trouble.seed).sample(earlier, min(trouble.late, len(earlier))))
    failing = _spread(trouble, SCANNERS)
    breaks: list[Callable[[], Awaitable[None]]] = [lambda: _kill(receiver, report)] * trouble.kills
    breaks += [lambda: _restart(database, receiver, report)] * trouble.restarts
    places = _spread(trouble, breaks)
    started, breaking, turn = time.monotonic(), [], asyncio.Lock()
    for number in range(trouble.actions):
        site.keep_time()
        report.deeds[traffic.act().kind] += 1
        report.actions += 1
        if number in places:
            breaking.append(asyncio.create_task(_in_turn(turn, places[number])))
        if number == trouble.actions // 3:
            site.faults.plan("secondary")
        if number in late:
            site.hook_log.wanted_again.append(late[number])
            report.redelivered += 1
        if number in failing:
            site.faults.plan("failure", failing[number], times=FAILING_ANSWERS)
        ahead = number / trouble.actions_a_second - (time.monotonic() - started)
        await asyncio.sleep(max(ahead, 0))
    await asyncio.gather(*breaking)
    report.seconds = time.monotonic() - started


def _spread(trouble: Trouble, things: Sequence[T]) -> dict[int, T]:
    """Things by the number of the action at which they are to be done, at equal distances."""
    return {trouble.actions * (place + 1) // (len(things) + 1): each for place, each in enumerate(things)}


async def _in_turn(turn: asyncio.Lock, break_something: Callable[[], Awaitable[None]]) -> None:
    """On a slow machine the process may not stand again yet: without PostgreSQL it would refuse to start."""
    async with turn:
        await break_something()


async def _kill(receiver: Receiver, report: Report) -> None:
    await receiver.kill()
    report.kills += 1
    await asyncio.sleep(1)
    await receiver.start()


async def _restart(database: Server, receiver: Receiver, report: Report) -> None:
    await asyncio.to_thread(database.stop, server.FAST)
    report.restarts += 1
    await asyncio.sleep(2)
    await asyncio.to_thread(database.start)
    await service.until(receiver.ready, "the receiver is ready again")


def _stop(site: Site) -> None:
    """Let nothing more go wrong, and the App read what it asks for."""
    site.faults.api, site.faults.hook, site.faults.reorder_seconds = {}, {}, 0
    site.faults.planned.clear()
    for installation in site.world.installations.values():
        asked = installation.app.permissions
        if installation.permissions != asked:
            by = next(iter(site.world.members[installation.account]))
            installations.accept_permissions(site.world, installation, by=by, **asked)


async def _converge(site: Site, database_url: str, tell: Tell) -> list[Difference]:
    """Wait until nothing differs; answers what still does when patience is over, or nothing changes any more."""
    began = changed = time.monotonic()
    last: list[Difference] = []
    told = False
    while True:
        with service.connect(database_url) as connection:
            left = truth.differences(site.world, connection)
        now = time.monotonic()
        if not left or now > began + PATIENCE_SECONDS or (left == last and now > changed + STANDSTILL_SECONDS):
            return left
        if left != last:
            last, changed = left, now
        if not told and now > began + FIRST_WORD_SECONDS:
            tell(left)
            told = True
        await asyncio.sleep(LOOK_SECONDS)


async def _recompute(database_url: str) -> int:
    """Do as `ghsync maintain --recompute-tracking`; answers how many pull requests became another."""
    engine = database.create_engine(database_url)
    try:
        return (await recomputation.recompute(engine, _look_away)).changed
    finally:
        await engine.dispose()


def _look_away(*_: object) -> None:
    """Watch no progress."""


def _one(connection: psycopg.Connection[Any], query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
