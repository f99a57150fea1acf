"""Whatever goes wrong between GitHub and the mirror, in the end they are equal.

    python -m tests.chaos.convergence [--actions N] [--repositories N] [--seed N]

People, bots and CI act on a simulated GitHub, whose deliveries are dropped, doubled and shuffled on their way to a real
`ghsync serve`. The API fails and wants to be left alone, the process is killed with -9, PostgreSQL is restarted. Then
nothing more goes wrong, and every mirrored field of every row has to become what is true, and every pull request to be
judged as it is. What the inbox gives when it is replayed, and what the change feed told, must not say anything else;
and derived anew, no pull request may become another.
"""

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from ghsync import database, log
from ghsync.simulator import deeds
from ghsync.simulator.app import EVERY_EVENT
from ghsync.simulator.faults import Faults
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.keys import Keys, new_private_key, public_key
from ghsync.simulator.sender import Sender
from ghsync.simulator.server import create_server
from ghsync.simulator.serving import serving
from ghsync.simulator.site import Site
from ghsync.simulator.traffic import Traffic
from ghsync.verification import recomputation
from ghsync.verification.finding import Finding
from ghsync.verification.verify import verify
from tests import postgres, service, truth
from tests.chaos import server
from tests.chaos.server import Server
from tests.chaos.weights import BUSY
from tests.service import Receiver

PATIENCE_SECONDS = 600.0
AT_ONCE = 20
LOOK_SECONDS = 1.0

OFTEN = {"sweep_seconds": 3, "heal_seconds": 3, "complete_seconds": 30, "audit_seconds": 600}


@dataclass(frozen=True)
class Trouble:
    """What goes wrong, and how much happens meanwhile."""

    actions: int = 20_000
    repositories: int = 50
    organizations: int = 2
    seed: int = 1
    kills: int = 3
    restarts: int = 1
    actions_a_second: float = 150
    shuffled_within_seconds: float = 30
    faults: Faults = field(
        default_factory=lambda: Faults(
            api={"bad_gateway": 0.03, "failure": 0.01},
            hook={"dropped": 0.05, "doubled": 0.05},
            retry_after_seconds=5,
        )
    )


@dataclass
class Report:
    """What happened, and what was left of it."""

    actions: int = 0
    deeds: Counter[str] = field(default_factory=Counter)
    deliveries: int = 0
    kills: int = 0
    restarts: int = 0
    conversations: int = 0
    seconds: float = 0
    seconds_to_converge: float = 0
    requests: int = 0
    points: int = 0
    healed: int = 0
    agreeing: int = 0
    recomputed: int = 0
    differences: list[str] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)

    def __str__(self) -> str:
        lines = {
            "actions": f"{self.actions:,} in {self.seconds:,.0f} s",
            "of these, by reviewers": self._counted(deeds.reviews.KINDS),
            "by CI": self._counted((*deeds.checks.KINDS, *deeds.checks.SILENT)),
            "pushes": self._counted(("push", "force_push", "push_base")),
            "issues and pull requests": f"{self.conversations:,}",
            "deliveries": f"{self.deliveries:,}, of these {self.healed:,} from the log",
            "kill -9": f"{self.kills}",
            "restarts of PostgreSQL": f"{self.restarts}",
            "differences": f"{len(self.differences)}",
            "verdicts that agree": f"{self.agreeing:,}",
            "found by replay": f"{len(self.found)}",
            "derived anew to another": f"{self.recomputed}",
            "seconds to converge": f"{self.seconds_to_converge:,.1f}",
            "API requests": f"{self.requests:,}",
            "GraphQL points": f"{self.points:,}",
        }
        return "\n".join(f"{name:<26}{value}" for name, value in lines.items())

    def _counted(self, kinds: Iterable[str]) -> str:
        """How often each of some kinds of deeds was done."""
        return ", ".join(f"{name} {self.deeds[name]:,}" for name in kinds)


async def run(trouble: Trouble, database: Server, folder: Path) -> Report:
    """Make the trouble, stop making it, and wait until the mirror is as GitHub is."""
    world = generate(
        Plan(trouble.organizations, trouble.repositories, people=30, conversations=trouble.repositories * 10),
        seed=trouble.seed,
        events=EVERY_EVENT,
    )
    world.clock.advance_to(datetime.now(UTC))
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
        report.differences = await _converge(site, database_url)
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


async def _act(trouble: Trouble, site: Site, receiver: Receiver, database: Server, report: Report) -> None:
    """Let things happen at their pace, and break something at equal distances."""
    traffic = Traffic(site.world, seed=trouble.seed, pauses=(0.0,), weights=BUSY)
    breaks: list[Callable[[], Awaitable[None]]] = [lambda: _kill(receiver, report)] * trouble.kills
    breaks += [lambda: _restart(database, receiver, report)] * trouble.restarts
    places = {trouble.actions * (number + 1) // (len(breaks) + 1): what for number, what in enumerate(breaks)}
    started, breaking, turn = time.monotonic(), [], asyncio.Lock()
    for number in range(trouble.actions):
        site.keep_time()
        report.deeds[traffic.act().kind] += 1
        report.actions += 1
        if number in places:
            breaking.append(asyncio.create_task(_in_turn(turn, places[number])))
        if number == trouble.actions // 3:
            site.faults.plan("secondary")
        ahead = number / trouble.actions_a_second - (time.monotonic() - started)
        await asyncio.sleep(max(ahead, 0))
    await asyncio.gather(*breaking)
    report.seconds = time.monotonic() - started


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
    """Let nothing more go wrong."""
    site.faults.api, site.faults.hook, site.faults.reorder_seconds = {}, {}, 0
    site.faults.planned.clear()


async def _converge(site: Site, database_url: str) -> list[str]:
    """Wait until nothing differs; answers what still does when patience is over."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        with service.connect(database_url) as connection:
            left = truth.differences(site.world, connection)
        if not left or time.monotonic() > until:
            return left
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


def main() -> None:
    """Make trouble once and print what came of it."""
    parser = argparse.ArgumentParser(description="Chaos, and whether the mirror is right after it.")
    parser.add_argument("--actions", type=int, default=Trouble.actions)
    parser.add_argument("--repositories", type=int, default=Trouble.repositories)
    parser.add_argument("--seed", type=int, default=Trouble.seed)
    asked = parser.parse_args()
    log.configure("console", "error")
    trouble = Trouble(asked.actions, asked.repositories, seed=asked.seed)
    with server.running() as database, tempfile.TemporaryDirectory(prefix="ghsync-chaos-") as folder:
        report = asyncio.run(run(trouble, database, Path(folder)))
    print(report)  # noqa: T201
    for line in [*report.differences, *report.found][:20]:
        print(line)  # noqa: T201
    if report.differences or report.found or report.recomputed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
