"""What GitHub does not show any more goes for good after a while, wherever it is kept, and nothing else goes."""

from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import purge
from ghsync.database import transaction
from tests.verification import mirrors
from tests.verification.mirrors import tell

pytestmark = pytest.mark.anyio

Connection = psycopg.Connection[Any]

HIDDEN = "UPDATE github_repositories SET {} = now() - interval '31 days' WHERE id = %s"


@pytest.fixture
async def mirror(engine: AsyncEngine, connection: Connection) -> Connection:
    """A mirror of many stories, and of the payloads that told them."""
    await tell(engine)
    return connection


def largest(connection: Connection) -> tuple[str, str, str]:
    """The repository of which there is most, and whose name nobody else has: our id, GitHub's, the name."""
    found = connection.execute("""
        SELECT r.id, r.github_id, r.full_name FROM github_repositories r
        JOIN change_events c ON c.repository_id = r.id
        WHERE NOT EXISTS (SELECT FROM github_repositories o WHERE o.full_name = r.full_name AND o.id <> r.id)
          AND NOT EXISTS (SELECT FROM github_repository_aliases a
                          WHERE a.full_name = r.full_name AND a.repository_id <> r.id)
        GROUP BY r.id ORDER BY count(*) DESC, r.id LIMIT 1""").fetchone()
    assert found
    return str(found[0]), found[1], found[2]


def everything(connection: Connection) -> dict[str, set[str]]:
    """Every row of every table, payloads as text."""
    tables = connection.execute("""
        SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
        AND relnamespace = current_schema()::regnamespace""").fetchall()
    return {
        table: {str(row) for row in connection.execute(f"SELECT t.* FROM {table} t".encode()).fetchall()}
        for (table,) in tables
    }


async def enforce(engine: AsyncEngine) -> list[purge.Purged]:
    return await purge.enforce(engine)


@pytest.mark.parametrize("since", ["removed_at", "deleted_at"])
async def test_nothing_of_it_is_left_but_what_was_done_about_it(
    engine: AsyncEngine, mirror: Connection, since: str
) -> None:
    ours, github_id, name = largest(mirror)
    before = everything(mirror)
    mirror.execute(HIDDEN.format(since).encode(), [ours])
    (purged,) = await enforce(engine)
    assert (purged.full_name, purged.rows > 1, purged.changes > 0, purged.payloads > 0) == (name, True, True, True)
    after = everything(mirror)
    kept = {"audit_logs", "change_events"}  # positions, without what was told there
    for table, rows in after.items():
        left = [row for row in rows if ours in row or f"'{name}'" in row or f'"id":{github_id},' in row]
        assert table in kept or left == [], table
    assert {row for row in after["audit_logs"] if ours in row} - before["audit_logs"] != set()
    told = mirror.execute("SELECT DISTINCT old_values, new_values FROM change_events WHERE repository_id = %s", [ours])
    assert told.fetchall() == [(None, None)]


async def test_nothing_else_goes(engine: AsyncEngine, mirror: Connection) -> None:
    ours, github_id, name = largest(mirror)
    others = {
        table: {row for row in rows if ours not in row and name not in row and github_id not in row}
        for table, rows in everything(mirror).items()
    }
    mirror.execute(HIDDEN.format("removed_at").encode(), [ours])
    await enforce(engine)
    after = everything(mirror)
    for table, rows in others.items():
        if table not in ("data_retention_policies", "projects"):
            assert rows - after[table] == set(), table


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE github_repositories SET removed_at = now() - interval '29 days'",
        "UPDATE data_retention_policies SET delete_enabled = false WHERE table_name = 'github_repositories'",
        "UPDATE data_retention_policies SET retention_days = 90 WHERE table_name = 'github_repositories'",
        "DELETE FROM data_retention_policies",
        "UPDATE github_repositories SET archived = true, removed_at = NULL",
    ],
)
async def test_what_the_policy_keeps_stays(engine: AsyncEngine, mirror: Connection, change: str) -> None:
    mirror.execute("UPDATE github_repositories SET removed_at = now() - interval '31 days'")
    mirror.execute(change.encode())
    before = everything(mirror)
    assert await enforce(engine) == []
    after = everything(mirror)
    assert {table: rows for table, rows in after.items() if table != "data_retention_policies"} == {
        table: rows for table, rows in before.items() if table != "data_retention_policies"
    }


