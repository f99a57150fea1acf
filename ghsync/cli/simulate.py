"""`simulate`: a GitHub on this machine, to try ghsync on without an account."""

import asyncio
import secrets
import shlex
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Annotated
from urllib.parse import urlsplit

import typer

from ghsync import wording
from ghsync.cli import terminal
from ghsync.errors import NotConfigured
from ghsync.simulator.app import EVERY_EVENT
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.keys import Keys, new_private_key, public_key
from ghsync.simulator.sender import Sender
from ghsync.simulator.serving import serving
from ghsync.simulator.site import Site
from ghsync.simulator.traffic import Traffic
from ghsync.simulator.world import World

PORT = 8020
HOOK_URL = "http://127.0.0.1:8010/webhooks/github"
PERSONAL_TOKEN = "ghp_" + "0" * 36

HARMLESS = dict.fromkeys(("suspend", "unsuspend", "uninstall", "install", "lose_access", "regain_access"), 0.0)
"""Deeds that are not done: they would take away what is tried."""


def simulate(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Answer GitHub's API here.")] = PORT,
    hook: Annotated[str, typer.Option(metavar="URL", help="Deliver webhooks there.")] = HOOK_URL,
    repositories: Annotated[int, typer.Option(min=1, max=1000, help="How many there are.")] = 3,
    conversations: Annotated[int, typer.Option(min=0, max=50_000, help="Issues and pull requests at first.")] = 60,
    a_minute: Annotated[
        float, typer.Option("--a-minute", min=0, max=6000, help="Things that people do in a minute.")
    ] = 20,
    lose: Annotated[float, typer.Option(min=0, max=1, help="Share of deliveries that get lost on their way.")] = 0,
    seed: Annotated[int, typer.Option(help="Another one is another GitHub.")] = 1,
    seconds: Annotated[float | None, typer.Option(min=0, help="End after so long. Unset: at Ctrl-C.")] = None,
) -> None:
    """Be a GitHub: organization, App, API and webhooks, on this machine alone.

    Prints the settings with which ghsync reads it, then what people do there.
    Try `doctor`, `resync`, `serve`, `serve --pull` and `heal` on it.
    """
    if not _is_url(hook):
        raise typer.BadParameter(f"{hook!r} is no URL: it begins with http:// or https://.", param_hint="'--hook'")
    plan = Plan(repositories=repositories, conversations=conversations)
    with terminal.ended_by_signals(), tempfile.TemporaryDirectory(prefix="ghsync-simulate-") as folder:
        asyncio.run(_simulate(plan, seed, Path(folder), hook, port, a_minute, lose, seconds))


async def _simulate(
    plan: Plan, seed: int, folder: Path, hook: str, port: int, a_minute: float, lose: float, seconds: float | None
) -> None:
    # Deferred: the API's schema is parsed when this is imported.
    from ghsync.simulator.server import create_server

    world = generate(plan, seed=seed, events=EVERY_EVENT)
    world.clock.advance_to(datetime.now(UTC))
    world.app.hook_url = hook
    key, secret = new_private_key(), secrets.token_hex(16)
    key_path = folder / "private-key.pem"
    key_path.touch(mode=0o600)
    key_path.write_text(key)
    member = next(iter(world.members[next(iter(world.repositories.values())).owner]))
    app = create_server(world, Keys(public_key(key), secret, {PERSONAL_TOKEN: member}), keeps_time=True)
    site: Site = app.state.site
    site.faults.hook = {"dropped": lose}
    async with AsyncExitStack() as stack:
        try:
            address = await stack.enter_async_context(serving(app, port))
        except OSError as error:
            raise NotConfigured(
                f"Nothing can listen on port {port} ({error.strerror}): name another, --port."
            ) from error
        _introduce(world, address, key_path, secret, hook)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(_send(site), _live(site, seed, a_minute))
        except (TimeoutError, asyncio.CancelledError):  # asyncio.run turns Ctrl-C into the latter
            terminal.console.print("This GitHub is gone.")


def _is_url(text: str) -> bool:
    try:
        found = urlsplit(text)
    except ValueError:
        return False
    return found.scheme in ("http", "https") and bool(found.netloc)


async def _send(site: Site) -> None:
    async with Sender(site) as sender:
        await sender.run()


async def _live(site: Site, seed: int, a_minute: float) -> None:
    """Let people do something now and then, and say what."""
    traffic, random = Traffic(site.world, seed, HARMLESS, pauses=(0.0,)), Random(seed)  # noqa: S311 (it hides nothing)
    while a_minute:
        await asyncio.sleep(random.expovariate(a_minute / 60))
        site.keep_time()
        done = traffic.act()
        terminal.console.print(f"[dim]{done.at:%H:%M:%S}[/]  {terminal.cell(done.what)}", soft_wrap=True)


def _introduce(world: World, address: str, key_path: Path, secret: str, hook: str) -> None:
    said = terminal.console.print
    accounts = [installation.account for installation in world.installations.values()]
    seen = [repository for repository in world.repositories.values() if repository.owner in accounts]
    there = wording.count(len(seen), "repository", "repositories")
    count = sum(len(repository.issues) for repository in seen)
    said(f"[bold]A simulated GitHub[/] at {address}: {there}, {count:,} issues and pull requests", soft_wrap=True)
    said(f"It delivers to {hook}. In another terminal:\n", soft_wrap=True, markup=False)
    for name, value in _settings(world, address, key_path, secret).items():
        said(f"  export {name}={shlex.quote(value)}", soft_wrap=True, markup=False)
    said(f"  # or, as a member of the organization: export GHSYNC_TOKEN={PERSONAL_TOKEN}", markup=False, soft_wrap=True)
    said("\n  ghsync doctor")
    said("  ghsync serve           [dim]# or: ghsync serve --pull, where nothing is delivered[/]")
    said("  ghsync resync --all    [dim]# brings what was there before[/]")
    said("  ghsync heal            [dim]# brings in what was lost, or sent while nobody listened[/]\n")
    said("What happens there, until Ctrl-C:")


def _settings(world: World, address: str, key_path: Path, secret: str) -> Mapping[str, str]:
    return {
        "GHSYNC_API_URL": address,
        "GHSYNC_APP_ID": str(world.app.id),
        "GHSYNC_PRIVATE_KEY_PATH": str(key_path),
        "GHSYNC_WEBHOOK_SECRETS": secret,
    }
