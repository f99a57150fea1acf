import uuid

import pytest

from ghsync.simulator.clock import Clock
from ghsync.simulator.identity import Identities, guid_at, guid_ticks, legacy_node_id, node_id


def test_the_same_seed_gives_the_same_ids() -> None:
    one, other = Identities(1), Identities(1)
    assert [one.next_id("issue"), one.next_sha(), one.next_guid(5)] == [
        other.next_id("issue"),
        other.next_sha(),
        other.next_guid(5),
    ]


def test_another_seed_gives_other_ids() -> None:
    assert Identities(1).next_sha() != Identities(2).next_sha()


def test_ids_grow_and_do_not_depend_on_other_kinds() -> None:
    quiet, busy = Identities(1), Identities(1)
    busy.next_id("pull_request")
    ids = [busy.next_id("issue") for _ in range(50)]
    assert ids == sorted(set(ids))
    assert ids[0] == quiet.next_id("issue")


def test_a_guid_is_a_version_1_uuid_that_carries_the_time_to_the_tick() -> None:
    ticks = Clock().ticks + 1_234_567
    guid = Identities(1).next_guid(ticks)
    assert uuid.UUID(guid).version == 1
    assert uuid.UUID(guid).variant == uuid.RFC_4122
    assert guid_ticks(guid) == ticks


def test_the_time_in_a_guid_is_read_as_rfc_9562_says() -> None:
    # RFC 9562, appendix A.1: Tuesday, February 22, 2022 2:22:22.00 PM GMT-05:00.
    assert guid_at(16455577420000000, clock_sequence=0x33C8, node=0x9F6BDECED846) == (
        "c232ab00-9414-11ec-b3c8-9f6bdeced846"
    )


@pytest.mark.parametrize(
    ("prefix", "numbers", "expected"),
    [("R", [1090000054], "R_kgDOQPgUtg"), ("U", [1], "U_kgAB"), ("I", [1, 300], "I_kwABzQEs")],
)
def test_a_node_id_is_a_prefix_and_packed_numbers(prefix: str, numbers: list[int], expected: str) -> None:
    assert node_id(prefix, *numbers) == expected


def test_an_installation_has_a_node_id_of_the_older_form() -> None:
    assert legacy_node_id("IntegrationInstallation", 1) == "MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9uMQ=="
