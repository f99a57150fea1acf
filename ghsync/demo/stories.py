"""The recorded stories, and what has to exist before they are told (fixtures/README.md)."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.inbox import recording
from ghsync.inbox.recording import Recorded

PACKAGE = Path(__file__).parent.parent


class Project(msgspec.Struct, frozen=True):
    """A project that a story's tasks belong to."""

    id: str
    name: str


class Task(msgspec.Struct, frozen=True):
    """A task that exists before a story's first delivery."""

    id: str
    project: str
    title: str


class Setup(msgspec.Struct, frozen=True):
    """What exists before a story's first delivery."""

    projects: list[Project]
    tasks: list[Task]


class Head(msgspec.Struct, frozen=True):
    """``story.json``."""

    title: str
    about: str
    setup: Setup


@dataclass(frozen=True, slots=True)
class Story:
    """A story and its deliveries, in the order in which they were sent."""

    number: int
    title: str
    setup: Setup
    deliveries: list[Recorded]


def directory() -> Path:
    """Where the stories are: ``fixtures/stories`` in a checkout, ``ghsync/_stories`` in an installed wheel."""
    packaged = PACKAGE / "_stories"
    return packaged if packaged.is_dir() else PACKAGE.parent / "fixtures" / "stories"


def load() -> list[Story]:
    """Every story, in order."""
    folders = sorted(path for path in directory().iterdir() if path.is_dir())
    return [_read(number, folder) for number, folder in enumerate(folders, start=1)]


def _read(number: int, folder: Path) -> Story:
    head = msgspec.json.decode((folder / "story.json").read_bytes(), type=Head)
    return Story(number, head.title, head.setup, recording.read(folder))


_PROJECTS = sa.text("""
WITH organization AS (INSERT INTO organizations (name, slug) VALUES ('Demo', 'demo') RETURNING id)
INSERT INTO projects (id, organization_id, name, slug)
SELECT p.id, organization.id, p.name, replace(lower(p.name), ' ', '-')
FROM organization, json_to_recordset(:projects) AS p(id uuid, name text)
""")

_TASKS = sa.text("""
INSERT INTO tasks (id, project_id, title)
SELECT t.id, t.project, t.title FROM json_to_recordset(:tasks) AS t(id uuid, project uuid, title text)
""")


async def prepare(conn: AsyncConnection, stories: Iterable[Story]) -> None:
    """Write the projects and tasks of all stories."""
    setups = [story.setup for story in stories]
    projects = [project for setup in setups for project in setup.projects]
    tasks = [task for setup in setups for task in setup.tasks]
    await conn.execute(_PROJECTS, {"projects": msgspec.json.encode(projects).decode()})
    await conn.execute(_TASKS, {"tasks": msgspec.json.encode(tasks).decode()})
