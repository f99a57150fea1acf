"""Suggestions: what people are asked to decide."""

import pytest

from ghsync.tasks import suggestions
from ghsync.tasks.suggestions import Suggestion
from tests.tasks.world import World

pytestmark = pytest.mark.anyio

TASK = "0f8fad5b-d9cb-469f-a165-70867728950e"
TWIN = "0f8fad5b-7425-40de-944b-e07fc1f90ae7"  # the same first eight characters


async def suggested(world: World) -> list[Suggestion]:
    """All suggestions."""
    async with world.engine.connect() as conn:
        return await suggestions.find(conn)


async def test_a_conflict_is_suggested_until_a_person_decides(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    one, two = await world.task(project), await world.task(project)
    await world.says(app, "pull_request", 8, body=f"Task-ID: {one}", branch=f"task/{two}")
    (conflict,) = await suggested(world)
    assert (conflict.kind, set(conflict.tasks), conflict.item) == ("conflict", {one, two}, "acme/app#8")
    assert conflict.advice == (
        "2 tasks claim acme/app#8: link the right one with `ghsync tasks link TASK acme/app#8`, "
        "or change what the pull request says."
    )
    await world.link(one, app, "pull_request", 8)
    assert await suggested(world) == []


async def test_an_unresolved_number_is_suggested(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    await world.repository("acme/lib", project, github_id="2")
    task = await world.task(project, issue=5)
    (open_number,) = await suggested(world)
    assert open_number == Suggestion(
        "unresolved_number",
        (task,),
        "acme#5",
        "Project acme has 2 repositories, so issue 5 could be any: "
        f"name it with `ghsync tasks link {task} OWNER/REPO#5`.",
    )
    await world.link(task, app, "issue", 5)
    assert await suggested(world) == []


async def test_a_cross_reference_is_suggested_while_nothing_claims_the_pull_request(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.link(task, app, "issue", 5)
    await world.says(app, "pull_request", 8, body="See #5")
    (likely,) = await suggested(world)
    assert (likely.kind, likely.tasks, likely.item) == ("cross_reference", (task,), "acme/app#8")
    await world.link(task, app, "pull_request", 8)
    assert await suggested(world) == []


async def test_an_ambiguous_branch_is_suggested(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    await world.task(project, TASK)
    await world.task(project, TWIN)
    await world.says(app, "pull_request", 8, branch="task/0f8fad5b-x")
    (ambiguous,) = await suggested(world)
    assert (ambiguous.kind, ambiguous.tasks, ambiguous.item) == ("ambiguous_branch", (TWIN, TASK), "acme/app#8")
