"""The show as a screen: as many lines as the terminal has, and in each what there is room for."""

import time
from collections.abc import Collection

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table

from ghsync import wording
from ghsync.cli import terminal
from ghsync.demo.queries import Answer
from ghsync.demo.scene import Scene
from ghsync.demo.show import Show

Lines = list[list[Segment]]

LEAST_LINES = 12
CHANGES_LINES = 5
"""Room for the newest changes that scenes and answers leave."""

STYLES = {"waiting": "dim", "happening": "bold yellow", "done": "green", "failed": "bold red", "stopped": "yellow"}
ASIDE = ("waiting", "done")
"""What is said of a scene in these states may be cut: what happens now is worth more."""

LONGEST_CELL = 40


class Screen:
    """Draws a show; ``reserved`` are the lines that are left to what was printed above."""

    def __init__(self, show: Show) -> None:
        self.reserved = 0
        self._show = show
        self._began = time.monotonic()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """From the verdict at the top to what changed last."""
        height = max(console.height - 1 - self.reserved, LEAST_LINES)
        lines = self._lines(console, options, height)
        for line in lines[: height - 1]:
            yield from line
            yield Segment.line()
        yield Segment(" ")  # where the terminal writes ^C: behind a full line that would begin another

    def _lines(self, console: Console, options: ConsoleOptions, height: int) -> Lines:
        def rendered(part: RenderableType) -> Lines:
            return console.render_lines(part, options.update(height=None), pad=False)

        lines = rendered(self._top())
        if not self._show.is_over:
            scenes = rendered(self._scenes())
            is_high = len(lines) + len(scenes) + CHANGES_LINES <= height
            lines += scenes if is_high else rendered(self._scenes(brief=ASIDE))
        for answer in self._show.answers if self._show.is_over else ():
            part = rendered(_answered(answer))
            if len(lines) + len(part) + CHANGES_LINES <= height:
                lines += part
        return lines + rendered(self._changes(height - len(lines) - 2))

    def _top(self) -> Table:
        figures = self._show.figures
        shown = Table.grid(expand=True)
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        shown.add_row(
            f"[bold]ghsync demo[/]  [dim]{minutes}:{seconds:02}  a simulated GitHub, an embedded PostgreSQL[/]"
        )
        style = "bold green" if figures.is_fresh else "bold yellow"
        shown.add_row(f"[{style}]{terminal.cell(self._show.verdict)}[/]")
        shown.add_row("")
        rows = Table.grid(padding=(0, 2, 0, 0))
        rows.add_row("[dim]delay[/]", self._show.freshness)
        rows.add_row("[dim]rows[/]", figures.counts)
        shown.add_row(rows)
        shown.add_row("")
        return shown

    def _scenes(self, *, brief: Collection[str] = ()) -> Table:
        """All of them, of those in the ``brief`` states one line each."""
        shown = Table.grid(padding=(0, 2, 0, 0), expand=True)
        shown.add_column(no_wrap=True)
        shown.add_column(no_wrap=True, width=9)
        shown.add_column(no_wrap=True, width=6, justify="right")
        shown.add_column(ratio=1)
        for scene in self._show.scenes:
            *told, said = _scene(scene)
            line = terminal.console.render_str(said)
            if scene.state in brief:
                line.no_wrap, line.overflow = True, "ellipsis"
            shown.add_row(*told, line)
        shown.add_row("")
        return shown

    def _changes(self, count: int) -> Table:
        """The newest at the top."""
        shown = Table.grid(expand=True)
        shown.add_column(no_wrap=True, overflow="ellipsis")
        shown.add_row("[dim]what changed, the newest first[/]")
        for change in list(self._show.changes)[::-1][: max(count, 0)]:
            shown.add_row(change)
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
