"""`demo`: everything at once, with nothing to set up."""

import asyncio
import json
import shutil
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx
import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import embedded, log, wording
from ghsync.cli import tail, terminal
from ghsync.cli.tail import short
from ghsync.database import create_engine, transaction
from ghsync.demo import arrivals, results, stage, stories
from ghsync.demo.arrivals import Arrival
from ghsync.demo.results import Results
from ghsync.demo.stage import Stage
from ghsync.demo.stories import Story
from ghsync.inbox import recording

INTERVAL_SECONDS = 0.02  # fifty deliveries a second


def demo(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Receive here, not on any free port.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the database's files behind, and say where.")] = False,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Stay up so long afterwards. [default: on a terminal until Ctrl-C, else not at all]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Try everything on this machine: no GitHub account, no questions.

    Starts an embedded PostgreSQL and `ghsync serve` in a temporary directory,
    sends it recorded deliveries, signed and over HTTP, as GitHub does, and
    shows what is in the database and how soon. Nothing is left behind.
    """
    log.configure("console", "warning")
    with terminal.ended_by_signals(), _staged(port, keep) as staged:
        asyncio.run(_play(staged, seconds))
        if keep:
            _say(f"The files are in {staged.directory}: GHSYNC_DATA_DIR={staged.directory} ghsync status")


@contextmanager
def _staged(port: int | None, keep: bool) -> Iterator[Stage]:
    starting = terminal.notices.status("Starting PostgreSQL and ghsync serve")
    with starting, stage.running(port=port, keep=keep) as staged:
        starting.stop()
        yield staged


async def _play(staged: Stage, seconds: float | None) -> None:
    engine = create_engine(staged.database_url)
    try:
        told = stories.load()
        async with transaction(engine) as conn:
            await stories.prepare(conn, told)
            version = await conn.scalar(results.VERSION)
        _introduce(staged, told, str(version))
        arrived = await _tell(staged, told)
        async with transaction(engine) as conn:
            found = await results.read(conn)
        _show_results(found, told)
        await _show_changes(engine)
        if not _conclude(arrived):
            raise typer.Exit(terminal.FAILED)
        await _stay(staged, engine, seconds)
    finally:
        await engine.dispose()


def _introduce(staged: Stage, told: Sequence[Story], version: str) -> None:
    count = sum(len(story.deliveries) for story in told)
    _say("[bold]ghsync demo[/]\n")
    _say(f"  [dim]receiver[/]    {staged.endpoint}, one `ghsync serve` process")
    _say(f"  [dim]database[/]    PostgreSQL {version}, embedded, in {staged.directory}")
    _say(f"  [dim]deliveries[/]  {count} recorded in {len(told)} stories; signed, sent over HTTP, as of now\n")


async def _tell(staged: Stage, told: Sequence[Story]) -> list[Arrival]:
    """Send every story, and say of each how it went."""
    arrived: list[Arrival] = []
    limits = httpx.Limits(max_connections=1)
    async with (
        httpx.AsyncClient(limits=limits, timeout=arrivals.PATIENCE_SECONDS, trust_env=False) as client,
        arrivals.watching(staged.database_url) as watcher,
    ):
        with terminal.progress() as bar:
            for story in told:
                task = bar.add_task(story.title, total=len(story.deliveries))
                waiting = []
                for recorded in recording.shift(story.deliveries, datetime.now(UTC)):
                    due_at = time.monotonic() + INTERVAL_SECONDS
                    waiting.append(await arrivals.send(client, watcher, staged.endpoint, staged.secret, recorded))
                    bar.advance(task)
                    await asyncio.sleep(due_at - time.monotonic())
                ended = await asyncio.gather(*waiting)
                bar.remove_task(task)
                _show_story(story, ended)
                arrived += ended
    return arrived


def _show_story(story: Story, ended: Sequence[Arrival]) -> None:
    failed = [arrival for arrival in ended if arrival.problem]
    median = statistics.median(arrival.seconds for arrival in ended)
    outcome = f"[red]{len(failed)} failed[/]" if failed else f"{wording.duration(median):>6}"
    title = f"{short(story.title, 52):<52}"
    _say(f"  {story.number:>2}  {terminal.cell(title)} {len(ended):>3} deliveries {outcome}")
    for arrival in failed:
        terminal.note(f"      {arrival.sent.path.name}: {arrival.problem}", style="red")


def _show_results(found: Results, told: Sequence[Story]) -> None:
    story = _stories_of_repositories(told)

    def place(row: Mapping[str, Any]) -> tuple[int, int]:
        return story[row["github_id"]], row["number"]

    _show_table(
        "github_issues", ("title", "state", "labels", "assignees"),
        [(*place(row), short(row["title"], 22), row["state"], short(row["labels"], 14), row["assignees"])
         for row in found.issues],
    )  # fmt: skip
    _show_table(
        "github_pull_requests", ("title", "state", "branches", "lines"),
        [(*place(row), short(row["title"], 30), row["state"], short(f"{row['head']} → {row['base']}", 22),
          f"+{row['additions']} -{row['deletions']}") for row in found.pull_requests],
    )  # fmt: skip
    _show_table(
        "pr_tracking", ("status", "merge", "review", "ci", "task"),
        [(*place(row), row["status"], row["merge_status"], row["review_status"], row["ci_status"],
          short(row["task"] or "", 24)) for row in found.tracking],
    )  # fmt: skip
    _show_table(
        "task_github_links", ("kind", "task", "because of", "evidence"),
        [(*place(row), row["kind"], short(row["task"], 20), row["because"], short(row["evidence"] or "", 15))
         for row in found.links],
    )  # fmt: skip


def _stories_of_repositories(told: Sequence[Story]) -> Mapping[str, int]:
    """Which story a repository is from, by GitHub's id."""
    known: dict[str, int] = {}
    for story in told:
        for recorded in story.deliveries:
            if repository := json.loads(recorded.body).get("repository"):
                known[str(repository["id"])] = story.number
    return known


def _show_table(title: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows begin with the number of their story and their own."""
    shown = terminal.table("story", "#", *columns, title=title)
    for row in sorted(rows, key=lambda row: row[:2]):
        shown.add_row(*map(terminal.cell, row))
    _say("")
    terminal.console.print(shown)


async def _show_changes(engine: AsyncEngine) -> None:
    """The newest lines of the change feed."""
    events = tail.Feed(engine)
    await events.seek_newest(tail.SHOWN_AT_FIRST)
    terminal.console.print("\n[bold]change_events[/] [dim](the last of them)[/]")
    for event in await events.read() or ():
        terminal.console.print(tail.line(event), no_wrap=True, overflow="ellipsis", soft_wrap=False)


def _conclude(arrived: Sequence[Arrival]) -> bool:
    """Say how soon everything was there; answers whether it was."""
    failed = sum(1 for arrival in arrived if arrival.problem)
    if failed:
        terminal.note(f"\n{failed} of {len(arrived)} deliveries did not arrive.", style="red")
        return False
    percentiles = statistics.quantiles((arrival.seconds for arrival in arrived), n=100, method="inclusive")
    half, nearly_all = wording.duration(percentiles[49]), wording.duration(percentiles[98])
    _say(
        f"\n[bold green]All {len(arrived)} deliveries arrived.[/] "
        f"From POST to visible rows: p50 [bold]{half}[/], p99 [bold]{nearly_all}[/]."
    )
    return True


async def _stay(staged: Stage, engine: AsyncEngine, seconds: float | None) -> None:
    """Keep everything up and show the change feed, until Ctrl-C or for some time."""
    if seconds is None and not sys.stdout.isatty():
        return
    _invite(staged)
    events = tail.Feed(engine)
    try:
        async with asyncio.timeout(seconds):
            await events.seek_newest(0)
            await tail.print_events(events, staged.database_url)
    except (TimeoutError, asyncio.CancelledError):  # asyncio.run turns Ctrl-C into the latter
        _say("Stopping.")


def _invite(staged: Stage) -> None:
    psql = shutil.which("psql") or embedded.binaries() / "psql"
    _say(
        f"\nAll of it keeps running until Ctrl-C. In another terminal:\n\n"
        f"  {psql} '{staged.database_url}'\n"
        f"  GHSYNC_DATABASE_URL='{staged.database_url}' ghsync status\n"
        f"  ghsync replay {stories.directory()} --as-of-now --to {staged.address} --secret {staged.secret}\n\n"
        "What changes from here on:"
    )


def _say(text: str) -> None:
    terminal.console.print(text, soft_wrap=True)
