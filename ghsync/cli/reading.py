"""What commands that read GitHub's API share: a reconciler, few words, and a good end by Ctrl-C."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from ghsync import log, migrate, settings
from ghsync.cli import terminal
from ghsync.cli.context import configured, require_schema
from ghsync.database import create_engine
from ghsync.errors import NotConfigured
from ghsync.github import credentials
from ghsync.github.client import GitHub
from ghsync.reconciler.reconciler import Reconciler
from ghsync.settings import Settings

T = TypeVar("T")

GOES_ON = "Stopped, and nothing is lost: run it again to go on."


def run(function: Callable[[Reconciler, Settings], Awaitable[T]], *, writes: bool = True) -> T:
    """Call an async function with a reconciler on the configured database; Ctrl-C ends it with one sentence.

    The database is migrated first, unless nothing is to be written: then one that is behind is an error.
    """

    async def call(loaded: Settings, url: str) -> T:
        engine = create_engine(url)
        try:
            async with GitHub(engine, loaded) as github:
                return await function(Reconciler(engine, github), loaded)
        finally:
            await engine.dispose()

    try:
        require_credentials(settings.load())  # before a database is started, or migrated, in vain
        with configured() as (loaded, url):
            if loaded.log_level == "info":  # what a run tells the log of a server, the command tells by itself
                log.configure(loaded.log_format, "warning")
            if writes:
                migrate.upgrade(url)
                migrate.check_writable(url)
            else:
                require_schema(url)
            return asyncio.run(call(loaded, url))
    except KeyboardInterrupt:
        terminal.note(GOES_ON if writes else "Stopped, and nothing was written.")
        raise typer.Exit(terminal.STOPPED) from None


def require_credentials(loaded: Settings) -> None:
    """Raises `NotConfigured` where nothing may read GitHub's API."""
    if credentials.app(loaded) is None and credentials.personal(loaded) is None:
        raise NotConfigured(credentials.NOBODY)
