from email.utils import parsedate_to_datetime

import pytest

from ghsync.simulator.actions import repositories
from tests.simulator.server.conftest import Caller

pytestmark = pytest.mark.anyio

LAMP = "/repos/lighthouse/lamp"
VIEWER = {"query": "{ viewer { login } }"}


async def test_every_answer_tells_what_is_left(member: Caller) -> None:
    answered = await member.get(LAMP)
    told = {name: value for name, value in answered.headers.items() if name.startswith("x-ratelimit")}
    reset = int(member.scene.world.now().timestamp()) + 3600
    assert told == {
        "x-ratelimit-limit": "5000",
        "x-ratelimit-remaining": "4999",
        "x-ratelimit-used": "1",
        "x-ratelimit-reset": str(reset),
        "x-ratelimit-resource": "core",
    }


async def test_what_is_not_found_costs_as_much(member: Caller) -> None:
    await member.get(f"{LAMP}/issues/7")
    assert (await member.get(LAMP)).headers["x-ratelimit-used"] == "2"


async def test_everyone_has_a_budget_of_their_own_and_one_for_each_resource(member: Caller) -> None:
    await member.get(LAMP)
    assert (await member.get(LAMP)).headers["x-ratelimit-used"] == "2"
    assert (await member.post("/graphql", VIEWER)).headers["x-ratelimit-used"] == "1"
    assert (await member.as_app("GET", "/app")).headers["x-ratelimit-used"] == "2"  # the token was the first
    await member.log_in()
    assert (await member.get(LAMP)).headers["x-ratelimit-used"] == "3"
    member.token = None
    assert (await member.get(LAMP)).headers["x-ratelimit-limit"] == "60"


async def test_asking_what_is_left_is_free(member: Caller) -> None:
    await member.get(LAMP)
    for _ in range(3):
        resources = (await member.shown("/rate_limit"))["resources"]
    assert (resources["core"]["used"], resources["graphql"]["remaining"]) == (1, 5000)


@pytest.mark.parametrize("status", [403, 429])
async def test_a_budget_that_is_spent_refuses_until_its_hour_is_over(member: Caller, status: int) -> None:
    member.site.budgets.limits["core"] = 2
    member.site.faults.limited_status = status
    for _ in range(2):
        assert (await member.get(LAMP)).status_code == 200
    refused = await member.get(LAMP)
    assert refused.status_code == status
    assert refused.json()["message"] == f"API rate limit exceeded for installation ID {member.scene.installation.id}."
    assert (refused.headers["x-ratelimit-remaining"], "retry-after" in refused.headers) == ("0", False)
    assert (await member.post("/graphql", VIEWER)).status_code == 200
    member.scene.world.clock.advance(minutes=60)
    await member.log_in()
    assert (await member.get(LAMP)).headers["x-ratelimit-used"] == "1"


async def test_graphql_refuses_within_an_answer_that_went_well(member: Caller) -> None:
    member.site.budgets.limits["graphql"] = 1
    assert "data" in (await member.post("/graphql", VIEWER)).json()
    refused = await member.post("/graphql", VIEWER)
    assert (refused.status_code, refused.json()["errors"][0]["type"]) == (200, "RATE_LIMITED")
    assert refused.headers["x-ratelimit-remaining"] == "0"


@pytest.mark.parametrize("status", [403, 429])
async def test_a_secondary_limit_is_lifted_after_the_seconds_it_names(member: Caller, status: int) -> None:
    faults = member.site.faults
    faults.limited_status = status
    faults.plan("secondary")
    refused = await member.get(LAMP)
    assert (refused.status_code, refused.headers["retry-after"]) == (status, "60")
    assert "secondary rate limit" in refused.json()["message"]
    member.scene.world.clock.advance(59.5)
    assert (await member.post("/graphql", VIEWER)).headers["retry-after"] == "1"
    member.scene.world.clock.advance(0.5)
    assert (await member.get(LAMP)).status_code == 200


async def test_large_installations_may_ask_more(member: Caller) -> None:
    world, ada = member.scene.world, member.scene.ada
    for number in range(24):
        repositories.create(world, member.scene.organization, f"lens-{number}", by=ada)
    assert (await member.get(LAMP)).headers["x-ratelimit-limit"] == "5250"


async def test_answers_have_the_date_of_the_worlds_clock(member: Caller) -> None:
    before = parsedate_to_datetime((await member.get(LAMP)).headers["date"])
    member.scene.world.clock.advance(minutes=2)
    after = parsedate_to_datetime((await member.get(LAMP)).headers["date"])
    assert before == member.scene.world.now().replace(minute=0, second=0, microsecond=0)
    assert (after - before).total_seconds() == 120
