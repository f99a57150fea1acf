"""What accounts, installations and hooks tell of repositories that stay silent, in any order and in any batches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any

import msgspec
import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.inbox.queue import ClaimedDelivery
from ghsync.mirror.noun import Origin
from ghsync.projector.batch import Batch
from tests import projection
from tests.mirror.reports import at, empty, jobs, query, write

pytestmark = pytest.mark.anyio

ACME = {"id": 10, "login": "acme", "type": "Organization"}
RENAMED = ACME | {"login": "acme-inc"}
ADA = {"id": 1, "login": "ada"}
APP = {"id": 1, "name": "app", "full_name": "acme/app", "owner": ACME, "html_url": "https://github.com/acme/app"}

Delivery = tuple[float, str, dict[str, Any]]


def heard(seconds: float, event: str = "star", **payload: Any) -> Delivery:
    """A delivery that arrives then; of an event that does nothing, if no other is given."""
    return (seconds, event, payload)


def by_app(seconds: float, installation: int = 55, **repository: Any) -> Delivery:
    """A delivery of the App about acme/app."""
    return heard(seconds, repository=APP | repository, installation={"id": installation})


def by_own_hook(seconds: float, **repository: Any) -> Delivery:
    """A delivery of the repository's own webhook."""
    return heard(seconds, repository=APP | repository)


def installed(seconds: float, action: str, number: int = 55, **payload: Any) -> Delivery:
    """An event of an installation of the App on acme."""
    whole = {"id": number, "app_id": 7, "account": ACME, "updated_at": at(seconds).isoformat()}
    return heard(seconds, "installation", action=action, installation=whole, **payload)


RENAME = heard(5, "organization", action="renamed", organization=RENAMED)
DELETED = heard(5, "repository", action="deleted", repository=APP, installation={"id": 55})


async def tell(engine: AsyncEngine, *batches: Iterable[Delivery]) -> None:
    """Project deliveries, each batch in a transaction of its own."""
    for batch in batches:
        claimed = [
            ClaimedDelivery(
                1, at(0).date(), "", event, None, None, "application/json", msgspec.json.encode(payload), 0, at(seconds)
            )
            for seconds, event, payload in batch
        ]
        async with transaction(engine) as conn:
            verdicts = await projection.project(conn, claimed)
        assert "parked" not in {verdict.status for verdict in verdicts}


def ways(deliveries: Sequence[Delivery]) -> Iterator[list[list[Delivery]]]:
    """Every order of deliveries, one by one and all together."""
    for order in permutations(deliveries):
        yield [[delivery] for delivery in order]
        yield [list(order)]


async def outcomes(engine: AsyncEngine, deliveries: Sequence[Delivery], statement: str) -> list[Any]:
    """The different answers of a statement after these deliveries in all ways."""
    found: list[Any] = []
    for way in ways(deliveries):
        await empty(engine, "organizations", "users", "github_installations")
        await tell(engine, *way)
        answer = await query(engine, statement)
        found += [] if answer in found else [answer]
    return found


# A renamed account


NAMES = """SELECT r.owner, r.full_name, r.tracked_name, r.html_url, o.github_login, o.slug, p.repository_url,
             array(SELECT a.full_name || ' ' || extract(second FROM a.first_observed_at)::int
                   FROM github_repository_aliases a WHERE a.repository_id = r.id ORDER BY 1)
           FROM github_repositories r JOIN organizations o ON o.github_account_id = r.owner_id
           JOIN projects p ON p.id = r.project_id"""


def named(login: str, *aliases: str) -> list[list[tuple[Any, ...]]]:
    """The one outcome: acme/app, which is that account's by now."""
    page = f"https://github.com/{login}/app"
    return [[(login, f"{login}/app", f"{login}/app", page, login, login, page, list(aliases))]]


async def test_a_silent_repository_follows_its_accounts_new_name(engine: AsyncEngine) -> None:
    assert await outcomes(engine, [by_app(1), RENAME], NAMES) == named("acme-inc", "acme-inc/app 5", "acme/app 1")


@pytest.mark.parametrize(
    "renames",
    [
        heard(5, "organization", action="renamed", organization=RENAMED, installation={"id": 55}),
        heard(5, "installation_target", action="renamed", account=RENAMED, installation={"id": 55}),
        heard(5, "installation_target", action="renamed", account=RENAMED, target_type="Organization"),
        heard(5, "installation", action="suspend", installation={"id": 55, "account": RENAMED}),
    ],
)
async def test_whatever_tells_of_an_accounts_new_login_is_followed(engine: AsyncEngine, renames: Delivery) -> None:
    assert await outcomes(engine, [by_app(1), renames], NAMES) == named("acme-inc", "acme-inc/app 5", "acme/app 1")


