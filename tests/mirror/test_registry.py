"""Repositories by id, names as data: renames, swaps, reuse, transfers, and the projects that follow."""

import asyncio
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.mirror import installation, pull_request, repository
from ghsync.mirror.installation import Account
from ghsync.mirror.repository import Owner
from ghsync.projector import project
from ghsync.projector.batch import Batch
from tests.mirror.reports import ACME, at, empty, hook, query, until_blocked, write

pytestmark = pytest.mark.anyio

HUB = Owner(id=20, login="hub", type="Organization")


def seen(
    github_id: int, full_name: str, seconds: float, owner: Owner = ACME, *, pull: bool = False, **fields: Any
) -> Batch:
    """A batch in which a repository shows itself under a name, with its pull request 1 if asked."""
    return also(Batch(), github_id, full_name, seconds, owner, pull=pull, **fields)


def also(
    batch: Batch, github_id: int, full_name: str, seconds: float, owner: Owner = ACME, *, pull: bool = False,
    **fields: Any,
) -> Batch:  # fmt: skip
    """The same, in a batch that tells more."""
    payload = repository.Payload(
        github_id, full_name, full_name.split("/")[1], owner=owner, updated_at=at(seconds), **fields
    )
    batch.see(payload, hook(seconds))
    for number in range(1, 1 + pull):
        row = pull_request.row(pull_request.Payload(github_id * 100, number, updated_at=at(0)), hook(seconds))
        batch.add(pull_request.noun, github_id, row)
    return batch


async def names(engine: AsyncEngine) -> dict[str, str]:
    """The name that each repository owns or waits for, by GitHub's id."""
    return dict(await query(engine, "SELECT github_id, tracked_name FROM github_repositories"))


async def tracked(engine: AsyncEngine) -> dict[str, str]:
    """The repository's name in pr_tracking, by GitHub's id."""
    return dict(
        await query(
            engine,
            """SELECT r.github_id, t.repository_name
               FROM pr_tracking t JOIN github_repositories r ON r.id = t.repository_id""",
        )
    )


async def projects(engine: AsyncEngine) -> list[tuple[str, str, str]]:
    """Every project: its organization's name, its own name and its slug."""
    return await query(
        engine,
        "SELECT o.name, p.name, p.slug FROM projects p "
        "JOIN organizations o ON o.id = p.organization_id ORDER BY 1, 2, 3",
    )


async def test_a_rename_keeps_the_row_its_aliases_and_its_pull_requests(engine: AsyncEngine) -> None:
    await write(engine, seen(1, "acme/app", 1, pull=True), seen(1, "acme/tool", 2))
    assert await names(engine) == {"1": "acme/tool"}
    assert await tracked(engine) == {"1": "acme/tool"}
    aliases = await query(engine, "SELECT full_name, first_observed_at FROM github_repository_aliases ORDER BY 1")
    assert aliases == [("acme/app", at(1)), ("acme/tool", at(2))]


async def test_an_older_name_is_an_alias_and_no_rename(engine: AsyncEngine) -> None:
    await write(engine, seen(1, "acme/tool", 2, pull=True), seen(1, "acme/app", 1))
    assert await names(engine) == {"1": "acme/tool"}
    assert await tracked(engine) == {"1": "acme/tool"}
    assert await query(engine, "SELECT count(*) FROM github_repository_aliases") == [(2,)]


async def test_two_repositories_swap_their_names_in_one_batch(engine: AsyncEngine) -> None:
    await write(engine, also(seen(1, "acme/one", 1, pull=True), 2, "acme/two", 1, pull=True))
    await write(engine, also(seen(1, "acme/two", 2), 2, "acme/one", 2))
    assert await names(engine) == await tracked(engine) == {"1": "acme/two", "2": "acme/one"}
    assert await projects(engine) == [("acme", "one", "one"), ("acme", "two", "two")]


async def test_two_repositories_swap_their_names_one_after_the_other(engine: AsyncEngine) -> None:
    await write(engine, also(seen(1, "acme/one", 1, pull=True), 2, "acme/two", 1, pull=True))
    await write(engine, seen(1, "acme/two", 2))
    assert await names(engine) == await tracked(engine) == {"1": "acme/two", "2": "acme/two~2"}
    await write(engine, seen(2, "acme/one", 3))
    assert await names(engine) == await tracked(engine) == {"1": "acme/two", "2": "acme/one"}
    assert await projects(engine) == [("acme", "one", "one"), ("acme", "two", "two")]


