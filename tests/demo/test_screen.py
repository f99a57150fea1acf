"""The demo's screen, drawn once."""

from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from ghsync.cli.terminal import Printer
from ghsync.demo.figures import Figures
from ghsync.demo.scene import Scene, State
from ghsync.demo.screen import CHANGES_LINES, Screen
from ghsync.demo.show import Show

HEADING = "what changed, the newest first"
SAID = "One delivery was refused by an index that we added; 7 others went on; replayed when it was gone: 559 ms."


async def play() -> AsyncIterator[str]:
    """Nothing happens."""
    yield ""


def show_of(*scenes: Scene) -> Show:
    """A show with these scenes, in which much has changed."""
    show: Any = SimpleNamespace(
        figures=Figures(reasons=()), verdict="Fresh.", freshness="", scenes=scenes,
        changes=[f"change {number}" for number in range(50)], answers=[],
        stage=SimpleNamespace(directory=Path("/var/ghsync-demo-abcd1234")),
        is_over=all(scene.state == "done" for scene in scenes),
    )  # fmt: skip
    return cast("Show", show)


def drawn(show: Show, columns: int, lines: int) -> list[str]:
    """The lines of a terminal so large that have something on them."""
    console = Console(width=columns, height=lines, file=StringIO())
    found = console.render_lines(Screen(show, "until Ctrl-C"), console.options.update(height=lines), pad=False)
    texts = ["".join(segment.text for segment in line).rstrip() for line in found]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def done() -> list[Scene]:
    """Scenes that have said what they found."""
    return [Scene(f"Scene {number}", play, state="done", said=SAID) for number in range(5)]


def test_what_a_scene_says_is_obeyed_by_no_terminal_in_any_state(capsys: pytest.CaptureFixture[str]) -> None:
    states: tuple[State, ...] = ("waiting", "happening", "done")
    for state in states:
        scene = Scene("A scene", play, state=state, said="\x1b]0;owned\x07 :bug: [red]")
        Printer().print(Screen(show_of(scene), "until Ctrl-C"))
        said = capsys.readouterr().out
        assert r"\x1b]0;owned\x07 :bug: [red]" in said


@pytest.mark.parametrize("lines", range(6, 50))
@pytest.mark.parametrize("scenes", [done(), [*done()[1:], Scene("Scene 5", play, state="happening", said=SAID)]])
def test_a_heading_has_a_line_under_it_or_is_left_out(scenes: list[Scene], lines: int) -> None:
    said = drawn(show_of(*scenes), 60, lines)
    assert len(said) <= lines
    assert HEADING not in said[-1:]


def test_how_to_look_into_it_shrinks_before_what_scenes_have_found() -> None:
    show = show_of(*done())
    said = {lines: "\n".join(drawn(show, 80, lines)) for lines in range(6, 60)}
    full = [lines for lines, text in said.items() if "./psql " in text]
    short = [lines for lines, text in said.items() if "; ./questions; " in text]
    uncut = [lines for lines, text in said.items() if text.count("559 ms.") == 5]
    assert full
    assert min(full) > min(uncut) > min(short) > min(said)
    assert max(short) < min(full)


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (60, 20), (120, 40)])
def test_all_scenes_and_the_newest_changes_are_there_when_all_is_over(columns: int, lines: int) -> None:
    said = drawn(show_of(*done()), columns, lines)
    assert sum(line.startswith("Scene ") for line in said) == 5
    assert len(said) - said.index(HEADING) >= CHANGES_LINES
    assert f"change {49}" in said
