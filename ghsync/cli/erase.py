"""`erase-person`: what names somebody says a pseudonym instead."""

from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import wording
from ghsync.administration import erasure
from ghsync.administration.erasure import Erased
from ghsync.cli import arguments, terminal
from ghsync.cli.context import run
from ghsync.database import transaction
from ghsync.errors import NotFound


def erase_person(
    login: Annotated[str, typer.Argument(metavar="LOGIN", help="A login, an id at GitHub, or an address.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; tell what names them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
    as_json: arguments.Json = False,
) -> None:
    """Erase a person from rows, payloads, feed and audit log.

    Their login, those that they had, their id at GitHub and their address become
    a pseudonym, and payloads that name them are deleted; as a user they are gone,
    with their keys, sessions and memberships. What people wrote about them in plain
    words stays. While GitHub still shows them, what it tells next names them again.
    """
    found = run(lambda engine: _erase(engine, login, rehearsed=True))
    if not found.rows and not found.payloads and not found.waiting:
        raise NotFound(f"Nothing here names {login}.")
    if not dry_run:
        if not yes and not typer.confirm(f"{_counts(found)} would be changed, for good. Erase {login}?", err=True):
            raise typer.Exit(terminal.FAILED)
        found = run(lambda engine: _erase(engine, login, rehearsed=False))
    if as_json:
        terminal.print_json({"pseudonym": None if dry_run else found.pseudonym, "rows": found.rows,
                             "payloads": found.payloads, "waiting": found.waiting})  # fmt: skip
        return
    shown = terminal.table("Where", "rows")
    shown.columns[1].justify = "right"
    for name, count in found.rows.items():
        shown.add_row(terminal.cell(name), f"{count:,}")
    if found.payloads:
        shown.add_row("payloads of deliveries", f"{found.payloads:,}")
    terminal.console.print(shown)
    if not dry_run:
        terminal.console.print(f"{login} is {found.pseudonym} from now on.", markup=False)
    if found.waiting:
        terminal.note(
            f"They are still named in {wording.deliveries(found.waiting)}, waiting or parked: run this again when that "
            "is done, or dismissed.",
            style="yellow",
        )


async def _erase(engine: AsyncEngine, login: str, *, rehearsed: bool) -> Erased:
    async with transaction(engine) as conn:
        person = await erasure.find(conn, login)
    return await erasure.erase(engine, person, rehearsed=rehearsed, actor=terminal.operator())


def _counts(found: Erased) -> str:
    rows = wording.count(sum(found.rows.values()), "row")
    return f"{rows} and {wording.count(found.payloads, 'payload')}"
