"""`deliveries`: the inbox for operators. What they do to it is written to the audit log."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import audit, payload
from ghsync.cli import arguments, lookup, terminal
from ghsync.cli.context import run
from ghsync.cli.program import program
from ghsync.database import transaction
from ghsync.errors import NotFound, Permanent
from ghsync.inbox import queue
from ghsync.inbox.delivery import KEPT_HEADERS
from ghsync.inbox.table import table

app = program(help="Look into the inbox; replay, park or dismiss deliveries.")

LISTED = (
    "id", "guid", "hook_target", "event", "action", "repository", "status", "attempts", "received_at", "processed_at",
    "next_attempt_at", "last_error",
)  # fmt: skip
NUMBER = re.compile("[0-9]{1,18}")
AUDITED_IDS = 100  # more are told by how they were chosen

Row = dict[str, Any]

Id = Annotated[str, typer.Argument(metavar="ID", help="Number in the inbox, or GitHub's GUID.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Reason = Annotated[str, typer.Option(help="Why, for whoever looks at it later.")]
Since = Annotated[datetime | None, typer.Option(parser=arguments.moment, metavar="TIME", help=arguments.MOMENT_HELP)]
Event = Annotated[str | None, typer.Option(help="Only this event, like pull_request.")]


class Status(StrEnum):
    """The states of a delivery."""

    pending = "pending"
    processed = "processed"
    ignored = "ignored"
    parked = "parked"


@app.command("list")
def show_list(
    status: Annotated[Status | None, typer.Option(help="Only those in this state.")] = None,
    event: Event = None,
    repo: Annotated[
        str | None, typer.Option(parser=arguments.full_name, metavar="OWNER/NAME", help="Only this repository.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """List deliveries, the newest first."""
    statement = sa.select(*(table.c[name] for name in LISTED)).order_by(table.c.id.desc()).limit(limit)
    if status:
        # The state as a literal: a partial index is not seen through a parameter.
        statement = statement.where(table.c.status == sa.literal_column(f"'{status}'"))
    if event:
        statement = statement.where(table.c.event == event)

    async def read(engine: AsyncEngine) -> list[Row]:
        async with transaction(engine) as conn:
            chosen = statement
            if repo:
                chosen = chosen.where(table.c.repository.in_(await lookup.spellings(conn, repo)))
            return [dict(row) for row in (await conn.execute(chosen)).mappings()]

    terminal.print_listing(run(read), _listing, as_json, empty="No such deliveries.")


@app.command()
def show(
    delivery: Id,
    body: Annotated[bool, typer.Option("--body", help="Show the payload, too.")] = False,
    as_json: Json = False,
) -> None:
    """Show one delivery: its state, headers and last error."""

    async def read(engine: AsyncEngine) -> Row:
        async with transaction(engine) as conn:
            return await _find(conn, delivery)

    found = run(read)
    content = _payload(found) if body else None
    headers = {name: value for name, value in found["headers"].items() if name.lower() in KEPT_HEADERS}
    shown = {name: found[name] for name in LISTED} | {"headers": headers}
    if as_json:
        terminal.print_json(shown | ({"body": content} if body else {}))
        return
    facts = Table.grid(padding=(0, 3))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name in LISTED:
        if shown[name] is not None and name != "last_error":
            facts.add_row(name.replace("_", " "), terminal.cell(shown[name]))
    facts.add_section()
    for name, value in shown["headers"].items():
        facts.add_row(terminal.cell(name), terminal.cell(value))
    terminal.console.print(facts)
    if shown["last_error"]:
        terminal.console.print("\n[bold]Last error[/]")
        terminal.console.print(shown["last_error"].rstrip(), style="red", markup=False, soft_wrap=True)
    if body:
        terminal.console.print()
        _print_payload(content)


@app.command()
def replay(
    deliveries: Annotated[
        list[str] | None, typer.Argument(metavar="ID", help="Numbers in the inbox, or GUIDs.", show_default=False)
    ] = None,
    parked: Annotated[bool, typer.Option("--parked", help="All that are parked.")] = False,
    event: Event = None,
    since: Since = None,
) -> None:
    """Queue deliveries again, by ID or by what they have in common.

    It does no harm to those that were processed: an older payload never
    overwrites a newer one.
    """
    if bool(deliveries) == bool(parked or event):
        raise typer.BadParameter(
            "Name deliveries by ID, or choose them with --parked or --event; --since narrows that down."
        )
    if since and deliveries:
        raise typer.BadParameter("--since goes with --parked or --event.")

    async def requeue(engine: AsyncEngine) -> tuple[int, int]:
        async with transaction(engine) as conn:
            if deliveries:
                ids = [(await _find(conn, delivery))["id"] for delivery in deliveries]
            else:
                ids = await _chosen(conn, parked, event, since)
            queued = await queue.requeue(conn, ids)
            if queued:
                await _write_down(conn, "delivery.replayed", ids, _choice(parked, event, since) | {"count": queued})
            return queued, len(set(ids)) - queued

    queued, waiting = run(requeue)
    sentence = f"Queued {terminal.deliveries(queued)} again"
    terminal.console.print(f"{sentence}; {waiting:,} waited already." if waiting else f"{sentence}.")


@app.command()
def park(
    delivery: Id,
    reason: Reason,
) -> None:
    """Take a waiting delivery out of the queue; `deliveries replay` puts it back."""
    _require(reason)

    async def set_aside(engine: AsyncEngine) -> int:
        async with transaction(engine) as conn:
            found = await _find(conn, delivery)
            done = await conn.execute(
                _PARK, {"id": found["id"], "error": f"Parked by {terminal.operator()}: {reason.strip()}"}
            )
            if not done.rowcount:
                raise Permanent(f"Delivery {found['id']} is {found['status']}: only one that waits can be parked.")
            await _write_down(conn, "delivery.parked", [found["id"]], {"reason": reason.strip()})
            return int(found["id"])

    terminal.console.print(f"Parked delivery {run(set_aside)}.")


@app.command()
def dismiss(
    deliveries: Annotated[list[str], typer.Argument(metavar="ID", help="Numbers in the inbox, or GUIDs.")],
    reason: Reason,
) -> None:
    """Have parked deliveries count as ignored: they are kept, and make nothing stale.

    It is for those that will never be read; `deliveries replay` puts them back.
    """
    _require(reason)

    async def ignore(engine: AsyncEngine) -> int:
        async with transaction(engine) as conn:
            found = {one["id"]: one for one in [await _find(conn, delivery) for delivery in deliveries]}
            for one in found.values():
                if one["status"] != Status.parked:
                    raise Permanent(
                        f"Delivery {one['id']} is {one['status']}: only one that is parked can be dismissed."
                    )
            ids = list(found)
            why = f"Dismissed by {terminal.operator()}: {reason.strip()}"
            done = await conn.execute(_DISMISS, {"ids": ids, "why": why})
            await _write_down(conn, "delivery.dismissed", ids, {"reason": reason.strip()})
            return done.rowcount

    terminal.console.print(f"Dismissed {terminal.deliveries(run(ignore))}.")


def _require(reason: str) -> None:
    if not reason.strip():
        raise typer.BadParameter("The reason is empty.")


_PARK = sa.text("""
UPDATE webhook_deliveries SET status = 'parked', processed_at = now(), last_error = :error
WHERE id = :id AND status = 'pending'
""")

# What was wrong with it stays readable, after why it does not matter.
_DISMISS = sa.text("""
UPDATE webhook_deliveries SET status = 'ignored', last_error = :why || coalesce(E'\\n' || last_error, '')
WHERE id = ANY(:ids) AND status = 'parked'
""")


async def _find(conn: AsyncConnection, text: str) -> Row:
    """A delivery by its number or its GUID; raises `NotFound`."""
    column, value = (table.c.id, int(text)) if NUMBER.fullmatch(text) else (table.c.guid, text)
    found = (await conn.execute(sa.select(table).where(column == value).limit(2))).mappings().all()
    if not found:
        raise NotFound(f"There is no delivery {text}.")
    if len(found) > 1:
        raise NotFound(f"Several hooks were told of {text}: name one delivery by its number.")
    return dict(found[0])


async def _chosen(conn: AsyncConnection, parked: bool, event: str | None, since: datetime | None) -> list[int]:
    state = "status = 'parked'" if parked else "status <> 'pending'"
    statement = sa.select(table.c.id).where(sa.text(state)).order_by(table.c.id)
    if event:
        statement = statement.where(table.c.event == event)
    if since:
        statement = statement.where(table.c.received_at >= since)
    return list((await conn.execute(statement)).scalars())


def _choice(parked: bool, event: str | None, since: datetime | None) -> dict[str, Any]:
    chosen = {"parked": parked or None, "event": event, "since": since.isoformat() if since else None}
    return {name: value for name, value in chosen.items() if value}


async def _write_down(conn: AsyncConnection, action: str, ids: Sequence[int], values: Mapping[str, Any]) -> None:
    """One act is one row, however many deliveries it was done to."""
    listed = {"ids": list(ids)} if len(ids) <= AUDITED_IDS else {}
    name = f"delivery {ids[0]}" if len(ids) == 1 else terminal.deliveries(len(ids))
    await audit.record(
        conn,
        action=action,
        resource_type="webhook_delivery",
        entity_name=name,
        new_values={**values, **listed},
        actor_name=terminal.operator(),
    )


def _listing(found: Sequence[Row]) -> Table:
    shown = terminal.table("id", "received", "event", "repository", "status")
    for column in shown.columns:
        column.overflow = "ellipsis"
        column.no_wrap = column.header not in ("event", "repository")
    for row in found:
        event = ".".join(filter(None, (row["event"], row["action"])))
        cells = (row["id"], terminal.brief(row["received_at"]), event, row["repository"], row["status"])
        shown.add_row(*map(terminal.cell, cells), style="red" if row["status"] == "parked" else None)
    return shown


def _payload(delivery: Row) -> Any:
    """The decoded body, or its text where it is no JSON."""
    raw = bytes(delivery["body"])
    try:
        return json.loads(payload.json_bytes(delivery["headers"].get("content-type", payload.JSON), raw))
    except (ValueError, Permanent):
        return raw.decode(errors="replace")


def _print_payload(content: Any) -> None:
    if isinstance(content, str):
        terminal.console.print(content, markup=False, soft_wrap=True)
    else:
        indented = msgspec.json.format(msgspec.json.encode(content), indent=2).decode()
        terminal.console.print(indented, markup=False, soft_wrap=True)
