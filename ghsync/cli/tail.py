"""`tail`: the change feed, one line an event."""

import asyncio
import contextlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.markup import escape
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import lookup, worker
from ghsync.changes import feed
from ghsync.cli import arguments, terminal
from ghsync.cli.context import configured
from ghsync.database import create_engine, transaction
from ghsync.errors import DatabaseUnavailable
from ghsync.mirror.nouns import NOUNS
from ghsync.reports.feed import Feed, FeedFilter

SHOWN_AT_FIRST = 10
RETRY_SECONDS = 1.0
POLL_SECONDS = 5.0  # a notification may be missed; an event may not
LONGEST_VALUE = 40
SHOWN_FIELDS = 6
TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)")
SHA = re.compile(r"\b([0-9a-f]{7})[0-9a-f]{33}\b")

ENTITIES = {noun.name: noun.word for noun in NOUNS} | {"pr_tracking": "tracking"}
STYLES = {"insert": "green", "update": "yellow", "delete": "red", "restore": "green"}
NAMES = (
    "title",
    "full_name",
    "name",
    "tag_name",
    "account_login",
    "body",
)  # what a new row is called by, the best first

WORDS = {word.replace(" ", "-"): entity for entity, word in ENTITIES.items()}
"""What `--kind` takes."""


def tail(
    start: Annotated[
        int | None, typer.Option("--from", min=0, metavar="SEQ", help="Start with this event instead of the newest.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=arguments.moment, metavar="TIME", help=f"Start with what changed since: {arguments.MOMENT_HELP}"
        ),
    ] = None,
    repo: Annotated[
        str | None, typer.Option(parser=arguments.full_name, metavar="OWNER/NAME", help="Only this repository.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(parser=arguments.one_of(WORDS), metavar="KIND", help=f"Only one kind: {', '.join(WORDS)}."),
    ] = None,
    number: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the issue or pull request with this number.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")] = False,
    follow: Annotated[bool, typer.Option(help="Wait for more events, or stop after the last.")] = True,
) -> None:
    """Follow the change feed.

    Events are numbered in order of commit, without gaps: whoever has seen
    event N goes on with --from N+1 and misses nothing. When the server goes
    away, it is waited for.
    """
    if start is not None and since:
        raise typer.BadParameter("Give --from or --since.")

    async def print_all(url: str) -> None:
        engine = create_engine(url, pool_size=1)
        try:
            repository = await _repository(engine, repo) if repo else None
            events = Feed(engine, FeedFilter(repository, WORDS[kind] if kind else None, number))
            if since:
                await events.seek_time(since)
            elif start is None:
                await events.seek_newest(SHOWN_AT_FIRST)
            else:
                await events.seek(start)
            await print_events(events, url, as_json=as_json, follow=follow)
        finally:
            await engine.dispose()

    with configured() as (_, url):
        asyncio.run(print_all(url))


async def _repository(engine: AsyncEngine, name: str) -> str:
    async with transaction(engine) as conn:
        return str((await lookup.repository(conn, name)).id)


async def print_events(source: Feed, url: str, *, as_json: bool = False, follow: bool = True) -> None:
    """Print events from the feed's position on, to the last one or for ever; a server that went away is waited for."""
    changed = asyncio.Event()
    listener = asyncio.create_task(worker.listen(url, (feed.CHANNEL,), changed.set)) if follow else None
    away = False
    try:
        while True:
            changed.clear()
            try:
                events = await source.read()
            except DatabaseUnavailable as error:
                if not follow:
                    raise
                if not away:
                    terminal.note(f"{error.sentence} Going on after {source.position} when it is there again.")
                away = True
                await asyncio.sleep(RETRY_SECONDS)
                continue
            away = False
            for event in events or ():
                if as_json:
                    terminal.print_json(event)
                else:
                    _print(line(event))
            sys.stdout.flush()  # a pipe's reader waits for nothing that is here
            if events is None and not follow:
                return
            if events is None:
                # Not wait_for: until Python 3.12 it may swallow a Ctrl-C that comes together with a notification.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await changed.wait()
    finally:
        if listener:
            listener.cancel()


def _print(markup: str) -> None:
    """One line, which ends where a terminal does; whatever else reads it gets all of it."""
    if terminal.console.is_terminal:
        terminal.console.print(markup, no_wrap=True, overflow="ellipsis")
    else:
        terminal.console.print(markup, soft_wrap=True)


def line(event: Mapping[str, Any]) -> str:
    """An event as a line of markup: its number, time, entity, where, operation, what changed."""
    return f"{event['seq']:>6} [dim]{terminal.moment(event['created_at'])}[/] {gist(event, entity_width=12)}"


def gist(event: Mapping[str, Any], *, entity_width: int = 0) -> str:
    """The same without number and time."""
    entity = ENTITIES.get(event["entity_type"], event["entity_type"])
    where = event["repository"] or ""
    if event["number"] is not None:
        where += f"#{event['number']}"
    operation = event["operation"]
    return (
        f"{entity:<{entity_width}} [bold]{escape(where)}[/] "
        f"[{STYLES.get(operation, 'white')}]{operation}[/] {escape(_difference(event))}"
    ).rstrip()


def _difference(event: Mapping[str, Any]) -> str:
    old, new = event["old_values"] or {}, event["new_values"] or {}
    if event["operation"] == "insert":
        return next((short(new[name]) for name in NAMES if new.get(name)), "")
    if event["operation"] in ("delete", "restore"):
        return ""
    fields = sorted(new.keys() - {"updated_at"}, key=lambda name: (name == "metadata", name)) or list(new)
    told = [f"{name} {_change(old.get(name), new[name])}" for name in fields[:SHOWN_FIELDS]]
    if len(fields) > SHOWN_FIELDS:
        told.append(f"and {len(fields) - SHOWN_FIELDS} more")
    return ", ".join(told)


def _change(old: Any, new: Any) -> str:
    if isinstance(old, list) and isinstance(new, list):
        return _list_change(old, new)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return f"({', '.join(name for name in new if old.get(name) != new[name])})"
    return f"{short(old)} → {short(new)}"


def _list_change(old: Sequence[Any], new: Sequence[Any]) -> str:
    """What came into a list and what went, as far as that tells the difference."""
    before, after = [_called(item) for item in old], [_called(item) for item in new]
    moved = [f"+{item}" for item in after if item not in before] + [f"-{item}" for item in before if item not in after]
    return short(" ".join(moved)) or "changed"


def _called(item: Any) -> str:
    if isinstance(item, Mapping):
        return str(next((item[name] for name in ("name", "login", "slug", "title", "id") if item.get(name)), item))
    return str(item)


def short(value: Any, length: int = LONGEST_VALUE) -> str:
    """A value in a few words."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        text = _called(value)
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = SHA.sub(r"\1", TIMESTAMP.sub(r"\1 \2", " ".join(text.split())))
    return text if len(text) <= length else text[: length - 1] + "…"
