"""When GitHub held what a delivery carries: the time in its GUID where it can be believed."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from ghsync.mirror.noun import Origin
from ghsync.projector import origin

GREGORIAN = datetime(1582, 10, 15, tzinfo=UTC)
MADE = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
DAYS = timedelta(days=1)


def version_1(made_at: datetime) -> str:
    """A GUID as GitHub makes them."""
    ticks = (made_at - GREGORIAN) // timedelta(microseconds=1) * 10
    fields = (ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF | 0x1000, 0x80, 0, 0)
    return str(uuid.UUID(fields=fields))


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=3), 5 * DAYS, 7 * DAYS, -timedelta(seconds=3)])
def test_the_time_in_a_version_1_guid_is_believed_for_as_long_as_a_log_of_deliveries_reaches(late: timedelta) -> None:
    assert origin.of_delivery(version_1(MADE), MADE + late) == Origin(MADE, "guid", "webhook")


@pytest.mark.parametrize("late", [7 * DAYS + timedelta(microseconds=1), 4000 * DAYS, -timedelta(minutes=11), -2 * DAYS])
def test_a_time_long_ago_or_in_the_future_is_not_believed(late: timedelta) -> None:
    assert origin.of_delivery(version_1(MADE), MADE + late) == Origin(MADE + late, "arrival", "webhook")


@pytest.mark.parametrize(
    "guid",
    [
        "0b989ba4-242f-41e5-81da-c7b6966c7682",  # version 4
        "5c2bbd0a-0f1f-5ee5-9d4c-6d3f0b4b1f0e",  # version 5
        "019ced2f-8a00-7000-8000-000000000000",  # version 7
        "93394ab9-161e-11f1-06ea-9b1df37cf0d2",  # version 1 of another variant
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "ffffffff-ffff-1fff-bfff-ffffffffffff",  # version 1 in the year 5236
        "not-a-guid",
        "",
    ],
)
def test_any_other_guid_leaves_the_time_of_arrival(guid: str) -> None:
    assert origin.of_delivery(guid, MADE) == Origin(MADE, "arrival", "webhook")


def test_a_guid_of_githubs_documentation_carries_its_time() -> None:
    arrival = datetime(2014, 4, 25, 13, tzinfo=UTC)
    found = origin.of_delivery("72d3162e-cc78-11e3-81ab-4c9367dc0958", arrival)
    assert found == Origin(datetime(2014, 4, 25, 12, 52, 24, 582507, tzinfo=UTC), "guid", "webhook")


def test_the_door_is_kept() -> None:
    assert origin.of_delivery("", MADE, "replay").source == "replay"
