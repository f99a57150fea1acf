"""Links: what facts lead to, and what takes them away again."""

import anyio
import pytest
import sqlalchemy as sa

from ghsync.database import transaction
from ghsync.errors import NotFound, Permanent
from ghsync.tasks import links
from ghsync.tasks.links import Item, PullRequest, Text
from tests.tasks.world import World, at

pytestmark = pytest.mark.anyio

TASK = "0f8fad5b-d9cb-469f-a165-70867728950e"
TWIN = "0f8fad5b-7425-40de-944b-e07fc1f90ae7"  # the same first eight characters
OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


# What texts say


async def mentioned(world: World) -> set[tuple[object, ...]]:
    """All mentions as (number, source, what)."""
    rows = await world.query("SELECT number, source, coalesce(task, target_name || '#' || target_number, "
                             "'#' || target_number) FROM github_mentions")  # fmt: skip
    return {tuple(row) for row in rows}


async def test_a_text_is_remembered_and_rewritten(world: World) -> None:
    app = await world.repository("acme/app", await world.project("acme"))
    await world.says(app, "pull_request", 8, title="Also #4", body="Closes #5, see acme/lib#6", branch=f"task/{TASK}-x")
    assert await mentioned(world) == {
        (8, "branch", TASK),
        (8, "closing_keyword", "#5"),
        (8, "cross_reference", "#4"),
        (8, "cross_reference", "acme/lib#6"),
    }
    await world.says(app, "pull_request", 8, body="Closes #5")
    assert await mentioned(world) == {(8, "closing_keyword", "#5")}
    await world.says(app, "pull_request", 8, body="Nothing")
    assert await mentioned(world) == set()


async def test_an_issue_is_remembered_for_its_trailers_alone(world: World) -> None:
    app = await world.repository("acme/app", await world.project("acme"))
    await world.says(app, "issue", 5, title="#1", body=f"Closes #2\n\nTask-ID: {TASK}", branch=None)
    assert await mentioned(world) == {(5, "task_trailer", TASK)}


async def test_a_mention_that_stays_is_not_written_again(world: World) -> None:
    app = await world.repository("acme/app", await world.project("acme"))
    row = "SELECT ctid::text, xmin::text, observed_at FROM github_mentions"
    await world.says(app, "pull_request", 8, body="Closes #5", minutes=1)
    before = await world.query(row)
    await world.says(app, "pull_request", 8, body="Some words. Closes #5", minutes=2)
    assert await world.query(row) == before


async def test_other_words_for_the_same_thing_keep_its_time(world: World) -> None:
    app = await world.repository("acme/app", await world.project("acme"))
    await world.says(app, "pull_request", 8, body="Closes acme/app#5", minutes=1)
    await world.says(app, "pull_request", 8, body="Fixes Acme/App#5", minutes=2)
    (row,) = await world.query("SELECT evidence, target_name, observed_at FROM github_mentions")
    assert tuple(row) == ("Fixes Acme/App#5", "Acme/App", at(1))


async def test_what_the_api_said_is_not_rewritten_by_a_text(world: World) -> None:
    app = await world.repository("acme/app", await world.project("acme"))
    await world.query(
        """INSERT INTO github_mentions (repository_id, kind, number, source, target_number, observed_at)
           VALUES (:app, 'pull_request', 8, 'closing_reference', 5, now())""",
        app=app,
    )
    await world.says(app, "pull_request", 8, body="Nothing")
    assert await mentioned(world) == {(8, "closing_reference", "#5")}


async def test_a_text_with_nul_is_remembered(world: World) -> None:
    app = await world.repository("acme/app", await world.project("acme"))
    await world.says(app, "pull_request", 8, branch="task/0f8fad5b-\0")
    assert await mentioned(world) == {(8, "branch", "0f8fad5b")}


async def test_a_batch_of_texts_takes_one_statement_to_remember(world: World) -> None:
    app = await world.repository("acme/app", await world.project("acme"))
    texts = [Text(app, "pull_request", number, "", f"Closes #{number}", "main", at(1)) for number in range(1, 501)]
    statements: list[str] = []
    sa.event.listen(world.engine.sync_engine, "before_cursor_execute", lambda *event: statements.append(event[2]))
    async with transaction(world.engine) as conn:
        await links.remember(conn, texts)
    assert len(statements) == 1
    assert len(await mentioned(world)) == 500


