"""Facts for tests of links, written the way the projector, people and other programs write them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.mirror.keys import PullRequestKey
from ghsync.tasks import links, mentions
from ghsync.tasks.item import Item
from ghsync.tasks.mentions import Text

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)

MIRRORED = "observed_at, observed_by, sync_source"


def at(minutes: float) -> datetime:
    """A moment, in minutes after noon."""
    return NOON + timedelta(minutes=minutes)


class World:
    """A database of projects, repositories and tasks; every method is one committed transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.names: dict[str, str] = {}
        self.changed: list[PullRequestKey] = []

    async def query(self, statement: str, **values: Any) -> Sequence[sa.Row[Any]]:
        """All rows of a statement."""
        async with transaction(self.engine) as conn:
            result = await conn.execute(sa.text(statement), values)
            return result.all() if result.returns_rows else ()

    async def value(self, statement: str, **values: Any) -> Any:
        """The one value of a statement."""
        return (await self.query(statement, **values))[0][0]

    async def project(self, slug: str) -> str:
        """A project in an organization of its own."""
        key: str = await self.value(
            """WITH o AS (INSERT INTO organizations (name, slug) VALUES (:slug, :slug) RETURNING id)
               INSERT INTO projects (organization_id, name, slug) SELECT id, :slug, :slug FROM o RETURNING id::text""",
            slug=slug,
        )
        return key

    async def repository(self, full_name: str, project: str, *, github_id: str = "1", minutes: float = 0) -> str:
        """A repository that is first seen, under its first name."""
        owner, name = full_name.split("/")
        key: str = await self.value(
            f"""INSERT INTO github_repositories
                  (project_id, github_id, owner, name, full_name, tracked_name, {MIRRORED})
                VALUES (:project, :github_id, :owner, :name, :full_name, :full_name, now(), 'api', 'backfill')
                RETURNING id::text""",
            project=project, github_id=github_id, owner=owner, name=name, full_name=full_name,
        )  # fmt: skip
        await self.rename(key, full_name, minutes=minutes)
        return key

    async def rename(self, repository: str, full_name: str, *, minutes: float = 0) -> None:
        """A name that a repository is seen under."""
        self.names[repository] = full_name
        async with transaction(self.engine) as conn:
            await conn.execute(
                sa.text("""INSERT INTO github_repository_aliases (repository_id, full_name, first_observed_at)
                           VALUES (:repository, :full_name, :seen)"""),
                {"repository": repository, "full_name": full_name, "seen": at(minutes)},
            )
            self.changed = await links.derive(conn, await mentions.items_naming(conn, [full_name]))

    async def task(
        self, project: str, key: str | None = None, *, issue: int | None = None, pull: int | None = None
    ) -> str:
        """A task that another program makes, and the job that follows."""
        made: str = await self.value(
            """INSERT INTO tasks (id, project_id, title, github_issue_number, github_pr_number)
               VALUES (coalesce(CAST(:key AS uuid), gen_random_uuid()), :project, 'A task', :issue, :pull)
               RETURNING id::text""",
            key=key, project=project, issue=issue, pull=pull,
        )  # fmt: skip
        await self.adopt(made)
        return made

    async def write_number(self, task: str, *, issue: int | None = None, pull: int | None = None) -> None:
        """A number that another program writes, and the job that follows if one does."""
        for column, number in (("github_issue_number", issue), ("github_pr_number", pull)):
            if number is not None:
                await self.query(f"UPDATE tasks SET {column} = :number WHERE id = :task", number=number, task=task)
        if await self.jobs():
            await self.adopt(task)

    async def jobs(self) -> int:
        """How many tasks wait to be linked."""
        count: int = await self.value("SELECT count(*) FROM sync_jobs WHERE kind = 'link_task'")
        return count

    async def adopt(self, task: str) -> None:
        """The job that links a task."""
        async with transaction(self.engine) as conn:
            await conn.execute(sa.text("DELETE FROM sync_jobs"))
            self.changed = await links.adopt(conn, [task])

    async def says(
        self, repository: str, kind: str, number: int, *, title: str = "", body: str = "", branch: str | None = None,
        minutes: float = 1,
    ) -> None:  # fmt: skip
        """An issue or a pull request that says something."""
        async with transaction(self.engine) as conn:
            await mentions.remember(conn, [Text(repository, kind, number, title, body, branch, at(minutes))])
            self.changed = await links.derive(conn, [Item(repository, kind, number)])

    async def transfer(self, old: tuple[str, int], new_github_id: str, new_number: int) -> None:
        """An issue that moves to another repository, which may be unknown yet."""
        async with transaction(self.engine) as conn:
            await conn.execute(
                sa.text(f"""
                    INSERT INTO github_issues
                      (repository_id, github_id, number, title, state, transferred_to, {MIRRORED})
                    VALUES (:repository, '1', :number, 'Moved', 'open',
                            jsonb_build_object('repository_github_id', CAST(:home AS text), 'github_id', '2',
                                               'number', CAST(:new_number AS int)), now(), 'api', 'webhook')"""),
                {"repository": old[0], "number": old[1], "home": new_github_id, "new_number": new_number},
            )
            self.changed = await links.derive(conn, [Item(old[0], "issue", old[1])])

    async def link(self, task: str, repository: str, kind: str, number: int) -> None:
        """A person's decision."""
        async with transaction(self.engine) as conn:
            self.changed = await links.link(conn, task, repository, kind, number, evidence="Ada")

    async def unlink(self, task: str, repository: str, kind: str, number: int) -> None:
        """A person's change of mind."""
        async with transaction(self.engine) as conn:
            self.changed = await links.unlink(conn, task, repository, kind, number)

    async def links(self) -> set[tuple[str, str, int, str]]:
        """All links as (task, repository's first name, number, source)."""
        rows = await self.query(
            """SELECT l.task_id::text, r.full_name, l.number, l.source
               FROM task_github_links l JOIN github_repositories r ON r.id = l.repository_id"""
        )
        return {tuple(row) for row in rows}

    async def numbers(self, task: str) -> tuple[int | None, int | None]:
        """A task's issue and pull request."""
        (row,) = await self.query("SELECT github_issue_number, github_pr_number FROM tasks WHERE id = :task", task=task)
        return tuple(row)
