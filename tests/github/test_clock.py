"""GitHub's clock."""

from datetime import UTC, datetime

from ghsync.github.clock import Clock, moment

NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC).timestamp()
AT_NOON = "Mon, 02 Mar 2026 12:00:00 GMT"


def test_a_clock_that_agrees_is_not_corrected() -> None:
    clock = Clock()
    clock.hear(AT_NOON, NOON + 0.2, NOON + 0.4)
    clock.hear(AT_NOON, NOON - 0.5, NOON + 0.1)  # GitHub answered as the second began

    assert clock.offset == 0


def test_a_clock_that_is_ahead_is_set_back_by_what_is_certain() -> None:
    clock = Clock(lambda: NOON + 60)
    clock.hear(AT_NOON, NOON + 60, NOON + 60.5)

    assert clock.offset == -59
    assert clock.now() == datetime(2026, 3, 2, 12, 0, 1, tzinfo=UTC)


def test_a_clock_that_is_behind_is_put_forward() -> None:
    clock = Clock()
    clock.hear(AT_NOON, NOON - 61, NOON - 60)

    assert clock.offset == 60


def test_every_answer_narrows_how_far_it_is_off() -> None:
    clock = Clock()
    clock.hear(AT_NOON, NOON - 70, NOON - 60)
    assert clock.offset == 60
    clock.hear(AT_NOON, NOON - 65.1, NOON - 65.0)
    assert clock.offset == 65
    clock.hear(AT_NOON, NOON - 70, NOON - 60)  # a slow answer tells less, and takes nothing back
    assert clock.offset == 65


def test_a_clock_that_was_set_meanwhile_is_followed() -> None:
    clock = Clock()
    clock.hear(AT_NOON, NOON + 60, NOON + 60.5)
    clock.hear(AT_NOON, NOON, NOON + 0.5)

    assert clock.offset == 0


def test_a_date_that_is_none_changes_nothing() -> None:
    clock = Clock()
    clock.hear("yesterday", NOON, NOON)
    clock.hear(None, NOON, NOON)
    clock.hear("Fri, 31 Dec 9999 23:59:59 GMT", NOON, NOON)
    clock.hear("Mon, 30 Nov 99999999999999999999 21:12:00 GMT", NOON, NOON)

    assert clock.offset == 0
    assert moment("yesterday") is None
