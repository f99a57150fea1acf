"""`deliveries`: the inbox for operators."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import wording
from ghsync.administration import deliveries as acts
from ghsync.cli import arguments, terminal
from ghsync.cli.context import in_transaction
from ghsync.cli.program import program
from ghsync.inbox.delivery import KEPT_HEADERS
from ghsync.reports import deliveries
from ghsync.reports.deliveries import LISTED, DeliveryFilter, DeliveryStatus, Row

app = program(help="Look into the inbox; replay, park or dismiss deliveries.")

Id = Annotated[str, typer.Argument(metavar="ID", help="Number in the inbox, or GitHub's GUID.")]
Reason = Annotated[str, typer.Option(help="Why, for whoever looks at it later.")]
Since = Annotated[
    datetime | None, typer.Option(parser=arguments.moment, metavar="TIME", help=arguments.ARRIVED_SINCE_HELP)
]
Event = Annotated[str | None, typer.Option(metavar="EVENT", help="Only this event, like pull_request.")]


@app.command("list")
def show_list(
    status: Annotated[
        DeliveryStatus | None,
        typer.Option(
            parser=arguments.one_of(DeliveryStatus),
            metavar="STATUS",
            help=f"Only those in this state: {', '.join(DeliveryStatus)}.",
        ),
    ] = None,
    event: Event = None,
    repo: Annotated[
        str | None, typer.Option(parser=arguments.full_name, metavar="OWNER/NAME", help="Only this repository.")
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many.")] = 20,
    as_json: arguments.Json = False,
) -> None:
    """List deliveries, the newest first."""
    chosen = DeliveryFilter(status, event, repo)
    found = in_transaction(lambda conn: deliveries.listing(conn, chosen, limit))
    terminal.print_listing(found, _listing, as_json, empty="No such deliveries.")


@app.command()
def show(
    delivery: Id,
    body: Annotated[bool, typer.Option("--body", help="Show the payload, too.")] = False,
    as_json: arguments.Json = False,
) -> None:
    """Show one delivery: its state, headers and last error."""
    found = in_transaction(lambda conn: deliveries.find(conn, delivery))
    content = deliveries.content(found) if body else None
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
        if content is None:
            terminal.note("The payload is past its retention.")
        else:
            _print_payload(content)


@app.command()
def replay(
    named: Annotated[
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
    if bool(named) == bool(parked or event):
        raise typer.BadParameter(
            "Name deliveries by ID, or choose them with --parked or --event; --since narrows that down."
        )
    if since and named:
        raise typer.BadParameter("--since goes with --parked or --event.")

    chosen = DeliveryFilter(DeliveryStatus.parked if parked else None, event, since=since)

    async def requeue(conn: AsyncConnection) -> acts.RequeueCounts:
        if named:
            return await acts.replay(conn, named, actor=terminal.operator())
        return await acts.replay_all(conn, chosen, actor=terminal.operator())

    queued, waiting, aged = in_transaction(requeue)
    sentence = f"Queued {wording.deliveries(queued)} again"
    terminal.console.print(f"{sentence}; {waiting:,} waited already." if waiting else f"{sentence}.")
    if aged:
        terminal.note(
            f"{wording.deliveries(aged)} cannot be replayed: the payload is past its retention. "
            "`ghsync resync` reads from GitHub what they were about.",
            style="red",
        )
        raise typer.Exit(terminal.FAILED)


@app.command()
def park(delivery: Id, reason: Reason) -> None:
    """Take a waiting delivery out of the queue; `deliveries replay` puts it back."""
    why = _stated(reason)
    number = in_transaction(lambda conn: acts.park(conn, delivery, why, actor=terminal.operator()))
    terminal.console.print(f"Parked delivery {number}.")


@app.command()
def dismiss(
    named: Annotated[list[str], typer.Argument(metavar="ID", help="Numbers in the inbox, or GUIDs.")],
    reason: Reason,
) -> None:
    """Have parked deliveries count as ignored: they are kept, and make nothing stale.

    It is for those that will never be read; `deliveries replay` puts them back.
    """
    why = _stated(reason)
    count = in_transaction(lambda conn: acts.dismiss(conn, named, why, actor=terminal.operator()))
    terminal.console.print(f"Dismissed {wording.deliveries(count)}.")


def _stated(reason: str) -> str:
    if not reason.strip():
        raise typer.BadParameter("The reason is empty.")
    return reason.strip()


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


def _print_payload(content: Any) -> None:
    if isinstance(content, str):
        terminal.console.print(content, markup=False, soft_wrap=True)
    else:
        indented = msgspec.json.format(msgspec.json.encode(content), indent=2).decode()
        terminal.console.print(indented, markup=False, soft_wrap=True)