@pytest.mark.parametrize("since", ["suspended_at", "deleted_at"])
async def test_all_of_an_installation_goes_that_ended_or_was_suspended(
    engine: AsyncEngine, mirror: Connection, since: str
) -> None:
    installed = "SELECT count(*) FROM github_repositories WHERE installation_id IS NOT NULL"
    (seen,) = mirror.execute(installed).fetchone() or ()
    assert seen > 0
    mirror.execute(f"UPDATE github_installations SET {since} = now() - interval '31 days'".encode())
    assert len(await enforce(engine)) >= seen
    assert mirror.execute(installed).fetchone() == (0,)


async def test_what_shows_again_meanwhile_stays(
    engine: AsyncEngine, mirror: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _, name = largest(mirror)
    mirror.execute(HIDDEN.format("removed_at").encode(), [ours])
    monkeypatch.setattr(purge, "AT_ONCE", 1)
    steps = 0
    step = purge._to_its_end

    async def shown_again(*asked: Any) -> int | None:
        nonlocal steps
        steps += 1
        if steps == 3:
            mirror.execute("UPDATE github_repositories SET removed_at = NULL WHERE id = %s", [ours])
        return await step(*asked)

    monkeypatch.setattr(purge, "_to_its_end", shown_again)
    assert await enforce(engine) == []
    assert mirror.execute("SELECT full_name FROM github_repositories WHERE id = %s", [ours]).fetchall() == [(name,)]
    assert mirror.execute("SELECT count(*) FROM sync_marks WHERE repository_id = %s", [ours]).fetchone() == (0,)


async def test_a_name_that_is_another_s_by_now_keeps_the_other_s_payloads(
    engine: AsyncEngine, mirror: Connection
) -> None:
    ours, _, name = largest(mirror)
    mirror.execute("""
        INSERT INTO webhook_deliveries (hook_target, guid, event, repository, status, processed_at, headers, body)
        VALUES ('h', 'another', 'issues', %s, 'processed', now(), '{}', '{"repository":{"id":77,"full_name":"x"}}')""",
        [name])  # fmt: skip
    mirror.execute(HIDDEN.format("removed_at").encode(), [ours])
    await enforce(engine)
    assert mirror.execute(
        "SELECT repository FROM webhook_deliveries WHERE guid = 'another' AND body IS NOT NULL"
    ).fetchall() == [(name,)]


@pytest.mark.parametrize("status", ["pending", "parked"])
async def test_what_waits_or_is_parked_tells_nobody_anything_any_more(
    engine: AsyncEngine, mirror: Connection, status: str
) -> None:
    ours, _, name = largest(mirror)
    done = "NULL" if status == "pending" else "now()"
    mirror.execute(
        f"UPDATE webhook_deliveries SET status = '{status}', processed_at = {done}, last_error = 'x' "
        "WHERE repository = %s".encode(),
        [name],
    )
    mirror.execute(HIDDEN.format("removed_at").encode(), [ours])
    await enforce(engine)
    assert mirror.execute("SELECT count(*) FROM webhook_deliveries WHERE status = %s", [status]).fetchone() == (0,)


async def test_a_project_with_tasks_is_people_s_and_stays(engine: AsyncEngine, mirror: Connection) -> None:
    ours, _, _ = largest(mirror)
    (project,) = mirror.execute("SELECT project_id FROM github_repositories WHERE id = %s", [ours]).fetchone() or ()
    mirror.execute("INSERT INTO tasks (project_id, title) VALUES (%s, 'Ours')", [project])
    mirror.execute(HIDDEN.format("removed_at").encode(), [ours])
    await enforce(engine)
    assert mirror.execute("SELECT count(*) FROM tasks WHERE project_id = %s", [project]).fetchone() != (0,)


async def test_what_would_go_is_told(engine: AsyncEngine, mirror: Connection) -> None:
    ours, github_id, name = largest(mirror)
    mirror.execute(HIDDEN.format("removed_at").encode(), [ours])
    async with transaction(engine) as conn:
        (found,) = await purge.due(conn)
    assert (found.id, found.github_id, found.full_name) == (ours, github_id, name)
    assert found.issues + found.pull_requests > 0


@pytest.mark.slow
def test_what_is_left_is_verified(connection: Connection, database_url: str) -> None:
    mirrors.at_work(database_url, tell)
    ours, _, _ = largest(connection)
    connection.execute(HIDDEN.format("removed_at").encode(), [ours])
    mirrors.at_work(database_url, enforce)
    assert mirrors.verify(database_url).findings == []
