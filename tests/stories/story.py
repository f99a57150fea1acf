"""Stories: numbered deliveries and the rows that they must give."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync.inbox import recording
from ghsync.inbox.recorder import Recorder
from ghsync.inbox.recording import RecordedDelivery
from ghsync.projector.events import HANDLED
from ghsync.receiver import envelope
from ghsync.worker import Worker
from tests.stories.snapshot import Rows

FOLDER = Path(__file__).parents[2] / "fixtures" / "stories"
NAMES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


@dataclass(frozen=True)
class Story:
    """One story: what is there before, what arrives, and what must be there after."""

    name: str
    secret: str
    setup: dict[str, list[dict[str, Any]]]
    deliveries: tuple[RecordedDelivery, ...]
    expected: dict[str, Rows]


def load(name: str) -> Story:
    """A story, re-timed to have happened just now."""
    folder = FOLDER / name
    about = json.loads((folder / "story.json").read_text())
    deliveries = recording.shift(recording.read(folder), to=datetime.now(UTC))
    return Story(
        name, about["secret"], about["setup"], tuple(deliveries), json.loads((folder / "expected.json").read_text())
    )


async def set_up(conn: AsyncConnection, story: Story) -> None:
    """Make the story's projects and tasks."""
    if not story.setup.get("projects"):
        return
    organization = (
        await conn.execute(sa.text("INSERT INTO organizations (name, slug) VALUES ('Makers', 'makers') RETURNING id"))
    ).scalar_one()
    for project in story.setup["projects"]:
        await conn.execute(
            sa.text("INSERT INTO projects (id, organization_id, name, slug) VALUES (:id, :organization, :name, :name)"),
            project | {"organization": organization},
        )
    for task in story.setup["tasks"]:
        await conn.execute(sa.text("INSERT INTO tasks (id, project_id, title) VALUES (:id, :project, :title)"), task)


async def receive(engine: AsyncEngine, story: Story, deliveries: list[RecordedDelivery]) -> list[str]:
    """Put deliveries into the inbox as the receiver does: signed, verified, recorded; answers what it answered."""
    recorder = Recorder(engine, 5)
    answers = []
    for recorded in deliveries:
        signed = recording.sign(recorded, story.secret)
        address = envelope.address({name.lower(): value for name, value in signed.items()})
        delivery = envelope.read(address, recorded.body, [story.secret.encode()], handled=HANDLED)
        answers.append(await recorder.record(delivery))
    return answers


def worker(engine: AsyncEngine, batch_size: int = 500) -> Worker:
    """A worker that parks at the first failure, so that none goes unseen."""
    return Worker(engine, batch_size=batch_size, poll_seconds=1, max_attempts=1)
