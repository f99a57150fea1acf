"""Mirrors to verify: with all stories told, or with what the API alone has told."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid1

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import database
from ghsync.inbox.recording import RecordedDelivery
from ghsync.mirror.noun import Noun
from ghsync.simulator.app import EVERY_EVENT
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.traffic import Traffic
from ghsync.verification import verify as verification
from ghsync.verification.finding import Discrepancy, Report
from tests.mirror import reports
from tests.stories import story
from tests.stories.story import Story

BUSY = Plan(repositories=3, people=6, conversations=10)
DEEDS = 500

SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname = 'ghsync_shadow'"


def watch(stage: str, done: int, total: int) -> None:
    """Look away."""


def verify(url: str) -> Report:
    """What a verification reports."""
    return verification.verify(url, watch)


def at_work(url: str, act: Callable[[AsyncEngine], Awaitable[object]]) -> None:
    """Let somebody do something with an engine of their own, beside whatever runs here."""

    async def work() -> None:
        engine = database.create_engine(url)
        try:
            await act(engine)
        finally:
            await engine.dispose()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work()).result()


async def tell(engine: AsyncEngine, names: Sequence[str] = story.NAMES) -> None:
    """Let stories arrive, and project them."""
    for name in names:
        told = story.load(name)
        await story.receive(engine, told, list(told.deliveries))
    await story.worker(engine).drain()


async def tell_everything(engine: AsyncEngine) -> None:
    """Let all stories arrive, and what GitHub sends of a busy hour, with an alert, and project that."""
    world = generate(BUSY, seed=1, events=EVERY_EVENT)
    world.clock.advance_to(datetime.now(UTC))
    traffic = Traffic(world, seed=2)
    for _ in range(DEEDS):
        traffic.act()
    sent = [RecordedDelivery(dict(each.headers), each.body, Path(each.guid)) for each in world.deliveries]
    await story.receive(engine, Story("a busy hour", "secret", {}, (), {}), [*sent, _alert(sent)])
    await tell(engine)


def _alert(sent: Sequence[RecordedDelivery]) -> RecordedDelivery:
    """An alert of code scanning, in a repository of which something was sent."""
    known = next(each for each in reversed(sent) if b'"repository":' in each.body)
    body = {
        "repository": json.loads(known.body)["repository"],
        "alert": {"number": 1, "rule": {"id": "sql-injection"}, "tool": {"name": "CodeQL"}},
    }
    headers = known.headers | {"X-GitHub-Event": "code_scanning_alert", "X-GitHub-Delivery": str(uuid1())}
    return RecordedDelivery(headers, json.dumps(body).encode(), Path("alert"))


async def tell_members(engine: AsyncEngine) -> None:
    """Let somebody join an organization and a repository, and be promoted."""
    ada, acme = {"id": 1, "login": "ada"}, {"id": 10, "login": "acme"}
    app = {"id": 1, "full_name": "acme/app", "owner": acme}
    bodies = [
        (
            "organization",
            {"action": "member_added", "organization": acme, "membership": {"user": ada, "role": "admin"}},
        ),
        ("member", {"action": "added", "organization": acme, "repository": app, "member": ada}),
        (
            "member",
            {"action": "edited", "repository": app, "member": ada, "changes": {"role_name": {"to": "maintain"}}},
        ),
    ]
    await _receive(engine, bodies)


async def tell_ping(engine: AsyncEngine) -> None:
    """Let a webhook say that it was made, and of which repository."""
    acme = {"id": 10, "login": "acme"}
    await _receive(
        engine, [("ping", {"zen": "Simply.", "repository": {"id": 1, "full_name": "acme/app", "owner": acme}})]
    )


async def _receive(engine: AsyncEngine, bodies: Sequence[tuple[str, dict[str, object]]]) -> None:
    sent = [
        RecordedDelivery(
            {
                "Content-Type": "application/json",
                "X-GitHub-Event": event,
                "X-GitHub-Delivery": str(uuid1()),
                "X-GitHub-Hook-ID": "1",
            },
            json.dumps(body).encode(),
            Path(event),
        )
        for event, body in bodies
    ]
    await story.receive(engine, Story("some words", "secret", {}, (), {}), sent)
    await story.worker(engine).drain()


async def read_from_api(engine: AsyncEngine) -> None:
    """Let the API tell of one thing of every noun, of which no delivery does."""
    for subject in reports.SUBJECTS:
        report = reports.Report("read", reports.at(1), reports.api(2))
        await reports.write(engine, subject.batch(report))


def column(noun: Noun) -> str:
    """A column of a noun that holds any text."""
    return next(name for name in noun.core if noun.table.c[name].type.python_type is str)


def change(connection: psycopg.Connection, noun: Noun) -> None:
    """Change that column of one row by hand."""
    name = column(noun)
    connection.execute(
        f"UPDATE {noun.name} SET {name} = 'by hand' WHERE id = (SELECT id FROM {noun.name} "
        "WHERE deleted_at IS NULL ORDER BY observed_at DESC LIMIT 1)"
    )


def of(report: Report, table: str) -> list[Discrepancy]:
    """What was found in a table."""
    return [finding for finding in report.findings if finding.table == table]