# What follows from them


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
    assert world.changed == [PullRequest(app, 8)]


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
    assert world.changed == [PullRequest(app, 8)]


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
    assert world.changed == [PullRequest(app, 8)]


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


async def test_items_that_lead_nowhere_cost_one_statement(world: World) -> None:
    app = await world.repository("acme/app", await world.project("acme"))
    await world.says(app, "pull_request", 8, body="Closes #5")
    statements: list[str] = []
    sa.event.listen(world.engine.sync_engine, "before_cursor_execute", lambda *event: statements.append(event[2]))
    async with transaction(world.engine) as conn:
        assert await links.derive(conn, [Item(app, "issue", 5), Item(app, "pull_request", 9)]) == []
    assert len(statements) == 1


# Names


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
    assert world.changed == [PullRequest(app, 8)]
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


# Numbers


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
    assert world.changed == [PullRequest(app, 8)]
    await world.says(app, "pull_request", 7, branch=f"task/{task}")
    assert await world.numbers(task) == (5, 8)


async def test_a_newer_number_replaces_an_older_one(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project, pull=8)
    await world.write_number(task, pull=9)
    assert await world.links() == {(task, "acme/app", 9, "external")}
    assert world.changed == [PullRequest(app, 8), PullRequest(app, 9)]


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
    assert world.changed == [PullRequest(app, 8), PullRequest(app, 9)]
    assert await world.numbers(TASK) == (None, 9)


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


# Which task a pull request works on


async def best(world: World, repository: str, number: int) -> tuple[str | None, str | None, str | None]:
    """The task, workflow and session of a pull request."""
    (row,) = await world.query(
        f"""SELECT task.task_id::text, task.workflow_id::text, task.session_id::text
            FROM (SELECT CAST(:repository AS uuid) AS repository_id, CAST(:number AS int) AS number) p
            LEFT JOIN LATERAL ({links.BEST_TASK}) task ON true""",
        repository=repository,
        number=number,
    )
    return tuple(row)


async def test_the_surest_task_brings_its_workflow_and_its_newest_session(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task, other = await world.task(project), await world.task(project)
    workflow = await world.value(
        "INSERT INTO workflows (project_id, name, definition) VALUES (:project, 'w', '{}') RETURNING id::text",
        project=project,
    )
    await world.query(
        """WITH e AS (INSERT INTO workflow_executions (workflow_id) VALUES (:workflow) RETURNING id)
           UPDATE tasks SET workflow_execution_id = (SELECT id FROM e) WHERE id = :task""",
        workflow=workflow,
        task=task,
    )
    session = await world.value(
        """WITH s AS (
             INSERT INTO agent_sessions (session_id, agent_name, task_id, started_at)
             VALUES ('old', 'a', :task, '2025-01-01'), ('new', 'a', :task, '2025-01-02') RETURNING id, session_id)
           SELECT id::text FROM s WHERE session_id = 'new'""",
        task=task,
    )
    await world.says(app, "pull_request", 8, body=f"Task-ID: {task}", branch=f"task/{other}")
    assert await best(world, app, 8) == (task, workflow, session)


async def test_two_tasks_that_are_equally_sure_are_a_conflict(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    one, two = await world.task(project), await world.task(project)
    await world.says(app, "pull_request", 8, body=f"Task-ID: {one}\nTask-ID: {two}")
    assert await best(world, app, 8) == (None, None, None)
    await world.link(two, app, "pull_request", 8)
    assert (await best(world, app, 8))[0] == two


async def test_a_mention_alone_claims_no_pull_request(world: World) -> None:
    project = await world.project("acme")
    app = await world.repository("acme/app", project)
    task = await world.task(project)
    await world.link(task, app, "issue", 5)
    await world.says(app, "pull_request", 8, body="See #5")
    assert await best(world, app, 8) == (None, None, None)


# What people are asked


async def suggested(world: World) -> list[links.Suggestion]:
    """All suggestions."""
    async with world.engine.connect() as conn:
        return await links.suggestions(conn)


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
    assert open_number == links.Suggestion(
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
            await links.remember(conn, [texts[item]])
            remembered[item].set()
            for event in remembered.values():
                await event.wait()
            await links.derive(conn, [item])

    async with anyio.create_task_group() as group:
        for item in texts:
            group.start_soon(write, item)
    assert await world.links() == {(task, "acme/app", 5, "task_trailer"), (task, "acme/lib", 8, "closing_keyword")}
    assert await world.numbers(task) == (5, 8)
