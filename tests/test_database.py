"""Statements that psycopg sends by itself, within SQLAlchemy's transactions."""

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import fetch, fetch_column, transaction
from ghsync.errors import DatabaseUnavailable

pytestmark = pytest.mark.anyio

ADD = sa.text(
    "INSERT INTO organizations (name, slug) SELECT n, n FROM unnest(CAST(:names AS text[])) AS n RETURNING slug"
)
TWICE = sa.text(
    "SELECT CAST(:a AS text) AS first, CAST(:b AS int) AS second, CAST(:a AS text) || '%\\:a' AS third, NULL::int"
)
NAMES = sa.text("SELECT name FROM organizations ORDER BY name")
DROP = sa.text("SELECT pg_terminate_backend(pg_backend_pid())")


async def test_values_are_found_by_their_names_however_often_they_are_used(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        (row,) = await fetch(conn, TWICE, {"b": 2, "a": "one", "spare": 0})
    assert (row.first, row.second, row.third, row.int4) == ("one", 2, "one%:a", None)


async def test_what_is_fetched_is_committed_with_all_else(engine: AsyncEngine) -> None:
    async with engine.connect() as conn:
        assert await fetch_column(conn, ADD, {"names": ["acme", "hub"]}) == ["acme", "hub"]
        await conn.commit()
    async with engine.connect() as conn:
        await fetch(conn, ADD, {"names": ["lost"]})
    async with transaction(engine) as conn:
        assert await fetch_column(conn, NAMES) == ["acme", "hub"]


async def test_errors_are_sqlalchemys_and_name_no_value(engine: AsyncEngine) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="duplicate key") as caught:
        async with transaction(engine) as conn:
            await fetch(conn, ADD, {"names": ["acme", "acme"]})
    assert isinstance(caught.value.orig, psycopg.errors.UniqueViolation)
    assert caught.value.params is None


async def test_a_lost_connection_is_unavailable_once_and_then_replaced(engine: AsyncEngine) -> None:
    async with engine.connect() as idle, engine.connect() as another:  # two that lie in the pool
        await fetch(idle, NAMES)
        await fetch(another, NAMES)
    with pytest.raises(DatabaseUnavailable):
        async with transaction(engine) as conn:
            await fetch(conn, DROP)
    for _ in range(2):
        async with transaction(engine) as conn:
            assert await fetch_column(conn, NAMES) == []
