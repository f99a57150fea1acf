"""Who was a member before ghsync came is one here, and who leaves untold is none any more."""

from datetime import timedelta

import pytest

from ghsync.reconciler import members
from ghsync.simulator.account import Account
from tests.reconciler.conftest import Lab

pytestmark = pytest.mark.anyio

MEMBERS = """
SELECT u.github_id, m.role FROM organization_members m JOIN organizations o ON o.id = m.organization_id
JOIN users u ON u.id = m.user_id WHERE o.github_account_id = %s AND m.removed_at IS NULL
"""
VERSIONS = "SELECT xmin::text FROM organization_members UNION ALL SELECT xmin::text FROM users"


def organization(lab: Lab) -> Account:
    return lab.repository.owner


def mirrored(lab: Lab) -> dict[str, str]:
    return dict(lab.connection.execute(MEMBERS, [str(organization(lab).id)]).fetchall())


def true(lab: Lab) -> dict[str, str]:
    """As GitHub has it."""
    return {str(account.id): role for account, role in lab.world.members[organization(lab)].items()}


async def test_all_members_are_known_with_their_roles(lab: Lab) -> None:
    await lab.discover()
    assert set(true(lab).values()) == {"admin", "member"}
    assert mirrored(lab) == true(lab)


async def test_to_read_them_again_writes_nothing_until_a_day_is_over(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    await lab.discover()
    before = lab.connection.execute(VERSIONS).fetchall()
    await lab.discover()
    assert lab.connection.execute(VERSIONS).fetchall() == before
    monkeypatch.setattr(members, "CONFIRMED_EVERY", timedelta(0))
    await lab.discover()
    assert lab.connection.execute(VERSIONS).fetchall() != before


async def test_who_comes_leaves_or_rises_untold_is_known_with_the_next_look(lab: Lab) -> None:
    await lab.discover()
    known = lab.world.members[organization(lab)]
    leaver, riser = (account for account, role in list(known.items())[:3] if role == "member")
    stranger = next(each for each in lab.world.accounts.values() if each.type == "User" and each not in known)
    del known[leaver]
    known[riser] = "admin"
    known[stranger] = "member"
    assert mirrored(lab) != true(lab)
    await lab.discover()
    assert mirrored(lab) == true(lab)
    known[leaver] = "member"
    await lab.discover()
    assert mirrored(lab) == true(lab)


async def test_who_is_missing_on_a_page_is_asked_for_and_stays(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Members come and go while pages are read."""
    await lab.discover()
    listed = members._listed
    missing = next(iter(true(lab)))

    async def cut_short(*asked: object) -> dict[str, object]:
        found = await listed(*asked)  # type: ignore[arg-type]
        return {github_id: one for github_id, one in found.items() if github_id != missing}

    monkeypatch.setattr(members, "_listed", cut_short)
    await lab.discover()
    assert mirrored(lab) == true(lab)
    assert lab.due() == {}  # and nothing was wrong


async def test_members_that_people_made_are_theirs(lab: Lab) -> None:
    await lab.discover()
    lab.connection.execute("UPDATE organization_members SET role = 'owner', source = 'local'")
    lab.world.members[organization(lab)].clear()
    await lab.discover()
    assert set(mirrored(lab).values()) == {"owner"}


async def test_without_the_permission_nobody_is_known_and_nothing_else_lacks(lab: Lab) -> None:
    for installation in lab.world.installations.values():
        del installation.permissions["members"]
    await lab.discover()
    assert mirrored(lab) == {}
    assert lab.connection.execute("SELECT count(*) > 0 FROM github_repositories").fetchone() == (True,)


async def test_the_account_of_a_person_has_that_person(lab: Lab) -> None:
    (installation,) = lab.world.installations.values()
    person = next(each for each in lab.world.accounts.values() if each.type == "User")
    installation.account = person
    await lab.discover()
    assert dict(lab.connection.execute(MEMBERS, [str(person.id)]).fetchall()) == {str(person.id): "admin"}
