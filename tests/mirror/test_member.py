"""Members of organizations and projects."""

from itertools import permutations
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.mirror import member
from ghsync.mirror.user import User
from ghsync.projector.batch import Batch
from tests.mirror.reports import at, empty, hook, in_app, query, write

pytestmark = pytest.mark.anyio

ADA = User(100, "ada")


def joined(
    seconds: float, role: str | None = "member", *, removed: bool = False, user: User = ADA, **where: str
) -> Batch:
    """A member of the organization acme, or of what ``where`` says."""
    batch = in_app()
    row = member.row(user, role, hook(seconds), removed=removed)
    batch.members.append(row | (where or {"account": "10"}))
    return batch


async def members(engine: AsyncEngine, of: str = "organization") -> list[tuple[Any, ...]]:
    """Name, role, source and end of every membership."""
    return await query(
        engine,
        f"SELECT u.name, m.role, m.source, m.removed_at FROM {of}_members m "
        "JOIN users u ON u.id = m.user_id ORDER BY 1",
    )


async def test_a_person_known_only_to_github_becomes_a_user(engine: AsyncEngine) -> None:
    await write(engine, joined(1))
    found = await query(engine, "SELECT email, name, github_id, auth_provider FROM users")
    assert found == [("100@users.noreply.github.com", "ada", "100", "github")]
    assert await members(engine) == [("ada", "member", "github", None)]


async def test_a_user_of_our_own_is_found_by_githubs_id(engine: AsyncEngine) -> None:
    await query(engine, "INSERT INTO users (email, name, github_id) VALUES ('ada@example.org', 'Ada L.', '100')")
    await write(engine, joined(1))
    assert await members(engine) == [("Ada L.", "member", "github", None)]


async def test_the_last_word_counts_in_whatever_order_it_comes(engine: AsyncEngine) -> None:
    story = (joined(1, "admin"), joined(2, removed=True), joined(3, "member"))
    for order in permutations(story):
        await empty(engine, "organizations", "users")
        await write(engine, *order)
        assert await members(engine) == [("ada", "member", "github", None)]


async def test_who_leaves_keeps_the_row_with_its_end(engine: AsyncEngine) -> None:
    await write(engine, joined(2, "admin", removed=True), joined(1, "admin"))
    assert await members(engine) == [("ada", "admin", "github", at(2))]


async def test_the_newest_of_a_batch_counts(engine: AsyncEngine) -> None:
    batch = joined(2, removed=True)
    batch.members += joined(1).members
    await write(engine, batch)
    assert await members(engine) == [("ada", "member", "github", at(2))]


async def test_a_membership_that_people_made_is_left_alone(engine: AsyncEngine) -> None:
    await write(engine, joined(1, "admin"))
    await query(engine, "UPDATE organization_members SET role = 'owner', source = 'local'")
    await write(engine, joined(2, removed=True))
    assert await members(engine) == [("ada", "owner", "local", None)]


async def test_a_collaborator_belongs_to_the_repositorys_project(engine: AsyncEngine) -> None:
    await write(engine, joined(1, None, repository="1"))
    assert await members(engine) == []
    assert await members(engine, "project") == [("ada", "member", "github", None)]


async def test_a_member_of_an_organization_that_nobody_knows_is_left_out(engine: AsyncEngine) -> None:
    await write(engine, joined(1, account="999"))
    assert await members(engine) == []


@pytest.mark.parametrize("first", [1, 2])
async def test_a_report_without_a_role_leaves_the_role_alone(engine: AsyncEngine, first: int) -> None:
    reports = {1: joined(1, "admin"), 2: joined(2, None)}
    await write(engine, reports[first], reports[3 - first])
    assert await members(engine) == [("ada", "admin", "github", None)]


async def test_a_user_has_the_newest_login_in_whatever_order_it_is_told(engine: AsyncEngine) -> None:
    found = []
    for order in permutations((joined(1), joined(2, user=User(100, "ada-l")))):
        await empty(engine, "organizations", "users")
        await write(engine, *order)
        found += await members(engine)
    assert found == [("ada-l", "member", "github", None)] * 2
