import pytest

from ghsync.demo.figures import Figures, freshness

LATE = "1 delivery is parked: see `ghsync deliveries list --status parked`."


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        (Figures(), "Fresh: all that GitHub has sent is visible."),
        (Figures(missing=1), "Behind: 1 delivery got lost, and ghsync has not noticed yet."),
        (Figures(missing=2), "Behind: 2 deliveries got lost, and ghsync has not noticed yet."),
        (Figures(under_way=1, follow_ups=1), "Nearly fresh: 1 delivery on the way."),
        (Figures(follow_ups=2), "Fresh: all that GitHub has sent is visible; 2 follow-ups due."),
        (Figures(missing=1, reasons=(LATE,)), f"Stale: {LATE}"),
    ],
)
def test_the_verdict_is_ghsyncs_own_or_what_it_cannot_know(figures: Figures, verdict: str) -> None:
    assert figures.verdict == verdict
    assert figures.is_fresh is verdict.startswith("Fresh")


def test_the_delay_is_told_once_there_is_one() -> None:
    assert freshness([]) == "nothing was sent yet"
    assert freshness([0.02]) == "p50 20 ms, slowest 20 ms from sending to visible rows, of 1 delivery"


def test_what_did_not_come_as_it_was_sent_is_counted_apart() -> None:
    told = freshness([*[0.02] * 9, 0.5], brought_in=2)
    assert told == (
        "p50 20 ms, slowest 500 ms from sending to visible rows, of 10 deliveries; 2 more healed or replayed"
    )
