"""Links: what facts lead to, and what takes them away again."""

import anyio
import pytest

from ghsync.database import transaction
from ghsync.errors import NotFound, Permanent
from ghsync.mirror.keys import PullRequestKey
from ghsync.tasks import links, mentions
from ghsync.tasks.item import Item
from ghsync.tasks.mentions import Text
from tests import postgres
from tests.tasks.world import World, at

pytestmark = pytest.mark.anyio

TASK = "0f8fad5b-d9cb-469f-a165-70867728950e"
TWIN = "0f8fad5b-7425-40de-944b-e07fc1f90ae7"  # the same first eight characters
OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


async def test_a_trailer_links_an_issue(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.says(app, "issue", 5, body=f"Task-ID: {task}")
    assert await world.links() == {(task, "acme/app", 5, "task_trailer")}
    assert await world.numbers(task) == (5, None)


async def test_a_trailer_and_a_branch_link_a_pull_request_for_two_reasons(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.says(app, "pull_request", 8, body=f"Task-ID: {task}", branch=f"task/{task[:8]}-retry")
    rows = await world.query("SELECT source, confidence::float, evidence FROM task_github_links ORDER BY source")
    assert [tuple(row) for row in rows] == [
        ("branch", 0.9, f"task/{task[:8]}-retry"),
        ("task_trailer", 0.95, f"Task-ID: {task}"),
    ]
    assert world.changed == [PullRequestKey(app, 8)]


async def test_a_trailer_that_names_no_task_links_nothing(world: World) -> None:
    app = await world.repository("acme/app", await world.project("acme"))
    await world.says(app, "pull_request", 8, body=f"Task-ID: {TASK}", branch="task/0f8fad5b")
    assert await world.links() == set()


async def test_a_prefix_that_fits_several_tasks_means_the_one_of_the_project(world: World) -> None:
    project, elsewhere = await world.project("acme"), await world.project("elsewhere")
    app = await world.repository("acme/app", project)
    await world.task(project, TASK)
    await world.task(elsewhere, TWIN)
    await world.says(app, "pull_request", 8, branch="task/0f8fad5b")
    assert await world.links() == {(TASK, "acme/app", 8, "branch")}


async def test_a_prefix_that_fits_several_tasks_of_the_project_links_none(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    await world.task(project, TASK)
    await world.says(app, "pull_request", 8, branch="task/0f8fad5b")
    assert await world.links() == {(TASK, "acme/app", 8, "branch")}
    await world.task(project, TWIN)
    assert await world.links() == set()
    assert await world.numbers(TASK) == (None, None)


@pytest.mark.parametrize("source", ["closing_keyword", "cross_reference"])
async def test_a_pull_request_gets_the_tasks_of_the_issues_that_it_names(world: World, source: str) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.link(task, app, "issue", 5)
    await world.says(app, "pull_request", 8, body="Closes #5" if source == "closing_keyword" else "See #5")
    assert (task, "acme/app", 8, source) in await world.links()
    assert world.changed == [PullRequestKey(app, 8)]


async def test_a_closing_reference_of_the_api_links_too(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.link(task, app, "issue", 5)
    await world.query(
        """INSERT INTO github_mentions (repository_id, kind, number, source, target_number, observed_at)
           VALUES (:app, 'pull_request', 8, 'closing_reference', 5, now())""",
        app=app,
    )
    await world.says(app, "pull_request", 8)
    assert (task, "acme/app", 8, "closing_reference") in await world.links()


async def test_to_mention_an_issue_is_not_to_work_on_it(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.link(task, app, "issue", 5)
    await world.says(app, "pull_request", 8, body="See #5")
    assert await world.numbers(task) == (5, None)


async def test_an_issue_of_another_repository_is_found_by_name(world: World) -> None:
    project = await world.project("acme")
    app, lib = await world.repository("acme/app", project), await world.repository("acme/lib", project, github_id="2")
    task = await world.task(project)
    await world.link(task, lib, "issue", 5)
    await world.says(app, "pull_request", 8, body="Closes ACME/Lib#5")
    await world.says(app, "pull_request", 9, body="Closes #5")
    assert await world.links() == {(task, "acme/lib", 5, "manual"), (task, "acme/app", 8, "closing_keyword")}


async def test_a_link_goes_when_its_reason_goes(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.says(app, "issue", 5, body=f"Task-ID: {task}")
    await world.says(app, "pull_request", 8, body="Closes #5")
    assert await world.numbers(task) == (5, 8)
    await world.says(app, "issue", 5, body="Nothing")
    assert await world.links() == set()
    assert await world.numbers(task) == (None, None)
    assert world.changed == [PullRequestKey(app, 8)]


async def test_manual_links_outlast_every_text(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.link(task, app, "pull_request", 8)
    await world.says(app, "pull_request", 8, body="Nothing")
    assert await world.links() == {(task, "acme/app", 8, "manual")}


async def test_other_words_are_other_evidence_of_the_same_link(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.link(task, app, "issue", 5)
    await world.says(app, "pull_request", 8, body="Closes #5")
    await world.says(app, "pull_request", 8, body="Fixes #5")
    assert await world.value("SELECT evidence FROM task_github_links WHERE number = 8") == "Fixes #5"


async def test_deriving_again_writes_nothing(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.says(app, "issue", 5, body=f"Task-ID: {task}")
    await world.says(app, "pull_request", 8, body="Closes #5", branch=f"task/{task}")
    rows = "SELECT tableoid::regclass::text, ctid::text, xmin::text FROM {} ORDER BY 2"
    before = [await world.query(rows.format(table)) for table in ("task_github_links", "tasks", "github_mentions")]
    async with transaction(world.engine) as conn:
        items = [Item(app, "issue", 5), Item(app, "pull_request", 8)]
        assert await links.derive(conn, items, [task]) == []
        assert await links.adopt(conn, [task]) == []
    after = [await world.query(rows.format(table)) for table in ("task_github_links", "tasks", "github_mentions")]
    assert after == before


async def test_items_that_lead_nowhere_cost_one_statement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    app = await world.repository("acme/app", await world.project("acme"))
    await world.says(app, "pull_request", 8, body="Closes #5")
    statements = postgres.heard(monkeypatch)
    async with transaction(world.engine) as conn:
        assert await links.derive(conn, [Item(app, "issue", 5), Item(app, "pull_request", 9)]) == []
    assert len(statements) == 1


# People


async def test_what_follows_from_a_text_cannot_be_unlinked(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.says(app, "pull_request", 8, branch=f"task/{task}")
    with pytest.raises(Permanent, match=r"by its branch name and would be linked again: change what it says on GitHub"):
        await world.unlink(task, app, "pull_request", 8)


async def test_what_is_not_there_cannot_be_linked_or_unlinked(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    with pytest.raises(NotFound):
        await world.link(OTHER, app, "issue", 5)
    task = await world.task(project)
    with pytest.raises(NotFound, match="no link to that issue"):
        await world.unlink(task, app, "issue", 5)


# At the same time


async def test_of_two_transactions_with_half_a_reason_each_the_second_makes_the_link(world: World) -> None:
    project = await world.project("acme")
    app, lib = await world.repository("acme/app", project), await world.repository("acme/lib", project, github_id="2")
    task = await world.task(project)
    texts = {
        Item(app, "issue", 5): Text(app, "issue", 5, "", f"Task-ID: {task}", None, at(1)),
        Item(lib, "pull_request", 8): Text(lib, "pull_request", 8, "", "Closes acme/app#5", "x", at(1)),
    }
    remembered = {item: anyio.Event() for item in texts}

    async def write(item: Item) -> None:
        async with transaction(world.engine) as conn:
            await mentions.remember(conn, [texts[item]])
            remembered[item].set()
            for event in remembered.values():
                await event.wait()
            await links.derive(conn, [item])

    async with anyio.create_task_group() as group:
        for item in texts:
            group.start_soon(write, item)
    assert await world.links() == {(task, "acme/app", 5, "task_trailer"), (task, "acme/lib", 8, "closing_keyword")}
    assert await world.numbers(task) == (5, 8)