@pytest.mark.slow
async def test_what_repositories_say_before_and_after_the_rename_changes_nothing(engine: AsyncEngine) -> None:
    moved = {"full_name": "acme-inc/app", "owner": RENAMED, "html_url": "https://github.com/acme-inc/app"}
    story = [by_app(1), by_app(3), RENAME, by_app(9, **moved)]
    assert await outcomes(engine, story, NAMES) == named("acme-inc", "acme-inc/app 5", "acme/app 1")


async def test_the_last_of_two_renames_counts(engine: AsyncEngine) -> None:
    again = heard(7, "organization", action="renamed", organization=ACME | {"login": "acme-two"})
    names = "SELECT full_name, tracked_name FROM github_repositories"
    assert await outcomes(engine, [by_app(1), RENAME, again], names) == [[("acme-two/app", "acme-two/app")]]


async def test_a_repository_that_left_the_account_before_its_rename_keeps_its_name(engine: AsyncEngine) -> None:
    gone = by_own_hook(3, full_name="hub/app", owner={"id": 20, "login": "hub"}, updated_at=at(3).isoformat())
    names = "SELECT full_name, tracked_name FROM github_repositories"
    assert await outcomes(engine, [by_app(1), gone, RENAME], names) == [[("hub/app", "hub/app")]]


async def test_tracked_pull_requests_follow_the_account(engine: AsyncEngine) -> None:
    opened = {"action": "opened", "repository": APP, "pull_request": {"id": 70, "number": 7, "title": "Seven"}}
    await tell(engine, [heard(1, "pull_request", **opened)], [RENAME])
    assert await query(engine, "SELECT repository_name FROM pr_tracking") == [("acme-inc/app",)]


# Installations that end


VISIBLE = """SELECT r.removed_at IS NULL, i.github_id FROM github_repositories r
             LEFT JOIN github_installations i ON i.id = r.installation_id"""


async def test_an_installation_that_ends_without_a_list_hides_all_that_it_saw(engine: AsyncEngine) -> None:
    story = [installed(0, "created", repositories=[{"id": 1, "full_name": "acme/app"}]), by_app(1),
             installed(5, "deleted")]  # fmt: skip
    assert await outcomes(engine, story, VISIBLE) == [[(False, "55")]]


async def test_what_an_installation_that_is_gone_still_delivers_shows_nothing(engine: AsyncEngine) -> None:
    assert await outcomes(engine, [by_app(1), installed(5, "deleted"), by_app(6)], VISIBLE) == [[(False, "55")]]


@pytest.mark.slow
async def test_a_repository_whose_own_webhook_goes_on_is_visible(engine: AsyncEngine) -> None:
    for ended in (installed(5, "deleted"), installed(5, "deleted", repositories=[{"id": 1, "full_name": "acme/app"}])):
        assert await outcomes(engine, [by_app(1), ended, by_own_hook(9)], VISIBLE) == [[(True, "55")]]
        assert await outcomes(engine, [by_app(1), by_own_hook(3), ended], VISIBLE) == [[(False, "55")]]


async def test_a_repository_that_another_installation_sees_is_visible(engine: AsyncEngine) -> None:
    story = [by_app(1), installed(5, "deleted"), by_app(7, 56)]
    assert await outcomes(engine, story, VISIBLE) == [[(True, "56")]]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("backwards", [True, False])
async def test_who_was_given_a_repository_that_another_gave_up_is_asked(
    engine: AsyncEngine, together: bool, backwards: bool
) -> None:
    """Of a transfer each installation tells its own part, in either order."""
    seen = [{"id": 1, "full_name": "acme/app"}]
    given = installed(5, "added", 66, repositories_added=seen, repositories_removed=[])
    given_up = installed(5.2, "removed", 55, repositories_added=[], repositories_removed=seen)
    told = [given_up, given] if backwards else [given, given_up]
    await tell(engine, [by_app(1)], *([told] if together else [[each] for each in told]))
    due = await query(engine, "SELECT key FROM sync_jobs WHERE kind = 'refetch_installation'")
    assert ("66",) in due


async def test_what_the_api_finds_alive_again_shows_again(engine: AsyncEngine) -> None:
    await tell(engine, [by_app(1)], [installed(5, "deleted")])
    batch = Batch()
    found = {"github_id": "55", "app_id": "7", "updated_at": at(6), "deleted_at": None, "events": [], "permissions": {}}
    batch.install(found | Origin(at(6), "api", "reconcile").columns())
    await write(engine, batch)
    assert await query(engine, VISIBLE) == [(True, "55")]


# Repositories that are deleted and come back


GONE = "SELECT deleted_at IS NOT NULL FROM github_repositories"


