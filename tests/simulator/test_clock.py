from datetime import UTC, datetime

import pytest

from ghsync.simulator.clock import Clock


def test_the_clock_starts_at_a_fixed_instant_and_stands_still() -> None:
    clock = Clock()
    assert clock.now() == clock.now() == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_time_passes_only_when_told_to() -> None:
    clock = Clock()
    clock.advance(1.5, minutes=1, hours=2, days=3)
    assert clock.now() == datetime(2026, 3, 5, 11, 1, 1, 500_000, tzinfo=UTC)
    clock.advance_to(datetime(2026, 3, 6, tzinfo=UTC))
    assert clock.now() == datetime(2026, 3, 6, tzinfo=UTC)


def test_a_tick_is_a_tenth_of_a_microsecond() -> None:
    clock = Clock()
    clock.advance_ticks(25)
    assert clock.now() == datetime(2026, 3, 2, 9, 0, 0, 2, tzinfo=UTC)


def test_time_never_goes_back() -> None:
    clock = Clock()
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance_ticks(-1)
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance_to(datetime(2026, 3, 1, tzinfo=UTC))