async def test_a_name_that_is_reused_belongs_to_the_repository_seen_last_under_it(engine: AsyncEngine) -> None:
    await write(engine, seen(1, "acme/app", 1, pull=True), seen(2, "acme/app", 2, pull=True))
    assert await names(engine) == await tracked(engine) == {"1": "acme/app~1", "2": "acme/app"}
    await write(engine, seen(1, "acme/old-app", 3))
    assert await names(engine) == await tracked(engine) == {"1": "acme/old-app", "2": "acme/app"}


async def test_a_repository_seen_later_takes_its_name_back(engine: AsyncEngine) -> None:
    await write(engine, seen(1, "acme/app", 1), seen(2, "acme/app", 2), seen(1, "acme/app", 3))
    assert await names(engine) == {"1": "acme/app", "2": "acme/app~2"}


async def test_one_batch_shows_two_repositories_of_one_name_under_two_logins_of_their_account(
    engine: AsyncEngine,
) -> None:
    renamed = Owner(id=ACME.id, login="acme-inc", type="Organization")
    await write(engine, also(seen(1, "acme/app", 1), 2, "acme-inc/app", 2, renamed))
    assert await names(engine) == {"1": "acme/app", "2": "acme-inc/app"}
    assert await projects(engine) == [("acme-inc", "app", "app"), ("acme-inc", "app", "app~1")]


async def test_names_are_the_same_whatever_their_case(engine: AsyncEngine) -> None:
    await write(engine, seen(1, "acme/App", 1), seen(2, "ACME/app", 2))
    assert await names(engine) == {"1": "acme/App~1", "2": "ACME/app"}


async def test_names_come_out_the_same_in_whatever_order_they_are_seen(engine: AsyncEngine) -> None:
    story = ((1, "acme/a", 1), (1, "acme/b", 2), (2, "acme/b", 3), (2, "acme/c", 4), (3, "acme/b", 5), (1, "acme/c", 6))
    found = []
    for order in list(permutations(story))[::60]:
        await empty(engine, "organizations")
        await write(engine, *(seen(*sighting) for sighting in order))
        found.append((await names(engine), await projects(engine)))
    expected = {"1": "acme/c", "2": "acme/c~2", "3": "acme/b"}
    assert found == [(expected, [("acme", "b", "b"), ("acme", "c", "c"), ("acme", "c", "c~2")])] * 12


async def test_accounts_and_repositories_get_an_organization_and_a_project_once(engine: AsyncEngine) -> None:
    await write(engine, also(seen(1, "acme/app", 1), 2, "acme/lib", 1), seen(1, "acme/app", 2))
    await write(engine, seen(3, "hub/app", 3, HUB))
    accounts = "SELECT name, slug, github_account_id, github_login FROM organizations ORDER BY 1"
    assert await query(engine, accounts) == [("acme", "acme", "10", "acme"), ("hub", "hub", "20", "hub")]
    assert await projects(engine) == [("acme", "app", "app"), ("acme", "lib", "lib"), ("hub", "app", "app")]


async def test_two_workers_that_first_see_one_repository_make_one_project(engine: AsyncEngine) -> None:
    await write(engine, seen(9, "acme/known", 0))
    async with transaction(engine) as one:
        await project.write(one, seen(1, "acme/app", 1))
        other = asyncio.create_task(write(engine, seen(1, "acme/app", 2)))
        await until_blocked(engine)
    await other
    assert await projects(engine) == [("acme", "app", "app"), ("acme", "known", "known")]
    assert await query(engine, "SELECT observed_at FROM github_repositories WHERE github_id = '1'") == [(at(2),)]


async def test_a_transfer_takes_the_project_along(engine: AsyncEngine) -> None:
    await write(engine, also(seen(1, "acme/app", 1), 2, "hub/lib", 1, HUB), seen(1, "hub/app", 2, HUB))
    assert await names(engine) == {"1": "hub/app", "2": "hub/lib"}
    assert await projects(engine) == [("hub", "app", "app"), ("hub", "lib", "lib")]


async def test_a_renamed_project_keeps_its_name(engine: AsyncEngine) -> None:
    await write(engine, seen(1, "acme/app", 1))
    await query(engine, "UPDATE projects SET name = 'Flagship', slug = 'flagship'")
    await write(engine, seen(1, "acme/tool", 2))
    assert await projects(engine) == [("acme", "Flagship", "flagship")]


