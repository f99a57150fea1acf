"""`repos`: mirrored repositories, the projects they belong to, their names and webhook secrets."""

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import audit, settings
from ghsync.cli import arguments, lookup, terminal
from ghsync.cli.context import rows, run
from ghsync.cli.program import program
from ghsync.database import transaction
from ghsync.encryption import Encryption
from ghsync.projector import linking
from ghsync.reconciler import health
from ghsync.tasks import links

app = program(help="Mirrored repositories: their projects, names and secrets.")

Row = dict[str, Any]

Name = Annotated[
    str, typer.Argument(parser=arguments.full_name, metavar="OWNER/NAME", help="Any name it was ever seen under.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_LIST = sa.text("""
SELECT r.full_name AS repository, r.github_id, p.slug AS project, r.visibility,
       CASE WHEN r.deleted_at IS NOT NULL THEN 'deleted' WHEN r.removed_at IS NOT NULL THEN 'removed'
            WHEN m.blocked_at IS NOT NULL THEN 'blocked' WHEN r.archived THEN 'archived' ELSE 'synced' END AS state,
       r.observed_at
FROM github_repositories r JOIN projects p ON p.id = r.project_id LEFT JOIN sync_marks m ON m.repository_id = r.id
ORDER BY lower(r.full_name), r.github_id
""")

_ASSIGN = sa.text("UPDATE github_repositories SET project_id = :project_id WHERE id = :id")

_ALIASES = sa.text("""
SELECT a.full_name AS name, a.first_observed_at, a.full_name = r.full_name AS current
FROM github_repository_aliases a JOIN github_repositories r ON r.id = a.repository_id
WHERE r.id = :id ORDER BY a.first_observed_at
""")

_SET_SECRET = sa.text("UPDATE github_repositories SET webhook_secret = :token WHERE id = :id")


@app.command("list")
def show_list(as_json: Json = False) -> None:
    """List the repositories that are mirrored."""
    found = [row | {"problem": _problem(row)} for row in rows(_LIST)]
    terminal.print_listing(found, _listing, as_json, empty="Nothing is mirrored yet.")
    for row in found:
        if row["problem"] and not as_json:
            terminal.note(row["problem"], style="red")


@app.command()
def assign(
    repository: Name,
    project: Annotated[str, typer.Option(metavar="PROJECT", help="Its slug, ORGANIZATION/SLUG or id.")],
) -> None:
    """Move a repository to another project; sync leaves it there.

    Numbers in tasks of both projects are linked anew.
    """

    async def move(engine: AsyncEngine) -> str:
        async with transaction(engine) as conn:
            found = await lookup.repository(conn, repository)
            target = await lookup.project(conn, project)
            if target.id == found.project_id:
                return f"{found.full_name} is in {target.organization}/{target.slug} already."
            await conn.execute(_ASSIGN, {"id": found.id, "project_id": target.id})
            concerned = await links.concerned(conn, found.id, [found.project_id, target.id])
            await linking.relink(conn, concerned, "a repository changed its project")
            await audit.record(
                conn,
                action="repository.assigned",
                resource_type="github_repository",
                resource_id=found.id,
                entity_name=found.full_name,
                old_values={"project_id": found.project_id},
                new_values={"project_id": target.id},
                actor_name=terminal.operator(),
            )
            return f"{found.full_name} is now in {target.organization}/{target.slug}."

    terminal.console.print(run(move), markup=False)


@app.command()
def aliases(repository: Name, as_json: Json = False) -> None:
    """List every name a repository was ever seen under."""

    async def read(engine: AsyncEngine) -> list[Row]:
        async with transaction(engine) as conn:
            found = await lookup.repository(conn, repository)
            return [dict(row) for row in (await conn.execute(_ALIASES, {"id": found.id})).mappings()]

    names = run(read)
    if as_json:
        terminal.print_json(names)
        return
    shown = terminal.table("name", "first observed", "")
    for name in names:
        shown.add_row(*map(terminal.cell, (name["name"], name["first_observed_at"], "now" if name["current"] else "")))
    terminal.console.print(shown)


@app.command()
def secret(
    repository: Name,
    clear: Annotated[bool, typer.Option("--clear", help="Forget the secret.")] = False,
) -> None:
    """Store the secret of a webhook that the repository has for itself.

    It is asked for, or read from standard input, and stored encrypted with
    GHSYNC_ENCRYPTION_KEYS. An App's webhook needs none: its secret is in
    GHSYNC_WEBHOOK_SECRETS.
    """
    encryption = Encryption(settings.load().encryption_keys)
    token = None if clear else encryption.encrypt(_read_secret(encryption))

    async def store(engine: AsyncEngine) -> str:
        async with transaction(engine) as conn:
            found = await lookup.repository(conn, repository)
            await conn.execute(_SET_SECRET, {"id": found.id, "token": token})
            await audit.record(
                conn,
                action="repository.secret_cleared" if clear else "repository.secret_set",
                resource_type="github_repository",
                resource_id=found.id,
                entity_name=found.full_name,
                actor_name=terminal.operator(),
            )
            return str(found.full_name)

    name = run(store)
    terminal.console.print(f"{'Forgot' if clear else 'Stored'} the webhook secret of {name}.", markup=False)


def _problem(row: Row) -> str | None:
    return health.BLOCKED.format(row["repository"]) if row["state"] == "blocked" else None


def _listing(found: Sequence[Row]) -> Table:
    shown = terminal.table("repository", "project", "state", "observed")
    for column in shown.columns:
        column.overflow = "ellipsis"
        column.no_wrap = column.header != "project"
    for row in found:
        cells = (row["repository"], row["project"], row["state"], terminal.brief(row["observed_at"]))
        shown.add_row(*map(terminal.cell, cells), style="dim" if row["state"] in ("deleted", "removed") else None)
    return shown


def _read_secret(encryption: Encryption) -> str:
    encryption.encrypt("")  # without a key there is no use in asking
    if sys.stdin.isatty():
        return str(typer.prompt("Webhook secret", hide_input=True, confirmation_prompt=True))
    given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise typer.BadParameter("Standard input holds no secret.")
    return given
