"""The second scene: a task is named in a pull request, is linked to it, and follows it."""

from collections.abc import AsyncIterator

import sqlalchemy as sa

from ghsync import lookup, wording
from ghsync.actor import Actor
from ghsync.administration import tasks
from ghsync.database import transaction
from ghsync.demo.patience import until
from ghsync.demo.stage import Stage
from ghsync.simulator.actions import branches, pull_requests
from ghsync.simulator.commit import Change
from ghsync.simulator.pull_request import PullRequest

ACTOR = Actor("demo")
TITLE = "Speed up the parser"

# As the README says.
_FOLLOW = sa.text("""
UPDATE projects SET settings = jsonb_set(settings, '{tasks}', coalesce(settings -> 'tasks', '{}') ||
  '{"when_opened": "in_review", "when_merged": "completed"}') WHERE id = :id
""")

_LINKED = sa.text("""
SELECT t.status FROM tasks t JOIN task_github_links l ON l.task_id = t.id
JOIN github_repositories r ON r.id = l.repository_id
WHERE t.id = :task AND l.kind = 'pull_request' AND l.number = :number AND r.github_id = :repository
""")


async def play(stage: Stage) -> AsyncIterator[str]:
    """Make a task, and have somebody propose what it asks for."""
    repository = stage.repository
    task = await _create(stage)
    yield f"Somebody made task {task[:8]}: {TITLE}."
    stage.github.site.keep_time()
    pull = _propose(stage, task)
    name = f"{repository.name}#{pull.number}"
    linked = await until(lambda: _has_status(stage, task, pull, "in_review"), f"the task was linked to {name}")
    told = f"Pull request {name} names the task: linked after {wording.duration(linked)}"
    yield f"{told}, and in review."
    stage.github.site.keep_time()
    pull_requests.merge(stage.github.world, pull, by=stage.person)
    merged = await until(lambda: _has_status(stage, task, pull, "completed"), f"the task was completed with {name}")
    yield f"{told}, completed {wording.duration(merged)} after it was merged."


async def _create(stage: Stage) -> str:
    """What `ghsync tasks create` does, in a project whose tasks follow their pull requests."""
    async with transaction(stage.engine) as conn:
        project = (await lookup.repository(conn, stage.repository.full_name)).project_id
        await conn.execute(_FOLLOW, {"id": project})
    return await tasks.create(
        stage.engine, project, TITLE, description=None, kind="task", priority=0, reference=None, actor=ACTOR
    )


def _propose(stage: Stage, task: str) -> PullRequest:
    world, repository, by = stage.github.world, stage.repository, stage.person
    commit = branches.commit(world, by, TITLE, Change("src/parser.py", 40, 12))
    branches.create(world, repository, "faster-parser", commit, by=by)
    body = f"The profiler pointed here.\n\nTask-ID: {task}"
    return pull_requests.open_pull_request(world, repository, "faster-parser", TITLE, by=by, body=body)


async def _has_status(stage: Stage, task: str, pull: PullRequest, status: str) -> bool:
    found = {"task": task, "number": pull.number, "repository": str(pull.repository.id)}
    async with transaction(stage.engine) as conn:
        return bool(await conn.scalar(_LINKED, found) == status)
