"""The demo's screen, drawn once."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ghsync.cli.terminal import Printer
from ghsync.demo.figures import Figures
from ghsync.demo.scene import Scene, State
from ghsync.demo.screen import Screen
from ghsync.demo.show import Show


async def play() -> AsyncIterator[str]:
    """Nothing happens."""
    yield ""


def draw(scene: Scene) -> None:
    """Print a show with this scene alone."""
    show: Any = SimpleNamespace(
        figures=Figures(reasons=()), verdict="Fresh.", freshness="", scenes=(scene,), changes=[], answers=[],
        is_over=False,
    )  # fmt: skip
    Printer().print(Screen(cast("Show", show)))


def test_what_a_scene_says_is_obeyed_by_no_terminal_in_any_state(capsys: pytest.CaptureFixture[str]) -> None:
    states: tuple[State, ...] = ("waiting", "happening", "done")
    for state in states:
        draw(Scene("A scene", play, state=state, said="\x1b]0;owned\x07 :bug: [red]"))
        said = capsys.readouterr().out
        assert r"\x1b]0;owned\x07 :bug: [red]" in said
