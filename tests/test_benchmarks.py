"""What benchmarks found is kept, shown and drawn as it is."""

import importlib
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.benchmarks import __main__ as program
from tests.benchmarks import chart, figures
from tests.benchmarks.figures import Figure, Machine, Results, told

MACHINE = Machine("A processor <of> ours", 2, 8, "Linux 6")
FIGURES = [
    Figure("rate", "projection, one worker", 1_000, "deliveries/s", at_least=4_000),
    Figure("wait", "POST to visible row & back (p50)", 10, "ms", at_most=15),
    Figure("rows", "rows that change again", 0, at_most=0),
    Figure("points", "points", 61_000),
]
RESULTS = Results(datetime(2026, 11, 30, tzinfo=UTC), False, "abc", MACHINE, {"python": "3.11"}, FIGURES)


def test_what_is_kept_is_read_as_it_was(tmp_path: Path) -> None:
    RESULTS.keep(tmp_path / "results.json")
    assert Results.kept(tmp_path / "results.json") == RESULTS


def test_an_aim_is_reached_from_below_or_from_above() -> None:
    assert [figure.reached for figure in FIGURES] == [0.25, 1.5, None, None]
    assert [figure.missed for figure in FIGURES] == [True, False, False, False]
    assert Figure("rows", "rows that change again", 1, at_most=0).missed
    assert figures.summary(FIGURES) == "2 of 3 aims are reached."


def test_what_one_reads_of_a_figure_fits_the_chart_and_a_terminal() -> None:
    assert max(len(figure.what) for figure in Results.kept().figures) <= 56
    assert max(len(str(figure)) for figure in Results.kept().figures) <= 110


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.114, "0.11"), (13.27, "13.3"), (99, "99"), (110.4, "110"), (61_234.5, "61,234")]
)
def test_numbers_have_the_digits_that_they_are_worth(value: float, text: str) -> None:
    assert told(value) == text


def test_the_chart_has_a_bar_for_each_aim_that_ends_beyond_the_aim_where_that_is_reached() -> None:
    drawn = ElementTree.fromstring(chart.drawn(RESULTS))  # noqa: S314 (our own)
    bars = [each for each in drawn.iter() if each.tag.endswith("rect")]
    (aim,) = [float(each.get("x1", "")) for each in drawn.iter() if each.tag.endswith("line")]
    ends = [float(each.get("x", "")) + float(each.get("width", "")) for each in bars]
    assert [each.get("class") for each in bars] == ["missed", "reached"]
    assert ends[0] < aim < ends[1] <= chart.WIDTH


def test_figures_of_some_benchmarks_take_their_places() -> None:
    again, more = Figure("wait", "POST to visible row", 12, "ms", at_most=15), Figure("new", "something new", 1)
    assert program.merged(FIGURES, [more, again]) == [FIGURES[0], again, *FIGURES[2:], more]


def test_every_benchmark_is_there_and_has_figures() -> None:
    modules = [importlib.import_module(f"tests.benchmarks.{name}") for name in program.ALL]
    assert all(callable(module.figures) for module in modules)
    assert set(program.SHORT) <= set(program.ALL)


def test_what_the_readme_shows_was_measured_whole_and_the_chart_is_of_it() -> None:
    kept = Results.kept()
    assert not kept.short
    assert len({figure.name for figure in kept.figures}) == len(kept.figures)
    assert chart.FILE.read_text() == chart.drawn(kept)
    assert figures.RESULTS.parent == chart.FILE.parent
