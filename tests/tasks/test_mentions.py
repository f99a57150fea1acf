"""Mentions: what texts say is remembered, and rewritten when they say something else."""

import pytest

from ghsync.database import transaction
from ghsync.tasks import mentions
from ghsync.tasks.mentions import Text
from tests import postgres
from tests.tasks.world import World, at

pytestmark = pytest.mark.anyio

TASK = "0f8fad5b-d9cb-469f-a165-70867728950e"


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


async def test_a_batch_of_texts_takes_one_statement_to_remember(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    app = await world.repository("acme/app", await world.project("acme"))
    texts = [Text(app, "pull_request", number, "", f"Closes #{number}", "main", at(1)) for number in range(1, 501)]
    statements = postgres.heard(monkeypatch)
    async with transaction(world.engine) as conn:
        await mentions.remember(conn, texts)
    assert len(statements) == 1
    assert len(await mentioned(world)) == 500
