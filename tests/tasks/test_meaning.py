"""What a mention means: names change hands, and issues move."""

import pytest

from ghsync.mirror.keys import PullRequestKey
from tests.tasks.world import World

pytestmark = pytest.mark.anyio


async def test_a_name_means_who_had_it_when_the_text_was_written(world: World) -> None:
    project = await world.project("acme")
    first = await world.repository("acme/app", project, github_id="1", minutes=0)
    second = await world.repository("acme/new", project, github_id="2", minutes=0)
    await world.rename(first, "acme/old", minutes=10)
    await world.rename(second, "acme/app", minutes=11)
    one, two = await world.task(project), await world.task(project)
    await world.link(one, first, "issue", 5)
    await world.link(two, second, "issue", 5)
    for number, minutes in ((6, -5), (7, 5), (8, 20)):
        await world.says(second, "pull_request", number, body="Closes acme/app#5", minutes=minutes)
    pulls = {(task, number) for task, _, number, source in await world.links() if source == "closing_keyword"}
    assert pulls == {(one, 6), (one, 7), (two, 8)}


async def test_a_mention_is_resolved_when_its_repository_is_first_seen(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.says(app, "pull_request", 8, body="Closes Acme/Lib#5")
    lib = await world.repository("acme/lib", project, github_id="2", minutes=30)
    await world.link(task, lib, "issue", 5)
    assert world.changed == [PullRequestKey(app, 8)]
    assert await world.numbers(task) == (5, 8)


async def test_a_mention_by_a_new_name_is_resolved_when_the_repository_is_renamed(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.link(task, app, "issue", 5)
    await world.says(app, "pull_request", 8, body="Closes acme/application#5")
    assert await world.numbers(task) == (5, None)
    await world.rename(app, "acme/application", minutes=2)
    assert await world.numbers(task) == (5, 8)


# Transfers


async def test_links_and_mentions_follow_a_transferred_issue(world: World) -> None:
    project = await world.project("acme")
    app, lib = await world.repository("acme/app", project), await world.repository("acme/lib", project, github_id="2")
    task, other = await world.task(project), await world.task(project)
    await world.link(task, app, "issue", 5)
    await world.says(app, "issue", 5, body=f"Task-ID: {other}")
    await world.says(app, "pull_request", 8, body="Closes #5")
    await world.transfer((app, 5), "2", 50)
    assert await world.links() == {
        (task, "acme/lib", 50, "manual"),
        (other, "acme/lib", 50, "task_trailer"),
        (task, "acme/app", 8, "closing_keyword"),
        (other, "acme/app", 8, "closing_keyword"),
    }
    assert await world.numbers(task) == (50, 8)
    await world.says(lib, "pull_request", 9, body="Closes #50")
    assert (task, "acme/lib", 9, "closing_keyword") in await world.links()
    await world.unlink(task, lib, "issue", 50)
    assert await world.numbers(task) == (None, None)


async def test_links_follow_an_issue_through_several_transfers(world: World) -> None:
    project = await world.project("acme")
    keys = [await world.repository(f"acme/{name}", project, github_id=str(name)) for name in range(4)]
    task = await world.task(project)
    await world.link(task, keys[0], "issue", 10)
    for step in (2, 0, 1):  # what is known last may be in the middle
        await world.transfer((keys[step], 10 + step), str(step + 1), 11 + step)
    assert await world.links() == {(task, "acme/3", 13, "manual")}


async def test_links_wait_for_the_repository_that_an_issue_went_to(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.link(task, app, "issue", 5)
    await world.transfer((app, 5), "2", 50)
    assert await world.links() == {(task, "acme/app", 5, "manual")}
    await world.repository("acme/lib", project, github_id="2")
    assert await world.links() == {(task, "acme/lib", 50, "manual")}


async def test_transfers_in_a_circle_move_nothing(world: World) -> None:
    project = await world.project("acme")
    app, lib = await world.repository("acme/app", project), await world.repository("acme/lib", project, github_id="2")
    task = await world.task(project)
    await world.transfer((app, 5), "2", 50)
    await world.transfer((lib, 50), "1", 5)
    await world.link(task, app, "issue", 5)
    assert await world.links() == {(task, "acme/app", 5, "manual")}
