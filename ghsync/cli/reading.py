"""What commands that read GitHub's API share: a reconciler, few words, and a good end by Ctrl-C."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from ghsync import log, migrate
from ghsync.cli import terminal
from ghsync.cli.context import configured
from ghsync.database import create_engine
from ghsync.errors import NotConfigured
from ghsync.github.client import GitHub
from ghsync.reconciler.reconciler import Reconciler
from ghsync.settings import Settings

T = TypeVar("T")


def run(function: Callable[[Reconciler, Settings], Awaitable[T]]) -> T:
    """Call an async function with a reconciler on the configured database; Ctrl-C ends it with one sentence."""

    async def call(loaded: Settings, url: str) -> T:
        engine = create_engine(url)
        try:
            async with GitHub(engine, loaded) as github:
                if not (github.has_app or github.has_token):
                    raise NotConfigured(
                        "Nothing may read GitHub's API yet: "
                        "set GHSYNC_APP_ID and GHSYNC_PRIVATE_KEY_PATH, or GHSYNC_TOKEN."
                    )
                return await function(Reconciler(engine, github), loaded)
        finally:
            await engine.dispose()

    with configured() as (loaded, url):
        if loaded.log_level == "info":  # what a run tells the log of a server, the command tells by itself
            log.configure(loaded.log_format, "warning")
        migrate.upgrade(url)
        try:
            return asyncio.run(call(loaded, url))
        except KeyboardInterrupt:
            terminal.note("Stopped, and nothing is lost: run it again to go on.")
            raise typer.Exit(terminal.STOPPED) from None
