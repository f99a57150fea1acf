"""The statements of the links stay cheap however much is mentioned."""

from collections.abc import AsyncIterator, Mapping

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import database
from ghsync.tasks import alignment, claims, creation, lifecycle, links, mentions, neighbourhood, numbers
from ghsync.tasks.item import Item, as_json
from tests import postgres
from tests.tasks.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

LARGE = ("github_issues", "github_mentions", "task_github_links", "tasks", "github_repository_aliases")

FILL = (
    # 200 repositories, 20,000 issues and tasks, 50,000 mentions, 40,000 links.
    """INSERT INTO github_repositories (project_id, github_id, owner, name, full_name, tracked_name,
                                        observed_at, observed_by, sync_source)
       SELECT p.id, n::text, 'acme', 'r' || n, 'acme/r' || n, 'acme/r' || n, now(), 'api', 'backfill'
       FROM projects p, generate_series(1, 200) n""",
    """INSERT INTO github_repository_aliases (repository_id, full_name, first_observed_at)
       SELECT id, full_name, now() FROM github_repositories
       UNION ALL SELECT id, full_name || '-was-' || n, now() FROM github_repositories, generate_series(1, 20) n""",
    "INSERT INTO tasks (project_id, title) SELECT p.id, 'A task' FROM projects p, generate_series(1, 20000)",
    """INSERT INTO github_issues (repository_id, github_id, number, title, state, observed_at, observed_by, sync_source)
       SELECT id, n::text, n, 'An issue', 'open', now(), 'api', 'backfill'
       FROM github_repositories, generate_series(1, 100) n""",
    """INSERT INTO github_mentions (repository_id, kind, number, source, target_name, target_number, observed_at)
       SELECT r.id, 'pull_request', n, 'closing_keyword', CASE WHEN n % 5 = 0 THEN r.full_name END, n % 1000, now()
       FROM github_repositories r, generate_series(1, 225) n""",
    """INSERT INTO github_mentions (repository_id, kind, number, source, task, observed_at)
       SELECT r.id, 'issue', 1000 + t.n / 200, 'task_trailer', t.id::text, now()
       FROM (SELECT id, row_number() OVER () AS n FROM tasks) t
       JOIN github_repositories r ON r.github_id = (1 + t.n % 200)::text WHERE t.n <= 5000""",
    """INSERT INTO task_github_links (task_id, repository_id, kind, number, source, confidence)
       SELECT t.id, r.id, kind, t.n, 'manual', 1
       FROM (SELECT id, row_number() OVER () AS n FROM tasks) t
       JOIN github_repositories r ON r.github_id = (1 + t.n % 200)::text
       CROSS JOIN (VALUES ('issue'), ('pull_request')) AS kinds(kind)""",
    "VACUUM ANALYZE",
)


@pytest.fixture(scope="module")
async def crowded(server_url: str, template: str) -> AsyncIterator[World]:
    """Many repositories, tasks, mentions and links, for all tests here: they only ask for plans."""
    with postgres.database(server_url, template=template) as url:
        world = World(database.create_engine(url, planned_once=True))
        await world.project("acme")
        async with world.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
            for statement in FILL:
                await conn.execute(sa.text(statement))
        yield world
        await world.engine.dispose()


async def read_whole(conn: AsyncConnection, statement: sa.TextClause, values: Mapping[str, object]) -> set[str]:
    """The large tables that a statement reads from end to end."""
    plan = await conn.execute(sa.text(f"EXPLAIN {statement.text}"), values)
    scans = [line.split("Seq Scan on ")[1].split()[0] for (line,) in plan if "Seq Scan on" in line]
    return set(scans) & set(LARGE)


async def test_deriving_reads_no_large_table_whole(crowded: World) -> None:
    repository = await crowded.value("SELECT id::text FROM github_repositories WHERE github_id = '7'")
    task = await crowded.value("SELECT id::text FROM tasks LIMIT 1")
    found = [Item(repository, kind, number) for kind in ("issue", "pull_request") for number in range(1, 11)]
    items = as_json(found)
    async with crowded.engine.connect() as conn:
        around = {"items": items, "tasks": [task]}
        assert await read_whole(conn, neighbourhood._FIND, around) == set()
        assert await read_whole(conn, neighbourhood._LOCK_IF_ANY, around) == set()
        for statement in alignment._ALIGN.values():
            assert await read_whole(conn, statement, {"items": items}) == set()
        assert await read_whole(conn, numbers._NUMBER, {"tasks": [task], "withdrawn": "[]"}) == set()
        assert await read_whole(conn, numbers._ADOPT, {"tasks": [task]}) == set()
        assert await read_whole(conn, mentions._NAMING, {"names": ["acme/r7"]}) == set()
        assert await read_whole(conn, mentions._CLOSING, {"ids": [repository]}) == set()
        concerned = {"repository_id": repository, "projects": ["00000000-0000-0000-0000-000000000000"]}
        assert await read_whole(conn, links._CONCERNED, concerned) == set()
        remembered = {"texts": items, "mentions": "[]", "sources": ["branch"]}
        assert await read_whole(conn, mentions._REMEMBER, remembered) == set()


async def test_the_life_cycle_reads_no_large_table_whole(crowded: World) -> None:
    await crowded.query(
        """UPDATE projects SET settings = '{"tasks": {"create_from_label": "agent", "when_opened": "in_review"}}'"""
    )
    repository = await crowded.value("SELECT id::text FROM github_repositories WHERE github_id = '7'")
    task = await crowded.value("SELECT id::text FROM tasks LIMIT 1")
    items = as_json([Item(repository, "issue", number) for number in range(1, 11)])
    async with crowded.engine.connect() as conn:
        assert await read_whole(conn, lifecycle._CONCERNED, {"tasks": [task], "pulls": items}) == set()
        assert await read_whole(conn, lifecycle._MOVE, {"tasks": [task]}) == set()
        for statement in (creation._ANY, creation._NUMBERED, creation._CREATE):
            assert await read_whole(conn, statement, {"items": items}) == set()
        assert await read_whole(conn, creation._ANY_IN, {"repositories": [repository]}) == set()


async def test_the_best_task_of_a_pull_request_is_one_index_scan(crowded: World) -> None:
    repository = await crowded.value("SELECT id::text FROM github_repositories WHERE github_id = '7'")
    statement = sa.text(
        f"""SELECT task.* FROM (SELECT CAST(:repository AS uuid) AS repository_id, 6 AS number) p
            LEFT JOIN LATERAL ({claims.BEST_TASK}) task ON true"""
    )
    async with crowded.engine.connect() as conn:
        assert await read_whole(conn, statement, {"repository": repository}) == set()
