"""`grants`: the SQL that gives two roles the rights that they need, and no more."""

import re
from typing import Annotated

import typer
from psycopg.conninfo import conninfo_to_dict

from ghsync import ownership, rights, settings
from ghsync.printable import printable

LONGEST_NAME_BYTES = 63

# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-OPTIONS
_SEARCH_PATH = re.compile(r"search_path=((?:\\.|[^\\\s])+)")


def grants(
    owner: Annotated[str, typer.Option(metavar="ROLE", help="Who owns the tables and migrates.")] = "ghsync",
    service: Annotated[str, typer.Option(metavar="ROLE", help="Who does all else.")] = "ghsync_service",
    schema: Annotated[
        str | None,
        typer.Option(metavar="SCHEMA", help="Where the tables are; by default as GHSYNC_DATABASE_URL says, or public."),
    ] = None,
) -> None:
    """Print the SQL that lets one role own the tables and another use them.

    No database is asked. Read it, and run it as a superuser:

    ghsync grants | psql -v ON_ERROR_STOP=1 -d DATABASE
    """
    names = owner, service, schema or _schema() or ownership.DEFAULT_SCHEMA
    for name in names:
        _check(name)
    if owner == service:
        raise typer.BadParameter("The owner and the service are to be two roles: the service owns nothing.")
    for role in (owner, service):
        if role in ("public", "none") or role.startswith("pg_"):
            raise typer.BadParameter(f"PostgreSQL keeps the name {role} for itself: give another role.")
    typer.echo(rights.script(*names), nl=False)


def _check(name: str) -> None:
    if not name.isprintable() or not 0 < len(name.encode()) <= LONGEST_NAME_BYTES:
        raise typer.BadParameter(
            f"PostgreSQL has names of 1 to {LONGEST_NAME_BYTES} bytes, and this is none: {printable(repr(name))}."
        )


def _schema() -> str | None:
    """The first schema of the search path that the options of the URL set, if they do."""
    url = settings.load().own_url
    options = conninfo_to_dict(url).get("options") if url else None
    found = _SEARCH_PATH.search(str(options or ""))
    path = re.sub(r"\\(.)", r"\1", found[1]).split(",") if found else []
    return next((name for name in map(_folded, path) if name != "$user"), None)


def _folded(name: str) -> str:
    """An identifier as PostgreSQL reads it: in lower case, unless it is quoted."""
    name = name.strip()
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
