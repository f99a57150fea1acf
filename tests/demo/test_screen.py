"""The demo's screen, drawn once."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

from ghsync.cli.terminal import Printer
from ghsync.demo.figures import Figures
from ghsync.demo.scene import Scene
from ghsync.demo.screen import Screen
from ghsync.demo.show import Show


async def play() -> AsyncIterator[str]:
    """Nothing happens."""
    yield ""


def drawn(scene: Scene) -> str:
    """What a terminal gets to see of a show with this scene alone."""
    show: Any = SimpleNamespace(
        figures=Figures(reasons=()), verdict="Fresh.", freshness="", scenes=(scene,), changes=[], answers=[],
        is_over=False,
    )  # fmt: skip
    printer = Printer()
    with printer.capture() as said:
        printer.print(Screen(cast("Show", show)))
    return said.get()


def test_what_a_scene_says_is_obeyed_by_no_terminal_in_any_state() -> None:
    for state in ("waiting", "happening", "done"):
        said = drawn(Scene("A scene", play, state=state, said="\x1b]0;owned\x07 :bug: [red]"))
        assert r"\x1b]0;owned\x07 :bug: [red]" in said