async def test_a_repository_moved_to_another_project_stays_there(engine: AsyncEngine) -> None:
    await write(engine, seen(1, "acme/app", 1))
    ((other,),) = await query(
        engine,
        """INSERT INTO projects (organization_id, name, slug) SELECT id, 'All', 'all' FROM organizations
           RETURNING id::text""",
    )
    await query(engine, "UPDATE github_repositories SET project_id = :other", other=other)
    await write(engine, seen(1, "acme/tool", 2), seen(1, "hub/tool", 3, HUB))
    assert await query(engine, "SELECT project_id::text FROM github_repositories") == [(other,)]
    assert ("acme", "All", "all") in await projects(engine)


async def test_a_project_in_an_organization_of_a_persons_own_stays_there(engine: AsyncEngine) -> None:
    await write(engine, seen(1, "acme/app", 1))
    await query(
        engine,
        """WITH o AS (INSERT INTO organizations (name, slug) VALUES ('Makers', 'makers') RETURNING id)
           UPDATE projects SET organization_id = o.id FROM o""",
    )
    await write(engine, seen(1, "acme/tool", 2), seen(1, "hub/tool", 3, HUB))
    assert await projects(engine) == [("Makers", "tool", "tool")]


async def test_a_slug_that_a_persons_project_has_is_made_unique(engine: AsyncEngine) -> None:
    await write(engine, seen(1, "acme/app", 1))
    await query(
        engine, "INSERT INTO projects (organization_id, name, slug) SELECT id, 'Tool', 'tool' FROM organizations"
    )
    await write(engine, seen(1, "acme/tool", 2), seen(1, "acme/tool", 3, description="Renamed"))
    assert await projects(engine) == [("acme", "Tool", "tool"), ("acme", "tool", "tool~1")]


async def test_a_repository_named_as_another_would_be_numbered_takes_nobodys_slug(engine: AsyncEngine) -> None:
    bob = Owner(id=11, login="acme-10", type="User")
    await write(engine, seen(2, "acme-10/app-1", 1, bob), seen(3, "acme/app-1", 1), seen(1, "acme/app", 2))
    assert await projects(engine) == [("acme", "app", "app"), ("acme", "app-1", "app-1"), ("acme-10", "app-1", "app-1")]


async def test_an_organizations_slug_that_a_person_uses_is_made_unique(engine: AsyncEngine) -> None:
    await query(engine, "INSERT INTO organizations (name, slug) VALUES ('Ours', 'acme')")
    await write(engine, seen(1, "acme/app", 1))
    found = await query(engine, "SELECT name, slug FROM organizations ORDER BY 1")
    assert found == [("Ours", "acme"), ("acme", "acme~10")]


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
async def test_a_login_that_two_accounts_had_gives_two_organizations(engine: AsyncEngine, together: bool) -> None:
    reused = Owner(id=30, login="acme", type="User")
    one, both = seen(1, "acme/app", 1), also(seen(1, "acme/app", 1), 3, "acme/dots", 2, reused)
    await write(engine, *((both,) if together else (one, both)))
    found = await query(engine, "SELECT github_account_id, github_login, slug FROM organizations ORDER BY 1")
    assert found == [("10", "acme", "acme~10"), ("30", "acme", "acme")]


def account(login: str, seconds: float) -> Batch:
    """A batch that tells an account's login alone."""
    batch = Batch()
    batch.rename_account(installation.account_row(5, Account(id=10, login=login, type="Organization"), hook(seconds)))
    return batch


async def organization(engine: AsyncEngine) -> tuple[str, str, str]:
    """Name, slug and login of the only organization."""
    (found,) = await query(engine, "SELECT name, slug, github_login FROM organizations")
    return found


async def test_an_account_renamed_by_its_installation_renames_its_organization(engine: AsyncEngine) -> None:
    await write(engine, seen(1, "acme/app", 1), account("acme-corp", 2))
    assert await organization(engine) == ("acme-corp", "acme-corp", "acme-corp")


async def test_an_older_login_of_an_account_is_not_taken_back(engine: AsyncEngine) -> None:
    await write(engine, account("acme-corp", 2), seen(1, "acme/app", 1), account("acme", 1))
    assert await organization(engine) == ("acme-corp", "acme-corp", "acme-corp")


async def test_an_account_renamed_by_one_of_its_repositories_renames_its_organization(engine: AsyncEngine) -> None:
    renamed = Owner(id=10, login="acme-corp", type="Organization")
    await write(engine, also(seen(1, "acme/app", 1), 2, "acme/lib", 1))
    await write(engine, also(seen(1, "acme-corp/app", 3, renamed), 2, "acme/lib", 2))
    assert await organization(engine) == ("acme-corp", "acme-corp", "acme-corp")


