from typing import Any

import pytest

from ghsync.simulator.actions import installations, repositories
from ghsync.simulator.keys import new_private_key
from tests.simulator.server.conftest import PERSONAL_TOKEN, Caller

pytestmark = pytest.mark.anyio


async def test_the_app_proves_itself_and_is_shown(caller: Caller) -> None:
    answered = await caller.as_app("GET", "/app")
    assert answered.status_code == 200
    shown = answered.json()
    assert (shown["id"], shown["installations_count"]) == (caller.scene.world.app.id, 1)


async def test_the_client_id_is_as_good_as_the_id(caller: Caller) -> None:
    caller.token = caller.assertion(caller.claims(iss=caller.scene.world.app.client_id))
    assert (await caller.get("/app")).status_code == 200


ISSUED = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
EXPIRES = (
    "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion"
    " expires"
)


@pytest.mark.parametrize(
    ("others", "status", "message"),
    [
        ({"iat": 1 << 40}, 401, ISSUED),
        ({"iat": "yesterday"}, 401, ISSUED),
        ({"exp": 1}, 401, EXPIRES),
        ({"exp": None}, 401, EXPIRES),
        ({"exp": 1 << 40}, 401, "'Expiration time' claim ('exp') is too far in the future"),
        ({"iss": "1"}, 404, "Integration not found"),
    ],
)
async def test_a_claim_that_is_wrong_is_named(
    caller: Caller, others: dict[str, Any], status: int, message: str
) -> None:
    caller.token = caller.assertion(caller.claims(**others))
    answered = await caller.get("/app")
    assert (answered.status_code, answered.json()["message"]) == (status, message)


async def test_a_clock_that_is_fast_is_told_so(caller: Caller) -> None:
    """Whoever takes the time of their own clock, and no minute off, is refused by a GitHub that is behind."""
    now = int(caller.scene.world.now().timestamp())
    caller.token = caller.assertion(caller.claims(iat=now + 120, exp=now + 300))
    answered = await caller.get("/app")
    assert (answered.status_code, answered.json()["message"]) == (401, ISSUED)


async def test_an_assertion_is_good_for_ten_minutes_and_no_second_more(caller: Caller) -> None:
    now = int(caller.scene.world.now().timestamp())
    for seconds, status in ((599, 200), (602, 401)):
        caller.token = caller.assertion(caller.claims(exp=now + seconds))
        assert (await caller.get("/app")).status_code == status


async def test_only_the_apps_own_key_signs_for_it(caller: Caller) -> None:
    for token in (
        caller.assertion(key=new_private_key()),
        caller.assertion(alg="none"),
        caller.assertion(alg="HS256"),
        "a.b.c",
        caller.assertion()[:-4] + "AAAA",
    ):
        caller.token = token
        answered = await caller.get("/app")
        assert (answered.status_code, answered.json()["message"]) == (
            401,
            "A JSON web token could not be decoded",
        )


async def test_a_token_is_good_for_an_hour_of_the_worlds_clock(member: Caller) -> None:
    assert (await member.get("/installation/repositories")).status_code == 200
    member.scene.world.clock.advance(minutes=59)
    assert (await member.get("/installation/repositories")).status_code == 200
    member.scene.world.clock.advance(minutes=1)
    answered = await member.get("/installation/repositories")
    assert (answered.status_code, answered.json()["message"]) == (401, "Bad credentials")


async def test_no_two_tokens_are_the_same(caller: Caller) -> None:
    assert len({await caller.log_in() for _ in range(3)}) == 3


async def test_expiry_is_told_without_parts_of_a_second(caller: Caller) -> None:
    path = f"/app/installations/{caller.scene.installation.id}/access_tokens"
    assert (await caller.as_app("POST", path)).json()["expires_at"] == "2026-03-02T10:00:00Z"


async def test_a_suspended_installation_is_refused_everything(member: Caller) -> None:
    installations.suspend(member.scene.world, member.scene.installation, by=member.scene.ada)
    answered = await member.get("/installation/repositories")
    assert (answered.status_code, answered.json()["message"]) == (403, "This installation has been suspended")
    path = f"/app/installations/{member.scene.installation.id}"
    assert (await member.as_app("POST", f"{path}/access_tokens")).status_code == 403
    assert (await member.as_app("GET", path)).json()["suspended_at"] is not None


async def test_an_app_that_was_uninstalled_has_no_token_and_gets_none(member: Caller) -> None:
    installations.delete(member.scene.world, member.scene.installation, by=member.scene.ada)
    assert (await member.get("/installation/repositories")).status_code == 401
    path = f"/app/installations/{member.scene.installation.id}/access_tokens"
    assert (await member.as_app("POST", path)).status_code == 404


