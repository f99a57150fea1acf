"""`tail`: the change feed, one line an event."""

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.markup import escape
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import worker
from ghsync.changes import feed
from ghsync.cli import terminal
from ghsync.cli.context import configured
from ghsync.database import create_engine, transaction

READ_AT_ONCE = 500
SHOWN_AT_FIRST = 10
POLL_SECONDS = 5.0  # a notification may be missed; an event may not
LONGEST_VALUE = 40
SHOWN_FIELDS = 6
TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)")

ENTITIES = {
    "github_repositories": "repository",
    "github_issues": "issue",
    "github_pull_requests": "pull request",
    "pr_tracking": "tracking",
    "github_comments": "comment",
    "github_labels": "label",
    "github_milestones": "milestone",
    "github_installations": "installation",
    "github_reviews": "review",
    "github_review_threads": "thread",
    "github_check_runs": "check run",
    "github_check_suites": "check suite",
    "github_commit_statuses": "status",
    "github_workflow_runs": "workflow run",
    "github_security_alerts": "alert",
    "github_branches": "branch",
}
STYLES = {"insert": "green", "update": "yellow", "delete": "red", "restore": "green"}
NAMES = ("title", "full_name", "name", "account_login", "body")  # what a new row is called by, the best first

_NAMES = sa.text("SELECT id::text, full_name FROM github_repositories WHERE id = ANY(CAST(:ids AS uuid[]))")


def tail(
    start: Annotated[
        int | None, typer.Option("--from", min=0, metavar="SEQ", help="Start with this event instead of the newest.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    follow: Annotated[bool, typer.Option(help="Wait for more events, or stop after the last.")] = True,
) -> None:
    """Follow the change feed.

    Events are numbered in order of commit, without gaps: whoever has seen
    event N goes on with --from N+1 and misses nothing.
    """

    async def print_all(url: str) -> None:
        engine = create_engine(url, pool_size=1)
        try:
            events = Feed(engine)
            if start is None:
                await events.seek_newest(SHOWN_AT_FIRST)
            else:
                events.seek(start)
            await print_events(events, url, as_json=as_json, follow=follow)
        finally:
            await engine.dispose()

    with configured() as (_, url):
        asyncio.run(print_all(url))


class Feed:
    """A position in the change feed; events come with the names of their repositories."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._after = 0
        self._names: dict[str, str] = {}

    def seek(self, start: int) -> None:
        """Go to just before an event."""
        self._after = start - 1

    async def seek_newest(self, count: int) -> None:
        """Go to just before so many of the newest events."""
        async with transaction(self._engine) as conn:
            self._after = max(await feed.last(conn) - count, 0)

    async def read(self) -> list[dict[str, Any]]:
        """The next events, none when there are no more."""
        async with transaction(self._engine) as conn:
            events = await feed.read(conn, self._after, READ_AT_ONCE)
            renamed = {event["repository_id"] for event in events if event["entity_type"] == "github_repositories"}
            ids = {event["repository_id"] for event in events if event["repository_id"]}
            unknown = [key for key in ids if key in renamed or key not in self._names]
            if unknown:
                found = await conn.execute(_NAMES, {"ids": unknown})
                self._names |= {row.id: row.full_name for row in found}
        if events:
            self._after = events[-1]["seq"]
        return [{**event, "repository": self._names.get(event["repository_id"])} for event in events]


async def print_events(source: Feed, url: str, *, as_json: bool = False, follow: bool = True) -> None:
    """Print events from the feed's position on, to the last one or for ever."""
    changed = asyncio.Event()
    listener = asyncio.create_task(worker.listen(url, (feed.CHANNEL,), changed.set)) if follow else None
    try:
        while True:
            changed.clear()
            events = await source.read()
            for event in events:
                if as_json:
                    terminal.print_json(event)
                else:
                    terminal.console.print(line(event), soft_wrap=True)
            if not events and not follow:
                return
            if len(events) < READ_AT_ONCE and follow:
                # Not wait_for: until Python 3.12 it may swallow a Ctrl-C that comes together with a notification.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await changed.wait()
    finally:
        if listener:
            listener.cancel()


def line(event: Mapping[str, Any]) -> str:
    """An event as a line of markup: time, entity, where, operation, what changed."""
    entity = ENTITIES.get(event["entity_type"], event["entity_type"])
    where = event["repository"] or ""
    if event["number"] is not None:
        where += f"#{event['number']}"
    operation = event["operation"]
    return (
        f"[dim]{event['created_at']:%H:%M:%S}[/] {entity:<12} [bold]{escape(where)}[/] "
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
