"""`tail`: the change feed, one line an event."""

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import sqlalchemy as sa
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

READ_AT_ONCE = 500
SHOWN_AT_FIRST = 10
RETRY_SECONDS = 1.0
POLL_SECONDS = 5.0  # a notification may be missed; an event may not
LONGEST_VALUE = 40
SHOWN_FIELDS = 6
TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)")

ENTITIES = {noun.name: noun.word for noun in NOUNS} | {"pr_tracking": "tracking"}
STYLES = {"insert": "green", "update": "yellow", "delete": "red", "restore": "green"}
NAMES = ("title", "full_name", "name", "account_login", "body")  # what a new row is called by, the best first

WORDS = {word.replace(" ", "-"): entity for entity, word in ENTITIES.items()}
"""What `--kind` takes."""

_NAMES = sa.text("SELECT id::text, full_name FROM github_repositories WHERE id = ANY(CAST(:ids AS uuid[]))")

# Times rise with numbers.
_SINCE = sa.text("SELECT seq FROM change_events WHERE created_at >= :since ORDER BY created_at, seq LIMIT 1")

_NEWEST = sa.text("""
SELECT min(seq) FROM (
  SELECT seq FROM change_events
  WHERE (CAST(:repository AS uuid) IS NULL OR repository_id = :repository)
    AND (CAST(:entity AS text) IS NULL OR entity_type = :entity) AND (CAST(:number AS int) IS NULL OR number = :number)
  ORDER BY seq DESC LIMIT :count) newest
""")


class FeedFilter(NamedTuple):
    """What is shown of the feed: of one repository (its id), one kind of thing, one number; None is any."""

    repository: str | None = None
    entity: str | None = None
    number: int | None = None

    def passes(self, event: Mapping[str, Any]) -> bool:
        """Whether an event is shown."""
        shown = (event["repository_id"], event["entity_type"], event["number"])
        return all(wanted is None or wanted == has for wanted, has in zip(self, shown, strict=True))


def tail(
    start: Annotated[
        int | None, typer.Option("--from", min=0, metavar="SEQ", help="Start with this event instead of the newest.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(parser=arguments.moment, metavar="TIME", help="Start with what changed since: 15m, 2h, a date."),
    ] = None,
    repo: Annotated[
        str | None, typer.Option(parser=arguments.full_name, metavar="OWNER/NAME", help="Only this repository.")
    ] = None,
    kind: Annotated[str | None, typer.Option(metavar="KIND", help=f"Only one kind: {', '.join(WORDS)}.")] = None,
    number: Annotated[int | None, typer.Option(min=1, help="Only the issue or pull request with this number.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    follow: Annotated[bool, typer.Option(help="Wait for more events, or stop after the last.")] = True,
) -> None:
    """Follow the change feed.

    Events are numbered in order of commit, without gaps: whoever has seen
    event N goes on with --from N+1 and misses nothing. When the server goes
    away, it is waited for.
    """
    if start is not None and since:
        raise typer.BadParameter("Give --from or --since.")
    if kind is not None and kind not in WORDS:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(WORDS)}.", param_hint="--kind")

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


class Feed:
    """A position in the change feed; events come with the names of their repositories."""

    def __init__(self, engine: AsyncEngine, shown: FeedFilter = FeedFilter()) -> None:  # noqa: B008 (it is immutable)
        self._engine = engine
        self._shown = shown
        self._after = 0
        self._names: dict[str, str] = {}

    @property
    def position(self) -> int:
        """The number of the event read last."""
        return self._after

    async def seek(self, start: int) -> None:
        """Go to just before an event; one that is still to come is waited for, and that is said."""
        self._after = start - 1
        async with transaction(self._engine) as conn:
            newest = await feed.last(conn)
        if start > newest + 1:
            terminal.note(f"The feed is at {newest} yet: nothing is shown before {start}.")

    async def seek_time(self, since: datetime) -> None:
        """Go to just before the first event since a time."""
        async with transaction(self._engine) as conn:
            first: int | None = await conn.scalar(_SINCE, {"since": since})
            self._after = await feed.last(conn) if first is None else first - 1

    async def seek_newest(self, count: int) -> None:
        """Go to just before so many of the newest events that are shown."""
        async with transaction(self._engine) as conn:
            newest = await feed.last(conn)
            first = await conn.scalar(_NEWEST, self._shown._asdict() | {"count": count}) if count else None
            self._after = newest if first is None else first - 1

    async def read(self) -> list[dict[str, Any]] | None:
        """Those of the next events that are shown; None where there are no more."""
        async with transaction(self._engine) as conn:
            read = await feed.read(conn, self._after, READ_AT_ONCE)
            events = [event for event in read if self._shown.passes(event)]
            renamed = {event["repository_id"] for event in events if event["entity_type"] == "github_repositories"}
            ids = {event["repository_id"] for event in events if event["repository_id"]}
            unknown = [key for key in ids if key in renamed or key not in self._names]
            if unknown:
                found = await conn.execute(_NAMES, {"ids": unknown})
                self._names |= {row.id: row.full_name for row in found}
        if not read:
            return None
        self._after = read[-1]["seq"]
        return [{**event, "repository": self._names.get(event["repository_id"])} for event in events]


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
                    terminal.console.print(line(event), soft_wrap=True)
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
    text = TIMESTAMP.sub(r"\1 \2", " ".join(text.split()))
    return text if len(text) <= length else text[: length - 1] + "…"
