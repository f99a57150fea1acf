"""`simulate`: a GitHub on this machine, to try ghsync on without an account."""

import asyncio
import os
import shlex
import stat
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import platformdirs
import typer

from ghsync import wording
from ghsync.cli import interrupts, terminal
from ghsync.errors import NotConfigured
from ghsync.simulator.generator import Plan
from ghsync.simulator.hosting import HARMLESS, PERSONAL_TOKEN, Hosted, hosting
from ghsync.simulator.traffic import Traffic

PORT = 8020
HOOK_URL = "http://127.0.0.1:8010/webhooks/github"

TO_TRY = {
    "doctor": "says what is missing",
    "serve": "or serve --pull, where nothing is delivered",
    "resync --all": "brings what was there before",
    "heal": "brings in what was lost, or sent while nobody listened",
}


def simulate(
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="PORT", help="Answer GitHub's API here.")] = PORT,
    hook: Annotated[str, typer.Option(metavar="URL", help="Deliver webhooks there.")] = HOOK_URL,
    repositories: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="How many there are.")] = 3,
    conversations: Annotated[
        int, typer.Option(metavar="N", min=0, max=50_000, help="Issues and pull requests at first.")
    ] = 60,
    a_minute: Annotated[
        float, typer.Option("--a-minute", metavar="N", min=0, max=6000, help="Things that people do in a minute.")
    ] = 20,
    lose: Annotated[
        float, typer.Option(metavar="N", min=0, max=1, help="Share of deliveries that get lost on their way.")
    ] = 0,
    seed: Annotated[int, typer.Option(metavar="N", help="Another one is another GitHub.")] = 1,
    seconds: Annotated[
        float | None, typer.Option(metavar="N", min=0, help="End after so long. Unset: at Ctrl-C.")
    ] = None,
) -> None:
    """Be a GitHub: organization, App, API and webhooks, on this machine alone.

    Prints the settings with which ghsync reads it, then what people do there.
    Try `doctor`, `resync`, `serve`, `serve --pull` and `heal` on it.
    """
    if not _is_url(hook):
        raise typer.BadParameter(f"{hook!r} is no URL that can be called, as {HOOK_URL} is.", param_hint="'--hook'")
    plan = Plan(repositories=repositories, conversations=conversations)
    with terminal.ended_by_signals(), _folder(port) as folder:
        asyncio.run(_simulate(plan, seed, folder, hook, port, a_minute, lose, seconds))


@contextmanager
def _folder(port: int) -> Iterator[Path]:
    """Where the App's key is: kept in the user's own cache, so that what a terminal has exported stays right.

    Where that is not the user's to write, it is a new folder, which is gone in the end.
    """
    kept = platformdirs.user_cache_path("ghsync") / "simulate" / str(port)
    with suppress(OSError):
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _is_ours(kept):
        kept.chmod(0o700)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="ghsync-simulate-") as folder:
        yield Path(folder)


def _is_ours(folder: Path) -> bool:
    """Whether it is a folder, and no link to one, that belongs to this user, who may write there."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and os.access(folder, os.W_OK)


async def _simulate(
    plan: Plan, seed: int, folder: Path, hook: str, port: int, a_minute: float, lose: float, seconds: float | None
) -> None:
    async with AsyncExitStack() as stack:
        try:
            hosted = await stack.enter_async_context(hosting(plan, seed, folder, hook=hook, port=port))
        except OSError as error:
            raise NotConfigured(
                f"Nothing can listen on port {port} ({error.strerror}): name another, --port."
            ) from error
        hosted.site.faults.hook = {"dropped": lose}
        _introduce(hosted, hook)
        with interrupts.ended_once(), suppress(TimeoutError, asyncio.CancelledError):  # Ctrl-C becomes the latter
            async with asyncio.timeout(seconds):
                await asyncio.gather(hosted.send(), _tell(hosted, seed, a_minute))
    terminal.console.print("This GitHub is gone.")


def _is_url(text: str) -> bool:
    try:
        found = urlsplit(text)
        is_there = found.port != 0 and bool(found.hostname)
    except ValueError:  # a port that is none
        return False
    return found.scheme in ("http", "https") and is_there and not any(character.isspace() for character in text)


async def _tell(hosted: Hosted, seed: int, a_minute: float) -> None:
    """Let people do something now and then, and say what."""
    async for done in hosted.live(Traffic(hosted.world, seed, HARMLESS, pauses=(0.0,)), a_minute):
        terminal.console.print(f"[dim]{done.at:%H:%M:%S}[/]  {terminal.cell(done.what)}", soft_wrap=True)


def _introduce(hosted: Hosted, hook: str) -> None:
    said = terminal.console.print
    seen = hosted.repositories
    there = wording.count(len(seen), "repository", "repositories")
    count = sum(len(repository.issues) for repository in seen)
    said(
        f"[bold]A simulated GitHub[/] at {hosted.address}: {there}, {count:,} issues and pull requests", soft_wrap=True
    )
    said(f"It delivers to {hook}. In another terminal:\n", soft_wrap=True, markup=False)
    for name, value in hosted.settings.items():
        said(f"  export {name}={shlex.quote(value)}", soft_wrap=True, markup=False)
    said(f"  # or, as a member of the organization: export GHSYNC_TOKEN={PERSONAL_TOKEN}", markup=False, soft_wrap=True)
    ghsync = terminal.called()
    said()
    for words, what in TO_TRY.items():
        said(f"  {ghsync} {words:<14}  [dim]# {what}[/]", soft_wrap=True)
    said()
    said("What happens there, until Ctrl-C:")
