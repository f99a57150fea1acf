"""Numbers: what links write into tasks, and what other programs write there."""

import pytest

from ghsync.mirror.keys import PullRequestKey
from tests.tasks.world import World

pytestmark = pytest.mark.anyio

TASK = "0f8fad5b-d9cb-469f-a165-70867728950e"


async def test_the_surest_link_gives_the_number(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.says(app, "issue", 5, body=f"Task-ID: {task}")
    await world.says(app, "pull_request", 9, body="Closes #5")
    await world.says(app, "pull_request", 8, body="Closes #5")
    assert await world.numbers(task) == (5, 8)
    await world.says(app, "pull_request", 11, branch=f"task/{task}")
    assert await world.numbers(task) == (5, 11)
    await world.link(task, app, "pull_request", 12)
    await world.link(task, app, "pull_request", 10)
    assert await world.numbers(task) == (5, 12)


async def test_a_number_that_sync_writes_makes_nothing_due(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.link(task, app, "issue", 5)
    await world.unlink(task, app, "issue", 5)
    assert await world.jobs() == 0


async def test_a_number_that_another_program_writes_is_linked(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project, issue=5)
    await world.write_number(task, pull=8)
    assert await world.links() == {(task, "acme/app", 5, "external"), (task, "acme/app", 8, "external")}
    assert world.changed == [PullRequestKey(app, 8)]
    await world.says(app, "pull_request", 7, branch=f"task/{task}")
    assert await world.numbers(task) == (5, 8)


async def test_a_newer_number_replaces_an_older_one(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project, pull=8)
    await world.write_number(task, pull=9)
    assert await world.links() == {(task, "acme/app", 9, "external")}
    assert world.changed == [PullRequestKey(app, 8), PullRequestKey(app, 9)]


async def test_pull_requests_follow_an_issue_that_another_program_links(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    await world.says(app, "pull_request", 8, body="Closes #5")
    task = await world.task(project, issue=5)
    assert await world.numbers(task) == (5, 8)


async def test_a_person_outranks_a_program(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project, pull=8)
    await world.link(task, app, "pull_request", 9)
    assert await world.numbers(task) == (None, 9)
    await world.unlink(task, app, "pull_request", 9)
    assert await world.numbers(task) == (None, 8)
    await world.unlink(task, app, "pull_request", 8)
    assert await world.numbers(task) == (None, None)
    assert await world.links() == set()


async def test_a_number_that_could_be_any_repositorys_stays(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    lib = await world.repository("acme/lib", project, github_id="2")
    task = await world.task(project, issue=5, pull=8)
    await world.says(app, "pull_request", 9, branch=f"task/{task}")
    await world.says(app, "pull_request", 9, branch="main")
    assert await world.links() == set()
    assert await world.numbers(task) == (5, 8)
    await world.link(task, lib, "pull_request", 10)
    assert await world.numbers(task) == (5, 10)


async def test_a_removed_repository_is_no_candidate(world: World) -> None:
    project = await world.project("acme")
    await world.repository("acme/app", project)
    lib = await world.repository("acme/lib", project, github_id="2")
    await world.query("UPDATE github_repositories SET removed_at = now() WHERE id = :lib", lib=lib)
    task = await world.task(project, issue=5)
    assert await world.links() == {(task, "acme/app", 5, "external")}


async def test_a_task_that_is_made_after_its_pull_request_is_linked(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    await world.says(app, "pull_request", 8, branch="task/0f8fad5b")
    await world.says(app, "pull_request", 9, body=f"Task-ID: {TASK}")
    await world.task(project, TASK)
    assert world.changed == [PullRequestKey(app, 8), PullRequestKey(app, 9)]
    assert await world.numbers(TASK) == (None, 9)


async def move(world: World, repository: str, project: str) -> None:
    """A repository that a person gives to another project."""
    await world.query("UPDATE github_repositories SET project_id = :p WHERE id = :r", p=project, r=repository)


async def test_a_number_is_linked_in_the_one_repository_that_the_project_has_now(world: World) -> None:
    project, elsewhere = await world.project("acme"), await world.project("elsewhere")
    app = await world.repository("acme/app", project)
    lib = await world.repository("acme/lib", elsewhere, github_id="2")
    task = await world.task(project, issue=5)
    await move(world, app, elsewhere)
    await move(world, lib, project)
    await world.adopt(task)
    assert await world.links() == {(task, "acme/lib", 5, "external")}
    assert await world.numbers(task) == (5, None)


async def test_a_number_whose_repository_has_left_the_project_stays_for_a_person_to_decide(world: World) -> None:
    project, elsewhere = await world.project("acme"), await world.project("elsewhere")
    app = await world.repository("acme/app", project)
    await world.says(app, "pull_request", 8, body="Closes #5")
    task = await world.task(project, issue=5)
    assert await world.numbers(task) == (5, 8)
    await move(world, app, elsewhere)
    await world.adopt(task)
    assert await world.links() == set()
    assert await world.numbers(task) == (5, None)
    assert world.changed == [PullRequestKey(app, 8)]


async def test_a_task_that_another_program_moves_is_linked_in_its_new_project(world: World) -> None:
    project, elsewhere = await world.project("acme"), await world.project("elsewhere")
    await world.repository("acme/app", project)
    await world.repository("acme/lib", elsewhere, github_id="2")
    task = await world.task(project, issue=5)
    await world.query("UPDATE tasks SET project_id = :project", project=elsewhere)
    assert await world.jobs() == 1
    await world.adopt(task)
    assert await world.links() == {(task, "acme/lib", 5, "external")}


async def test_a_number_follows_its_issue_to_a_repository_of_another_project(world: World) -> None:
    project, elsewhere = await world.project("acme"), await world.project("elsewhere")
    app = await world.repository("acme/app", project)
    await world.repository("acme/lib", elsewhere, github_id="2")
    task = await world.task(project, issue=5)
    await world.transfer((app, 5), "2", 50)
    await world.adopt(task)
    assert await world.links() == {(task, "acme/lib", 50, "external")}
    assert await world.numbers(task) == (50, None)


async def test_what_a_person_linked_stays_wherever_the_repository_goes(world: World) -> None:
    project, elsewhere = await world.project("acme"), await world.project("elsewhere")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.link(task, app, "issue", 5)
    await move(world, app, elsewhere)
    await world.adopt(task)
    assert await world.links() == {(task, "acme/app", 5, "manual")}
