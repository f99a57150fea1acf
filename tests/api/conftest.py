"""Two organizations, a person in one of them with a key of each scope, and the application that both deliver to."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import app, keys
from ghsync.actor import Actor
from ghsync.administration import keys as acts
from ghsync.database import create_engine, transaction
from ghsync.settings import Settings

WORLD = """
INSERT INTO organizations (name, slug, github_account_id) VALUES ('Acme', 'acme', '1'), ('Rival', 'rival', '2');
INSERT INTO projects (organization_id, name, slug)
SELECT id, name, slug || '-web' FROM organizations UNION ALL SELECT id, name, slug || '-ops' FROM organizations;
INSERT INTO users (email, name, github_login) VALUES
  ('mona@acme.example', 'Mona', 'mona'), ('rob@rival.example', 'Rob', 'rob');
INSERT INTO organization_members (organization_id, user_id, role, source)
SELECT o.id, u.id, 'member', 'local' FROM organizations o, users u
WHERE (o.slug, u.github_login) IN (('acme', 'mona'), ('rival', 'rob'));
INSERT INTO github_repositories (project_id, github_id, owner, name, full_name, tracked_name, private, observed_at,
                                 observed_by, sync_source)
SELECT p.id, '10' || o.github_account_id, o.slug, 'web', o.slug || '/web', o.slug || '/web', true, now(), 'api',
       'backfill'
FROM projects p JOIN organizations o ON o.id = p.organization_id WHERE p.slug LIKE '%-web';
INSERT INTO tasks (id, project_id, title)
SELECT CAST(repeat(o.github_account_id, 8) || '-0000-4000-8000-000000000000' AS uuid), p.id, 'A task'
FROM projects p JOIN organizations o ON o.id = p.organization_id WHERE p.slug LIKE '%-web';
INSERT INTO webhook_deliveries (hook_target, guid, event, repository, status, processed_at, headers, body)
SELECT 'integration:1', full_name, 'issues', full_name, 'processed', now(),
       '{"content-type": "application/json"}', '{}' FROM github_repositories;
"""

Row = dict[str, Any]


@pytest.fixture(autouse=True)
def world(connection: psycopg.Connection) -> None:
    """Two organizations with one of everything."""
    with connection.transaction():
        connection.execute(WORLD)


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the application, as a proxy that is trusted does for somebody else."""
    settings = Settings(trusted_proxies=("127.0.0.1",))
    served = app.create_app(settings, create_engine(database_url), handled=frozenset())
    told = {"X-Forwarded-For": "192.0.2.7", "User-Agent": "a test/1.0"}
    async with (
        served.router.lifespan_context(served),
        httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="https://ghsync", headers=told) as client,
    ):
        yield client


@pytest.fixture
async def held(engine: AsyncEngine) -> dict[str, Row]:
    """The headers that show mona's key of each scope."""
    shown = {}
    async with transaction(engine) as conn:
        for scope in keys.SCOPES:
            made = await acts.create(conn, f"to {scope}", "mona", scope, 1, actor=Actor("a test"))
            shown[scope] = {"Authorization": f"Bearer {made['key']}"}
    return shown


@pytest.fixture
def acts_of(connection: psycopg.Connection) -> Callable[[], list[Row]]:
    """What the audit log says that was done over HTTP."""

    def read() -> list[Row]:
        with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute("SELECT * FROM audit_logs WHERE request_method <> '' ORDER BY created_at").fetchall()

    return read