async def test_a_new_account_has_its_newest_login_whichever_repository_tells_it(engine: AsyncEngine) -> None:
    renamed = Owner(id=10, login="acme-corp", type="Organization")
    await write(engine, also(seen(1, "acme-corp/app", 3, renamed), 2, "acme/lib", 2))
    assert await organization(engine) == ("acme-corp", "acme-corp", "acme-corp")


async def test_an_organization_that_a_person_named_keeps_its_name_and_slug(engine: AsyncEngine) -> None:
    await write(engine, seen(1, "acme/app", 1))
    await query(engine, "UPDATE organizations SET name = 'Acme, Inc.', slug = 'inc'")
    await write(engine, account("acme-corp", 2))
    assert await organization(engine) == ("Acme, Inc.", "inc", "acme-corp")


def access(seconds: float, *, removed: bool = False, installed: int = 5) -> Batch:
    """A batch in which an installation sees acme/app, or sees it no longer."""
    batch = Batch()
    batch.see(repository.Payload(1, "acme/app", owner=ACME, updated_at=at(0)), hook(0))
    batch.allow(1, installed, hook(seconds), removed=removed)
    return batch


async def test_access_has_a_version_of_its_own(engine: AsyncEngine) -> None:
    seen_by = """SELECT i.github_id, r.removed_at FROM github_repositories r
                 JOIN github_installations i ON i.id = r.installation_id"""
    for order in permutations((access(1), access(2, removed=True), access(3, installed=6))):
        await empty(engine, "organizations", "github_installations")
        await write(engine, *order)
        assert await query(engine, seen_by) == [("6", None)]
    await write(engine, seen(1, "acme/app", 9), access(8, removed=True))
    assert await query(engine, seen_by) == [("5", at(8))]


async def test_a_project_that_a_person_gave_to_another_accounts_organization_stays_there(engine: AsyncEngine) -> None:
    await write(engine, also(seen(1, "acme/app", 1), 2, "hub/lib", 1, HUB))
    await query(
        engine,
        """UPDATE projects p SET organization_id = o.id FROM organizations o
           WHERE o.name = 'hub' AND p.name = 'app'""",
    )
    await write(engine, seen(1, "acme/app", 2, description="Edited"))
    assert await projects(engine) == [("hub", "app", "app"), ("hub", "lib", "lib")]


async def test_the_slugs_of_a_reused_login_are_the_same_in_whatever_order_it_is_told(engine: AsyncEngine) -> None:
    renamed = Owner(id=10, login="acme-corp", type="Organization")
    reused = Owner(id=30, login="acme", type="User")
    story = ((1, "acme/app", 1, ACME), (1, "acme-corp/app", 2, renamed), (3, "acme/dots", 3, reused))
    found = []
    for order in permutations(story):
        await empty(engine, "organizations")
        await write(engine, *(seen(*sighting) for sighting in order))
        found.append(await query(engine, "SELECT github_account_id, slug FROM organizations ORDER BY 1"))
    assert found == [[("10", "acme-corp"), ("30", "acme")]] * 6


async def test_two_workers_that_first_see_two_repositories_of_one_name_leave_it_to_one(engine: AsyncEngine) -> None:
    await write(engine, also(seen(1, "acme/one", 1), 2, "acme/two", 1))
    await query(engine, "UPDATE projects SET name = 'Mine', slug = 'mine' WHERE name = 'one'")
    async with transaction(engine) as one:
        await project.write(one, seen(1, "acme/app", 2))
        other = asyncio.create_task(write(engine, seen(2, "acme/app", 3)))
        await until_blocked(engine)
    with pytest.raises(IntegrityError, match="tracked_name"):
        await other
    await write(engine, seen(2, "acme/app", 3))  # as the worker does after a collision
    assert await names(engine) == {"1": "acme/app~1", "2": "acme/app"}


async def test_a_name_is_left_only_to_a_repository_that_still_wants_it(engine: AsyncEngine) -> None:
    await write(engine, seen(1, "acme/app", 1), seen(2, "acme/app", 2))
    assert await names(engine) == {"1": "acme/app~1", "2": "acme/app"}
    async with transaction(engine) as one:
        await project.write(one, seen(1, "acme/tool", 3))
        other = asyncio.create_task(write(engine, seen(2, "acme/lib", 4)))
        await until_blocked(engine)
    await other
    assert await names(engine) == {"1": "acme/tool", "2": "acme/lib"}
