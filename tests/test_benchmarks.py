"""What benchmarks found is kept, shown and drawn as it is."""

import errno
import importlib
import re
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import psycopg
import pytest

from tests import documents
from tests.benchmarks import __main__ as program
from tests.benchmarks import chart, figures, room
from tests.benchmarks.bloat import ISSUES, PULL_REQUESTS
from tests.benchmarks.figures import Figure, Machine, Results, Run, told

MACHINE = Machine("A processor <of> ours", 2, 8, "Linux 6")
FIGURES = [
    Figure("rate", "projection, one worker", 1_000, "deliveries/s", at_least=4_000),
    Figure("wait", "POST to visible row & back (p50)", 10, "ms", at_most=15),
    Figure("rows", "rows that change again", 0, at_most=0),
    Figure("points", "points", 61_000),
    Figure("in time", "acknowledged within 1 s", 100, "%", at_least=100),
]
RUN = Run(datetime(2026, 11, 30, tzinfo=UTC), "abc", MACHINE, {"python": "3.11"})
LATER = replace(RUN, measured_at=datetime(2026, 12, 1, tzinfo=UTC), commit="def")
RESULTS = Results().after(RUN, RUN.found(FIGURES, others_busy=0.1234))


def test_what_is_kept_is_read_as_it_was(tmp_path: Path) -> None:
    RESULTS.keep(tmp_path / "results.json")
    assert Results.kept(tmp_path / "results.json") == RESULTS
    assert Results.kept(tmp_path / "none.json") == Results()


def test_what_is_kept_again_is_written_the_same(tmp_path: Path) -> None:
    RESULTS.keep(tmp_path / "found.json")
    Results.kept(tmp_path / "found.json").keep(tmp_path / "again.json")
    assert (tmp_path / "found.json").read_text() == (tmp_path / "again.json").read_text()


def test_each_figure_says_which_run_it_is_of_and_how_busy_others_were() -> None:
    assert {(each.measured_at, each.commit, each.others_busy) for each in RESULTS.figures} == {
        (RUN.measured_at, "abc", 0.12)
    }


def test_an_aim_is_reached_from_below_or_from_above() -> None:
    assert [figure.reached for figure in FIGURES] == [0.25, 1.5, None, None, 1]
    assert [figure.missed for figure in FIGURES] == [True, False, False, False, False]
    assert Figure("rows", "rows that change again", 1, at_most=0).missed
    assert Figure("wait", "wait", 0, "s", at_most=1).reached == float("inf")
    assert figures.summary(FIGURES) == "3 of 4 aims are reached."


def test_an_aim_says_on_which_side_of_it_a_value_is_to_be() -> None:
    assert [figure.direction for figure in FIGURES] == ["≥ 4,000", "≤ 15", "0", "", "all"]


def test_what_one_reads_of_a_figure_fits_the_chart_and_a_terminal() -> None:
    assert max(len(figure.what) for figure in Results.kept().figures) <= 56
    assert max(len(str(figure)) for figure in Results.kept().figures) <= 110


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.114, "0.11"), (13.27, "13.3"), (99, "99"), (110.4, "110"), (61_234.5, "61,234")]
)
def test_numbers_have_the_digits_that_they_are_worth(value: float, text: str) -> None:
    assert told(value) == text