async def test_a_deleted_repository_that_delivers_again_is_visible(engine: AsyncEngine) -> None:
    for alive in (by_app(9), by_own_hook(9)):
        assert await outcomes(engine, [by_app(1), DELETED, alive], GONE) == [[(False,)]]
    assert await outcomes(engine, [by_app(1), by_app(3), DELETED], GONE) == [[(True,)]]


async def test_that_it_lives_is_asked_of_the_api(engine: AsyncEngine) -> None:
    await tell(engine, [by_app(1)], [DELETED])
    await query(engine, "DELETE FROM sync_jobs")
    await tell(engine, [by_app(9)])
    assert await jobs(engine) == ["refetch_repository"]


async def test_who_is_taken_out_of_an_installation_is_not_alive_for_that(engine: AsyncEngine) -> None:
    removed = heard(6, "installation_repositories", action="removed", installation={"id": 55, "account": ACME},
                    repositories_removed=[{"id": 1, "full_name": "acme/app"}])  # fmt: skip
    assert await outcomes(engine, [by_app(1), DELETED, removed], GONE) == [[(True,)]]


# What is named


async def test_installations_are_known_in_whatever_batches_they_are_named(engine: AsyncEngine) -> None:
    known = "SELECT array_agg(github_id ORDER BY github_id) FROM github_installations"
    assert await outcomes(engine, [by_app(1, 55), by_app(2, 56)], known) == [[(["55", "56"],)]]


async def test_an_owner_without_an_id_voids_no_known_one(engine: AsyncEngine) -> None:
    nameless = by_own_hook(5, owner={"name": "acme", "email": "acme@example.org"}, updated_at=at(5).isoformat())
    owner = """SELECT r.owner, r.owner_id, count(o.*) FROM github_repositories r CROSS JOIN organizations o
               GROUP BY 1, 2"""
    assert await outcomes(engine, [by_own_hook(1), nameless], owner) == [[("acme", "10", 1)]]


MEMBERS = """SELECT o.github_account_id, u.github_login, m.role, m.removed_at IS NULL
             FROM organization_members m JOIN organizations o ON o.id = m.organization_id
             JOIN users u ON u.id = m.user_id"""
JOINED = {"organization": {"id": 900, "login": "makers"}, "member": ADA}


async def test_a_member_of_an_organization_that_becomes_known_later_is_a_member(engine: AsyncEngine) -> None:
    makers = {"id": 900, "login": "makers", "type": "Organization"}
    created = heard(3, "installation", action="created", installation={"id": 90, "account": makers})
    story = [heard(1, "membership", action="added", **JOINED), created]
    assert await outcomes(engine, story, MEMBERS) == [[("900", "ada", "member", True)]]


def role(seconds: float, action: str, told: str, **more: Any) -> Delivery:
    """An organization tells of a member's role."""
    membership = {"user": ADA, "role": told}
    return heard(seconds, "organization", action=action, organization=JOINED["organization"], membership=membership)


async def test_who_comes_back_is_not_unaffiliated(engine: AsyncEngine) -> None:
    story = [role(1, "member_added", "admin"), role(2, "member_removed", "unaffiliated"),
             heard(3, "membership", action="added", **JOINED)]  # fmt: skip
    ((found,),) = await outcomes(engine, story, MEMBERS)
    assert found == ("900", "ada", "admin", True)
    assert await outcomes(engine, [*story[1:], role(4, "member_added", "member")], MEMBERS) == [
        [("900", "ada", "member", True)]
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"permission": {"from": "read", "to": "write"}}, "write"),
        ({"role_name": {"to": "maintain"}, "permission": {"to": "write"}}, "maintain"),
        ({"old_permission": {"from": "read"}}, "member"),
    ],
)
async def test_the_role_of_a_collaborator_is_read(
    engine: AsyncEngine, changes: Mapping[str, Any], expected: str
) -> None:
    story = [
        heard(1, "member", action="added", repository=APP, member=ADA),
        heard(2, "member", action="edited", repository=APP, member=ADA, changes=changes),
    ]
    assert await outcomes(engine, story, "SELECT role FROM project_members") == [[(expected,)]]


async def test_a_ping_tells_nothing(engine: AsyncEngine) -> None:
    await tell(engine, [heard(1, "ping", zen="Simply.", repository=APP)])
    assert await query(engine, "SELECT count(*) FROM github_repositories") == [(0,)]


async def test_a_role_that_is_too_long_to_be_kept_parks_nothing(
    engine: AsyncEngine, connection: psycopg.Connection
) -> None:
    changes = {"role_name": {"to": "r" * 51}}
    await tell(engine, [heard(1, "member", action="added", member=ADA, changes=changes, repository=APP)])
    assert connection.execute("SELECT role FROM project_members").fetchall() == [("member",)]
