import pytest

from ghsync.demo.figures import Figures, freshness

LATE = "1 delivery is parked: see `ghsync deliveries list --status parked`."


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        (Figures(), "Fresh: all that GitHub has sent is visible."),
        (Figures(missing=1), "Behind: 1 delivery got lost, and ghsync has not noticed yet."),
        (Figures(missing=2), "Behind: 2 deliveries got lost, and ghsync has not noticed yet."),
        (Figures(missing=1, reasons=(LATE,)), f"Stale: {LATE}"),
    ],
)
def test_the_verdict_is_ghsyncs_own_or_what_it_cannot_know(figures: Figures, verdict: str) -> None:
    assert figures.verdict == verdict
    assert figures.is_fresh is verdict.startswith("Fresh")


def test_the_delay_is_told_once_there_is_one() -> None:
    assert freshness([0.02]) == "nothing was sent yet"
    told = freshness([*[0.02] * 98, 0.5, 0.5])
    assert told == "p50 20 ms, p99 500 ms from sending to visible rows, of 100 deliveries"
