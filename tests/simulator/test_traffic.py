import json
from dataclasses import dataclass

import pytest
from githubkit import webhooks

from ghsync.simulator.app import EVERY_EVENT, SECURITY_EVENTS
from ghsync.simulator.deeds import RARE
from ghsync.simulator.delivery import Delivery
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.identity import guid_ticks
from ghsync.simulator.traffic import WEIGHTS, Deed, Traffic
from ghsync.simulator.world import World
from tests.simulator.invariants import violations

PLAN = Plan(organizations=2, repositories=8, people=16, conversations=200, security_alerts=True)
ENOUGH = 5_000
"""So many deeds, and each kind was done at least once."""


@dataclass(repr=False)
class Lived:
    """A world after much traffic."""

    world: World
    done: list[Deed]
    wrong: list[str]


@pytest.fixture(scope="module")
def lived() -> Lived:
    """What does not hold is looked for on the way, too."""
    world = generate(PLAN, seed=6, events=EVERY_EVENT)
    traffic, done, wrong = Traffic(world, seed=9), [], []
    for number in range(ENOUGH):
        done.append(traffic.act())
        if number % 500 == 0:
            wrong.extend(violations(world))
    return Lived(world, done, wrong)


def test_every_kind_of_deed_is_done_before_long(lived: Lived) -> None:
    assert WEIGHTS.keys() - {done.kind for done in lived.done} == RARE.keys()


def test_what_is_done_rarely_is_done_by_those_who_want_it() -> None:
    world = generate(PLAN, seed=6, events=EVERY_EVENT)
    traffic = Traffic(world, weights=dict.fromkeys(RARE, 10.0))
    assert RARE.keys() <= {traffic.act().kind for _ in range(ENOUGH // 2)}
    assert violations(world) == []


def test_worlds_stay_consistent(lived: Lived) -> None:
    assert lived.wrong == []
    assert violations(lived.world) == []


def test_time_goes_on(lived: Lived) -> None:
    moments = [done.at for done in lived.done]
    assert moments == sorted(moments)
    ticks = [guid_ticks(delivery.guid) for delivery in lived.world.deliveries]
    assert ticks == sorted(set(ticks))


def test_many_deeds_share_a_second(lived: Lived) -> None:
    seconds = {done.at.replace(microsecond=0) for done in lived.done}
    assert len(seconds) < len(lived.done) * 0.8


def test_githubs_models_accept_every_kind_of_delivery(lived: Lived) -> None:
    samples: dict[tuple[str, str | None], Delivery] = {}
    for delivery in lived.world.deliveries:
        samples.setdefault((delivery.event, json.loads(delivery.body).get("action")), delivery)
    assert {event for event, _ in samples} >= {*EVERY_EVENT, *SECURITY_EVENTS} - {"star", "watch"}
    for (event, action), delivery in samples.items():
        assert getattr(webhooks.parse(event, delivery.body), "action", None) == action


def test_the_same_seed_does_the_same() -> None:
    assert acted(seed=3) == acted(seed=3)
    assert acted(seed=3) != acted(seed=4)


def test_weights_say_what_is_done() -> None:
    world = generate(PLAN, seed=6)
    only = dict.fromkeys(WEIGHTS, 0.0) | {"comment": 1.0, "begin_check": 1.0, "start_check": 1.0}
    traffic = Traffic(world, weights=only)
    assert {traffic.act().kind for _ in range(200)} == {"comment", "begin_check", "start_check"}


def test_what_is_spared_stays_as_it_is() -> None:
    world = generate(PLAN, seed=6, events=EVERY_EVENT)
    spared = list(world.repositories.values())[-1]
    before = json.dumps([each.as_json() for each in spared.issues.values()])
    traffic = Traffic(world)
    traffic.stage.spared.append(spared)
    for _ in range(ENOUGH // 10):
        traffic.act()
    assert len(world.deliveries) > ENOUGH // 20
    assert json.dumps([each.as_json() for each in spared.issues.values()]) == before


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(LookupError, match="no deeds named dance"):
        Traffic(World(), weights={"dance": 1})


def test_an_empty_world_says_that_nothing_can_be_done() -> None:
    with pytest.raises(RuntimeError, match="give it repositories"):
        Traffic(World()).act()


def acted(seed: int) -> list[tuple[str, bytes]]:
    """What was sent in a short while."""
    world = generate(PLAN, seed=6)
    traffic = Traffic(world, seed=seed)
    what = [(traffic.act().what, b"") for _ in range(300)]
    return what + [(delivery.guid, delivery.body) for delivery in world.deliveries]
