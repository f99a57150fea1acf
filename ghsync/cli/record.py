"""`record`: deliveries from the inbox as files."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import lookup, wording
from ghsync.cli import arguments, terminal
from ghsync.cli.context import run
from ghsync.database import transaction
from ghsync.errors import NotWritable, UnreadableFixture
from ghsync.inbox import recording
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.table import table

FETCHED_AT_ONCE = 100  # bodies may be 25 MiB


def record(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go.", file_okay=False)],
    since: Annotated[
        datetime | None, typer.Option(parser=arguments.moment, metavar="TIME", help=arguments.ARRIVED_SINCE_HELP)
    ] = None,
    event: Annotated[str | None, typer.Option(metavar="EVENT", help="Only this event, like pull_request.")] = None,
    repo: Annotated[
        str | None, typer.Option(parser=arguments.full_name, metavar="OWNER/NAME", help="Only this repository.")
    ] = None,
    scrub: Annotated[
        bool, typer.Option("--scrub", help="Replace what names or quotes a person; the same way throughout this run.")
    ] = False,
    as_json: arguments.Json = False,
) -> None:
    """Write deliveries from the inbox as files that can be replayed.

    Each is DIR/EVENT/ACTION.json, with its headers beside it; where that is
    taken, the start of its GUID is added. Signatures are not written. Deliveries
    whose payload is past its retention are left out.
    """

    async def write(engine: AsyncEngine) -> tuple[int, int]:
        written = skipped = 0
        async with transaction(engine) as conn:
            with terminal.notices.status("Recording"):
                async for delivery in _stream(conn, since, event, repo):
                    try:
                        found = recording.of(delivery)
                        recording.write(directory, recording.scrub(found) if scrub else found)
                        written += 1
                    except UnreadableFixture as error:
                        skipped += 1
                        terminal.explain(error)
        return written, skipped

    try:
        directory.mkdir(parents=True, exist_ok=True)
        written, skipped = run(write)
    except OSError as error:
        raise NotWritable(f"{error.filename or directory} cannot be written ({error.strerror}).") from error
    if as_json:
        terminal.print_json({"recorded": written, "failed": skipped})
    else:
        what = f"Recorded {wording.deliveries(written)} in {directory}." if written else "No such deliveries."
        terminal.console.print(what, markup=False)
    if skipped:
        raise typer.Exit(terminal.FAILED)


async def _stream(
    conn: AsyncConnection, since: datetime | None, event: str | None, repo: str | None
) -> AsyncIterator[Delivery]:
    """Deliveries in order of arrival, through a cursor on the server."""
    columns = (
        "hook_target", "guid", "event", "action", "repository", "installation_id", "headers", "body", "received_at",
    )  # fmt: skip
    statement = sa.select(*(table.c[name] for name in columns)).where(table.c.body.is_not(None)).order_by(table.c.id)
    if since:
        statement = statement.where(table.c.received_at >= since)
    if event:
        statement = statement.where(table.c.event == event)
    if repo:
        statement = statement.where(table.c.repository.in_(await lookup.spellings(conn, repo)))
    options = {"yield_per": FETCHED_AT_ONCE}
    async for row in await conn.stream(statement, execution_options=options):
        yield Delivery(**row._mapping)
