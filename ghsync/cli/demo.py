"""`demo`: everything at once, with nothing to set up."""

import asyncio
import sys
from collections.abc import Coroutine
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext, suppress
from typing import Annotated, Any

import typer
from rich.live import Live

from ghsync import log, wording
from ghsync.cli import interrupts, terminal
from ghsync.demo import screen, show, stage, tools
from ghsync.demo.scene import Scene
from ghsync.demo.screen import Screen
from ghsync.demo.show import Show

REFRESH_SECONDS = 0.25
A_WEEK_SECONDS = 7 * 86_400


def demo(
    port: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=65535, help="Receive here, not on any free port.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the database's files behind, and say where.")] = False,
    seconds: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            min=0,
            max=A_WEEK_SECONDS,
            help="Stay up so long after the scenes. Unset: on a terminal until Ctrl-C, else not at all.",
        ),
    ] = None,
) -> None:
    """Try everything on this machine: no GitHub account, no questions.

    Starts an embedded PostgreSQL, a simulated GitHub in which people do
    things, and `ghsync serve` in a temporary directory; shows how fresh the
    mirror is, what ghsync does when something goes wrong, and whether every
    row is right in the end. Nothing is left behind.
    """
    log.configure("console", "warning")
    try:
        with terminal.ended_by_signals():
            asyncio.run(_demonstrate(port, keep, seconds))
    except (KeyboardInterrupt, asyncio.CancelledError):
        terminal.note("Stopped before its end.")
        raise typer.Exit(terminal.STOPPED) from None


async def _demonstrate(port: int | None, keep: bool, seconds: float | None) -> None:
    async with AsyncExitStack() as stack:
        with interrupts.ended_once():
            with _waiting("Starting PostgreSQL, a simulated GitHub and ghsync serve"):
                staged = await stack.enter_async_context(stage.running(port=port, keep=keep))
                if keep:
                    stack.callback(_say_where, staged)
            stack.enter_context(tools.laid_out(staged))
            running = await stack.enter_async_context(show.on(staged))
            if sys.stdout.isatty() and not terminal.console.is_dumb_terminal:
                await _draw(running, seconds)
            else:
                await _tell(running, seconds)
    _say(_farewell(staged))


def _waiting(what: str) -> AbstractContextManager[object]:
    """Say what is waited for, on a terminal until it is there."""
    if terminal.console.is_terminal and not terminal.console.is_dumb_terminal:
        return terminal.console.status(what)
    _say(f"{what}.")
    return nullcontext()


async def _tell(running: Show, seconds: float | None) -> None:
    """Plain lines, one for each scene when it has ended."""
    _say(f"ghsync demo: {running.stage.address} mirrors a simulated GitHub, {running.stage.github.address}.\n")
    async for scene in running.play():
        _say(_line(scene))
    await running.look(closely=True)
    for answer in running.answers:
        _say(f"\n[bold]{answer.query.question}[/]\n{terminal.cell(answer.query.sql)};")
        terminal.console.print(screen.table_of(answer))
    if seconds:
        _say(f"\n{tools.full(running.stage, _how_long(seconds))}")
        await _stay(seconds)
    await running.look(closely=True)
    _say(f"\n{terminal.cell(running.verdict)}")
    _say(f"delay  {running.freshness}\nrows   {running.figures.counts}")


async def _draw(running: Show, seconds: float | None) -> None:
    """A screen that lives, where terminals show one that leaves no trace; then what came of it."""
    try:
        with Live(
            Screen(running, _how_long(seconds)), console=terminal.console, screen=True, auto_refresh=False
        ) as live:
            await _beside(_play(running, seconds), _refresh(live, running))
    except asyncio.CancelledError:
        if not running.is_over:
            raise
    finally:
        terminal.console.print(screen.scenes_of(running), "", screen.figures_of(running), "Stopping.")


async def _play(running: Show, seconds: float | None) -> None:
    async for _ in running.play():
        pass
    await _stay(seconds)


async def _refresh(live: Live, running: Show) -> None:
    while True:
        await running.look()
        live.refresh()
        await asyncio.sleep(REFRESH_SECONDS)


async def _beside(main: Coroutine[Any, Any, None], other: Coroutine[Any, Any, None]) -> None:
    """Do both until one ends; raises what it raises."""
    tasks = [asyncio.create_task(main), asyncio.create_task(other)]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _stay(seconds: float | None) -> None:
    """Keep everything up, until Ctrl-C or for some time."""
    with suppress(TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


def _how_long(seconds: float | None) -> str:
    return "until Ctrl-C" if seconds is None else f"for {wording.duration(seconds)}"


def _line(scene: Scene) -> str:
    """How a scene ended."""
    return f"{scene.title:<17}  {wording.duration(scene.seconds):>6}  {terminal.cell(scene.said)}"


def _say_where(staged: stage.Stage) -> None:
    _say(f"The files are in {staged.directory}: GHSYNC_DATA_DIR={staged.directory} {terminal.called()} status")


def _farewell(staged: stage.Stage) -> str:
    """What is left, and what to do next."""
    left = "" if staged.directory.exists() else " and removed"
    return (
        f"\nEverything is stopped{left}. What to do next:\n\n"
        '  mirror your own repositories: "Run it" in README.md,\n'
        "  or point a ghsync of yours at a simulated GitHub:\n"
        f"  {terminal.called()} simulate"
    )


def _say(text: str) -> None:
    terminal.console.print(text, soft_wrap=True)
