"""An administrative act is written down in the transaction that does it."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import audit
from ghsync.actor import Actor

pytestmark = pytest.mark.anyio

ADA = Actor("ada")


async def recorded(engine: AsyncEngine) -> list[Any]:
    """What is in the log."""
    async with engine.connect() as conn:
        return list((await conn.execute(sa.select(audit.audit_logs))).mappings())


async def test_an_act_is_recorded_with_what_changed(engine: AsyncEngine) -> None:
    async with engine.begin() as conn:
        await audit.record(
            conn,
            action="task.renamed",
            resource_type="tasks",
            resource_id="0b8f7a52-9a55-4a0e-8a64-0b3c1f6a2d11",
            old_values={"title": "Launch", "status": "pending"},
            new_values={"title": "Land", "status": "pending"},
            actor=ADA,
        )
    (row,) = await recorded(engine)
    assert (row["action"], row["actor_name"], row["changed_fields"]) == ("task.renamed", "ada", ["title"])
    assert row["new_values"] == {"title": "Land", "status": "pending"}
    assert (row["action_result"], row["security_level"]) == ("success", "normal")


async def test_an_act_over_http_is_recorded_with_whose_it_is_and_where_it_came_from(engine: AsyncEngine) -> None:
    async with engine.begin() as conn:
        person = await conn.scalar(
            sa.text("INSERT INTO users (email, name) VALUES ('a@b.example', 'Ada') RETURNING id")
        )
        ada = Actor(
            "ada",
            user_id=str(person),
            key="deploy",
            address="192.0.2.7",
            program="curl/8.5",
            request=("POST", "/api/deliveries/7/replay"),
        )
        await audit.record(conn, action="delivery.replayed", resource_type="webhook_delivery", actor=ada)
    (row,) = await recorded(engine)
    assert (row["user_id"], str(row["ip_address"]), row["user_agent"]) == (str(person), "192.0.2.7", "curl/8.5")
    assert (row["request_method"], row["request_url"]) == ("POST", "/api/deliveries/7/replay")
    assert (row["actor_type"], row["metadata"]) == ("user", {"key": "deploy"})


async def test_nothing_to_tell_is_null_and_not_json(engine: AsyncEngine) -> None:
    async with engine.begin() as conn:
        await audit.record(conn, action="delivery.replayed", resource_type="webhook_delivery", actor=ADA)
        nulls = sa.select(audit.audit_logs.c.old_values.is_(sa.null()))
        assert (await conn.execute(nulls)).scalar_one() is True


async def test_an_act_that_is_rolled_back_was_none(engine: AsyncEngine) -> None:
    async with engine.connect() as conn:
        await audit.record(conn, action="task.renamed", resource_type="tasks", actor=ADA)
        await conn.rollback()
    assert await recorded(engine) == []
