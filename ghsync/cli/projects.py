"""`projects`: where tasks and repositories belong."""

import re
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import audit
from ghsync.cli import terminal
from ghsync.cli.context import rows, run
from ghsync.cli.program import program
from ghsync.database import transaction
from ghsync.errors import NotFound, Permanent

app = program(help="Projects: where tasks and repositories belong.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_LIST = sa.text("""
SELECT p.id::text AS id, o.slug || '/' || p.slug AS project, p.name, p.status,
       (SELECT count(*) FROM github_repositories r WHERE r.project_id = p.id) AS repositories,
       (SELECT count(*) FROM tasks t WHERE t.project_id = p.id) AS tasks
FROM projects p JOIN organizations o ON o.id = p.organization_id ORDER BY o.slug, p.slug
""")

_ORGANIZATIONS = sa.text("""
SELECT id::text, slug FROM organizations
WHERE deleted_at IS NULL AND (slug = CAST(:name AS text) OR lower(github_login) = lower(CAST(:name AS text)))
ORDER BY slug = CAST(:name AS text) DESC LIMIT 1
""")

_CREATE = sa.text("""
INSERT INTO projects (organization_id, name, slug)
SELECT CAST(:organization AS uuid), CAST(:name AS text), CAST(:slug AS text)
WHERE NOT EXISTS (
  SELECT FROM projects WHERE organization_id = CAST(:organization AS uuid) AND slug = CAST(:slug AS text))
RETURNING id::text
""")


@app.command("list")
def show_list(as_json: Json = False) -> None:
    """List projects, with how many repositories and tasks they have."""
    columns = ("project", "name", "status", "repositories", "tasks", "id")
    terminal.print_rows(rows(_LIST), columns, as_json, empty="There are no projects yet: `ghsync projects create`.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it.")],
    organization: Annotated[str, typer.Option(metavar="ORGANIZATION", help="Its slug, or the GitHub account's login.")],
    slug: Annotated[str | None, typer.Option(help="How commands call it; else it follows from the name.")] = None,
    as_json: Json = False,
) -> None:
    """Make a project, and print its id.

    `ghsync repos assign` moves a repository there, and `ghsync tasks create`
    makes tasks in it.
    """
    slug = slug or re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not name.strip() or not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", slug):
        raise typer.BadParameter("A project needs a name, and a slug of a-z, 0-9, dots, dashes and underscores.")
    made = run(lambda engine: _create(engine, organization, {"name": name.strip(), "slug": slug}))
    if as_json:
        terminal.print_json(made)
    else:
        terminal.console.print(made["id"])


async def _create(engine: AsyncEngine, organization: str, values: dict[str, str]) -> dict[str, Any]:
    async with transaction(engine) as conn:
        home = (await conn.execute(_ORGANIZATIONS, {"name": organization})).one_or_none()
        if home is None:
            raise NotFound(f"There is no organization {organization}: a GitHub account gets one when it is first seen.")
        project = await conn.scalar(_CREATE, values | {"organization": home.id})
        if project is None:
            raise Permanent(f"{home.slug}/{values['slug']} is there already: give another --slug.")
        await audit.record(
            conn,
            action="project.created",
            resource_type="project",
            resource_id=project,
            entity_name=f"{home.slug}/{values['slug']}",
            new_values=values | {"organization": home.slug},
            actor_name=terminal.operator(),
        )
    return {"id": project, "project": f"{home.slug}/{values['slug']}", "name": values["name"]}