async def test_an_installation_sees_its_own_repositories_and_what_is_public(member: Caller) -> None:
    world, ada = member.scene.world, member.scene.ada
    other = world.add_organization("harbour", "Keeps ships", (ada,))
    secret = repositories.create(world, other, "quay", by=ada, visibility="private")
    public = repositories.create(world, other, "pier", by=ada)
    repositories.privatize(world, member.scene.repository, by=ada)
    assert (await member.get("/repos/lighthouse/lamp")).status_code == 200
    assert (await member.get(f"/repos/{public.full_name}")).status_code == 200
    assert (await member.get(f"/repos/{secret.full_name}")).status_code == 404
    await member.log_in(installations.create(world, other, by=ada))
    assert (await member.get(f"/repos/{secret.full_name}")).status_code == 200
    assert (await member.get("/repos/lighthouse/lamp")).status_code == 404


async def test_a_private_repository_that_is_taken_away_is_not_there(member: Caller) -> None:
    world, ada, repository = member.scene.world, member.scene.ada, member.scene.repository
    repositories.privatize(world, repository, by=ada)
    installations.remove_repositories(world, member.scene.installation, [repository], by=ada)
    assert (await member.get("/repos/lighthouse/lamp")).status_code == 404
    assert (await member.get(f"/repositories/{repository.id}/issues")).status_code == 404
    assert (await member.shown("/installation/repositories"))["total_count"] == 0


async def test_a_token_may_be_for_less(caller: Caller) -> None:
    world, ada = caller.scene.world, caller.scene.ada
    repositories.create(world, caller.scene.organization, "lens", by=ada, visibility="private")
    repositories.privatize(world, caller.scene.repository, by=ada)
    await caller.log_in(repositories=["lens"], permissions={"issues": "read", "metadata": "read"})
    shown = await caller.shown("/installation/repositories")
    assert [each["name"] for each in shown["repositories"]] == ["lens"]
    assert (await caller.get("/repos/lighthouse/lamp")).status_code == 404
    assert (await caller.get("/repos/lighthouse/lens/issues")).status_code == 200
    answered = await caller.get("/repos/lighthouse/lens/pulls")
    assert (answered.status_code, answered.json()["message"]) == (403, "Resource not accessible by integration")
    assert answered.headers["x-accepted-github-permissions"] == "pull_requests=read"


@pytest.mark.parametrize("wanted", [{"repositories": ["nowhere"]}, {"permissions": {"administration": "write"}}])
async def test_a_token_is_never_for_more(caller: Caller, wanted: dict[str, Any]) -> None:
    path = f"/app/installations/{caller.scene.installation.id}/access_tokens"
    assert (await caller.as_app("POST", path, wanted)).status_code == 422


async def test_a_person_is_known_by_their_token(caller: Caller) -> None:
    caller.token = PERSONAL_TOKEN
    repositories.privatize(caller.scene.world, caller.scene.repository, by=caller.scene.ada)
    assert (await caller.shown("/user"))["login"] == "ada"
    assert [each["name"] for each in await caller.shown("/user/repos")] == ["lamp"]
    assert (await caller.get("/repos/lighthouse/lamp")).status_code == 200
    assert (await caller.get("/app")).status_code == 401


async def test_nobody_sees_what_is_public_only(caller: Caller) -> None:
    assert (await caller.get("/repos/lighthouse/lamp")).status_code == 200
    repositories.privatize(caller.scene.world, caller.scene.repository, by=caller.scene.ada)
    assert (await caller.get("/repos/lighthouse/lamp")).status_code == 404
    assert (await caller.get("/user")).status_code == 401
    assert (await caller.post("/graphql", {"query": "{ viewer { login } }"})).status_code == 401


async def test_a_token_that_is_nobodys_is_refused(caller: Caller) -> None:
    caller.token = "ghs_made_up"
    answered = await caller.get("/repos/lighthouse/lamp")
    assert (answered.status_code, answered.json()["message"]) == (401, "Bad credentials")


async def test_members_are_shown_to_those_who_belong_there(member: Caller) -> None:
    assert [each["login"] for each in await member.shown("/orgs/lighthouse/members")] == ["ada"]
    assert await member.shown("/orgs/lighthouse/members?role=member") == []
    member.token = None
    assert await member.shown("/orgs/lighthouse/members") == []
    assert (await member.get("/orgs/nowhere/members")).status_code == 404


@pytest.mark.parametrize("address", ["/repos/lighthouse/lamp", "/repositories/{id}"])
async def test_the_app_is_told_which_installation_covers_a_repository(member: Caller, address: str) -> None:
    scene = member.scene
    path = f"{address.format(id=scene.repository.id)}/installation"
    assert (await member.as_app("GET", path)).json()["id"] == scene.installation.id
    scene.installation.repositories.remove(scene.repository)
    assert (await member.as_app("GET", path)).status_code == 404
