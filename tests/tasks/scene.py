"""A project whose settings ask for something, and what GitHub, people and programs do in it: through the real gate."""

import json
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.mirror import issue, label, pull_request, repository
from ghsync.mirror.noun import Origin
from ghsync.mirror.pull_request import Branch, BranchRepository
from ghsync.mirror.user import User
from ghsync.projector.batch import Batch
from tests.mirror.reports import ACME, APP, NOON, at, hook, in_app, query, write
from tests.test_worker import worker

LIB = repository.Payload(id=2, name="lib", full_name="acme/lib", owner=ACME, updated_at=NOON)

TASK = "0f8fad5b-d9cb-469f-a165-70867728950e"
ALL = {"when_opened": "in_review", "when_merged": "completed", "when_closed": "cancelled"}
AGENT = label.Payload(id=3, name="agent")


def reports_pull(
    number: int,
    stage: str,
    seconds: float,
    *,
    body: str = f"Task-ID: {TASK}",
    home: Any = APP,
    origin: Origin | None = None,
    **fields: Any,
) -> Batch:
    """A batch in which a pull request is open, draft, closed or merged by then, and says something."""
    ended = at(seconds) if stage in ("closed", "merged") else None
    payload = pull_request.Payload(
        id=number * 10, number=number, title=f"As of {seconds}", user=User(1, "ada"), body=body,
        state="closed" if ended else "open", draft=stage == "draft",
        closed_at=ended, merged_at=ended if stage == "merged" else None, created_at=at(-60), updated_at=at(seconds),
        base=Branch("main", "base-1", BranchRepository(home.id, "main")),
        mergeable=True, mergeable_state="clean",
        **{"head": Branch("topic", f"head-{number}"), **fields},
    )  # fmt: skip
    batch = in_app()
    batch.see(home, hook(0))
    batch.add(pull_request.noun, home.id, pull_request.row(payload, origin or hook(seconds)))
    return batch


def reports_issue(seconds: float, *, home: Any = APP, number: int = 5, deleted: bool = False, **fields: Any) -> Batch:
    """A batch in which an issue is reported."""
    payload = issue.Payload(
        id=home.id * 1000 + number, number=number, user=User(1, "ada"), created_at=at(-60), updated_at=at(seconds),
        **{"title": "Crash at start", "body": "It crashes.", "state": "open", "labels": [AGENT], **fields},
    )  # fmt: skip
    batch = in_app()
    batch.see(home, hook(0))
    batch.add(issue.noun, home.id, issue.row(payload, hook(seconds), deleted=deleted))
    return batch


class Scene:
    """The project of acme/app; whatever follows by jobs is waited for."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.seconds = 0

    async def begin(self, **asked: Any) -> None:
        """The repository is known, and its project asks for this."""
        await write(self.engine, in_app())
        await self.ask(**asked)

    async def ask(self, **asked: Any) -> None:
        """The project's settings ask for this, and for nothing else."""
        await query(
            self.engine,
            """UPDATE projects SET settings = jsonb_set(coalesce(settings, '{}'), '{tasks}', CAST(:asked AS jsonb))
               WHERE id = (SELECT project_id FROM github_repositories WHERE github_id = '1')""",
            asked=json.dumps(asked),
        )
        await self.rest()

    async def rest(self) -> None:
        """All that is due is done."""
        await worker(self.engine).drain()

    async def task(self, key: str = TASK, *, status: str = "pending", issue: int | None = None) -> None:
        """Another program makes a task."""
        await query(
            self.engine,
            """INSERT INTO tasks (id, project_id, title, status, github_issue_number)
               SELECT :key, project_id, 'A task', :status, :issue FROM github_repositories WHERE github_id = '1'""",
            key=key, status=status, issue=issue,
        )  # fmt: skip
        await self.rest()

    async def pull(self, stage: str, number: int = 7, **said: Any) -> None:
        """A pull request comes to another stage, or changes within one."""
        self.seconds += 1
        await write(self.engine, reports_pull(number, stage, self.seconds, **said))
        await self.rest()

    async def issue(self, **fields: Any) -> None:
        """An issue changes."""
        self.seconds += 1
        await write(self.engine, reports_issue(self.seconds, **fields))
        await self.rest()

    async def set(self, status: str) -> None:
        """Somebody decides how the task stands."""
        await query(self.engine, "UPDATE tasks SET status = :status WHERE id = :task", status=status, task=TASK)
        await self.rest()

    async def status(self) -> str:
        """How the task stands."""
        ((status,),) = await query(self.engine, "SELECT status FROM tasks WHERE id = :task", task=TASK)
        return str(status)

    async def ended(self) -> Any:
        """When work on the task ended."""
        ((ended,),) = await query(self.engine, "SELECT completed_at FROM tasks WHERE id = :task", task=TASK)
        return ended

    async def tasks(self) -> list[tuple[Any, ...]]:
        """All tasks, with the number of their issue."""
        return await query(self.engine, "SELECT title, description, github_issue_number FROM tasks ORDER BY created_at")