def elements(drawn: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    """All of a kind, in order."""
    return [each for each in drawn.iter() if each.tag.endswith(tag)]


def test_the_chart_has_a_bar_for_each_aim_that_ends_beyond_the_aim_where_that_is_reached() -> None:
    drawn = ElementTree.fromstring(chart.drawn(RESULTS))  # noqa: S314 (our own)
    bars = elements(drawn, "rect")
    (aim,) = [float(each.get("x1", "")) for each in elements(drawn, "line") if each.get("class") == "aim"]
    ends = [float(each.get("x", "")) + float(each.get("width", "")) for each in bars]
    assert [each.get("class") for each in bars] == ["missed", "reached", "reached"]
    assert ends[0] < aim < ends[1] <= chart.WIDTH
    assert ends[2] == pytest.approx(aim, abs=0.1)


def test_the_chart_says_in_words_what_is_missed_what_is_to_be_more_or_less_and_what_is_0() -> None:
    drawn = ElementTree.fromstring(chart.drawn(RESULTS))  # noqa: S314 (our own)
    values = ["".join(each.itertext()) for each in elements(drawn, "text") if each.get("class") == "value"]
    assert values == ["1,000 deliveries/s (≥ 4,000) missed", "10 ms (≤ 15)", "100 % (all)", "0, as it should be"]


def test_the_chart_labels_the_aim_its_half_and_its_double() -> None:
    drawn = ElementTree.fromstring(chart.drawn(RESULTS))  # noqa: S314 (our own)
    assert {"half", "the aim", "twice"} <= {each.text for each in elements(drawn, "text")}
    assert len(elements(drawn, "line")) == 3


def test_what_is_to_be_0_and_is_not_is_drawn_as_missed() -> None:
    found = RUN.found([Figure("rows", "rows that change again", 5, at_most=0)], others_busy=0)
    drawn = ElementTree.fromstring(chart.drawn(Results().after(RUN, found)))  # noqa: S314 (our own)
    assert "5 (0) missed" in ["".join(each.itertext()) for each in elements(drawn, "text")]


def test_figures_of_some_benchmarks_take_their_places_and_keep_the_runs_that_they_are_of() -> None:
    again, more = Figure("wait", "POST to visible row", 12, "ms", at_most=15), Figure("new", "something new", 1)
    found = LATER.found([more, again], others_busy=0.3)
    after = RESULTS.after(LATER, found)
    assert after.figures == [RESULTS.figures[0], found[1], *RESULTS.figures[2:], found[0]]
    assert after.runs == [RUN, LATER]


def test_a_new_figure_comes_after_the_one_that_was_found_before_it() -> None:
    found = LATER.found([FIGURES[0], Figure("new", "something new", 1)], others_busy=0)
    assert [each.name for each in RESULTS.after(LATER, found).figures][:3] == ["rate", "new", "wait"]


def test_a_run_of_which_nothing_is_left_is_forgotten() -> None:
    after = RESULTS.after(LATER, LATER.found(FIGURES, others_busy=0))
    assert after.runs == [LATER]


def test_the_readme_says_of_which_run_figures_are_or_that_they_are_of_several() -> None:
    several = RESULTS.after(LATER, LATER.found(FIGURES[:1], others_busy=0))
    assert documents.whence(RESULTS).startswith(f"On 2026-11-30, with {MACHINE}; python 3.11; commit abc:")
    assert re.search(
        "2 runs: the newest on 2026-12-01 .* def, .*the oldest on 2026-11-30 .* abc,", documents.whence(several)
    )


def test_what_is_missed_while_others_are_busy_is_said_to_tell_little() -> None:
    calm, busy = RUN.found(FIGURES, others_busy=0.2), RUN.found(FIGURES, others_busy=1.3)
    assert program.summary(calm, 2) == "3 of 4 aims are reached."
    assert program.summary(busy, 2).endswith("Others kept 1.3 of 2 processors busy: these figures tell little.")
    assert program.summary(busy[1:], 2) == "3 of 3 aims are reached."


def test_nothing_is_measured_to_be_kept_while_others_are_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "busy_processors", lambda: 0.7)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--keep", "start"])
    with pytest.raises(SystemExit, match=r"Others keep 0\.7 processors busy, .* so start is not measured to be kept"):
        program.main()


def test_a_short_run_that_is_to_be_kept_is_shown_the_other_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--keep", "--short"])
    with pytest.raises(SystemExit):
        program.main()
    assert "use `make bench-short`" in capsys.readouterr().err


def test_one_sentence_says_how_much_room_a_benchmark_needs_and_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free", lambda: 3 * room.GIB)
    room.check("start", short=False)
    room.check("sustained", short=True)
    with pytest.raises(SystemExit, match=r"sustained needs 10 GiB\. In /.+ 3\.0 GiB are free: .* TMPDIR"):
        room.check("sustained", short=False)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        psycopg.errors.DiskFull("could not extend file"),
        ExceptionGroup("several", [ValueError(), OSError(errno.ENOSPC, "No space left on device")]),
    ],
    ids=["a file", "the database", "in a group"],
)
def test_a_full_disk_is_one_sentence(error: Exception) -> None:
    with pytest.raises(SystemExit, match="There is no room left"), room.explained():
        raise error


@pytest.mark.parametrize("error", [ValueError("else"), EOFError()], ids=["another", "of a process that said it"])
def test_any_other_error_stays_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)), room.explained():
        raise error


def test_the_mix_of_updates_is_of_twenty() -> None:
    assert len(ISSUES) == len(PULL_REQUESTS) == 20


def test_ctrl_c_stops_a_benchmark_without_a_traceback() -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks", "start"],
        cwd=documents.CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # whatever whoever runs the tests ignores
    )  # fmt: skip
    assert running.stdout is not None
    assert running.stdout.readline().startswith("With ")
    running.send_signal(signal.SIGINT)
    assert running.communicate()[1] == "\nStopped.\n"
    assert running.returncode == program.INTERRUPTED


def test_every_benchmark_is_there_and_has_figures() -> None:
    modules = [importlib.import_module(f"tests.benchmarks.{name}") for name in program.ALL]
    assert all(callable(module.figures) for module in modules)
    assert set(program.SHORT) <= set(program.ALL)


def test_what_the_readme_shows_says_its_run_and_the_chart_is_of_it() -> None:
    kept = Results.kept()
    assert {run.measured_at for run in kept.runs} == {figure.measured_at for figure in kept.figures}
    assert len({figure.name for figure in kept.figures}) == len(kept.figures)
    assert chart.FILE.read_text() == chart.drawn(kept)
    assert figures.RESULTS.parent == chart.FILE.parent
