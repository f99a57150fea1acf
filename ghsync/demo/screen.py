"""The show as a screen: as many lines as the terminal has, and in each what there is room for."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from ghsync import wording
from ghsync.cli import terminal
from ghsync.demo import tools
from ghsync.demo.queries import Answer
from ghsync.demo.scene import Scene, State
from ghsync.demo.show import Show
from ghsync.demo.stage import Stage

Lines = list[list[Segment]]
Render = Callable[[RenderableType], Lines]

CHANGES_LINES = 4
"""Room for the newest changes, below their heading, that the rest leaves."""

STYLES = {"waiting": "dim", "happening": "bold yellow", "done": "green", "failed": "bold red", "stopped": "yellow"}
ASIDE: tuple[State, ...] = ("waiting", "done")
"""What is said of a scene in these states may be cut: what happens now is worth more."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What there is room for: how to look into it, scenes that are not ``brief``, empty lines."""

    invitation: Callable[[Stage, str], str] | None
    brief: Collection[State] = ()
    spaced: bool = True


LAYOUTS = (
    Layout(tools.full),
    Layout(tools.short),
    Layout(tools.short, spaced=False),
    Layout(tools.short, ASIDE),
    Layout(tools.short, ASIDE, spaced=False),
    Layout(None, ASIDE, spaced=False),
)
"""From the roomiest on: how to look into it shrinks before what was found out."""


class Screen:
    """Draws a show, which stays up until Ctrl-C or ``how_long`` else."""

    def __init__(self, show: Show, how_long: str) -> None:
        self._show = show
        self._how_long = how_long
        self._began = time.monotonic()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """From the verdict at the top to what changed last."""
        height = options.height or console.height
        inner = options.update(height=None)
        for line in self._lines(lambda part: console.render_lines(part, inner, pad=False), height)[:height]:
            yield from line
            yield Segment.line()

    def _lines(self, render: Render, height: int) -> Lines:
        for layout in LAYOUTS:
            lines, invitation = self._laid_out(render, layout)
            if len(lines) + len(invitation) + CHANGES_LINES <= height:
                break
        for answer in self._show.answers if self._show.is_over else ():
            part = render(_answered(answer))
            if len(lines) + len(part) + len(invitation) + CHANGES_LINES <= height:
                lines += part
        lines += invitation
        return lines + render(self._changes(height - len(lines) - 1))

    def _laid_out(self, render: Render, layout: Layout) -> tuple[Lines, Lines]:
        """What is above the answers, and what is below them."""
        space = render("") if layout.spaced else []
        figures, scenes = render(figures_of(self._show)), render(scenes_of(self._show, brief=layout.brief))
        lines = [*render(self._title()), *figures, *space, *scenes, *render("")]
        if layout.invitation is None or not self._show.is_over:
            return lines, []
        told = Text(layout.invitation(self._show.stage, self._how_long), overflow="fold")
        return lines, [*render(told), *space]

    def _title(self) -> Text:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        title = terminal.console.render_str(
            f"[bold]ghsync demo[/]  [dim]{minutes}:{seconds:02}  a simulated GitHub, an embedded PostgreSQL[/]"
        )
        title.no_wrap, title.overflow = True, "ellipsis"
        return title

    def _changes(self, count: int) -> RenderableType:
        """The newest at the top, where there is room for so many."""
        changes = list(self._show.changes)[::-1][: max(count, 0)]
        if not changes:
            return Group()
        shown = Table.grid(expand=True)
        shown.add_column(no_wrap=True, overflow="ellipsis")
        shown.add_row("[dim]what changed, the newest first[/]")
        for change in changes:
            shown.add_row(change)
        return shown


def figures_of(show: Show) -> Table:
    """How fresh it is and how much there is."""
    shown = Table.grid(expand=True)
    style = "bold green" if show.figures.is_fresh else "bold yellow"
    shown.add_row(f"[{style}]{terminal.cell(show.verdict)}[/]")
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_row("[dim]delay[/]", show.freshness)
    rows.add_row("[dim]rows[/]", show.figures.counts)
    shown.add_row(rows)
    return shown


def scenes_of(show: Show, *, brief: Collection[State] = ()) -> Table:
    """All of them, of those in the ``brief`` states one line each; and how far they are until all are done."""
    shown = Table.grid(padding=(0, 2, 0, 0), expand=True)
    shown.add_column(no_wrap=True)
    if not show.is_over:
        shown.add_column(no_wrap=True, width=9)
    shown.add_column(no_wrap=True, width=6, justify="right")
    shown.add_column(ratio=1)
    for scene in show.scenes:
        *told, said = _scene(scene)
        line = terminal.console.render_str(said)
        if scene.state in brief:
            line.no_wrap, line.overflow = True, "ellipsis"
        shown.add_row(*(told[::2] if show.is_over else told), line)
    return shown


def _scene(scene: Scene) -> tuple[str, str, str, str]:
    style = STYLES[scene.state]
    passed = "" if scene.state == "waiting" else wording.duration(scene.seconds)
    return f"[bold]{scene.title}[/]", f"[{style}]{scene.state}[/]", passed, terminal.cell(scene.said)


def _answered(answer: Answer) -> Table:
    """A question, its SQL and its answer, and an empty line."""
    shown = Table.grid()
    shown.add_row(f"[bold]{answer.query.question}[/]")
    shown.add_row(f"[dim]{terminal.cell(answer.query.sql)};[/]")
    shown.add_row(table_of(answer))
    shown.add_row("")
    return shown


def table_of(answer: Answer) -> Table:
    """The rows of an answer, one line each."""
    shown = terminal.table(*answer.columns)
    for column in shown.columns:
        column.no_wrap, column.overflow = True, "ellipsis"
    for row in answer.rows:
        shown.add_row(*(terminal.cell(value) for value in row))
    return shown
