"""The registry of repositories: under which ids, names, accounts, projects and installations each is known.

It comes first in every batch, for everything else hangs on its ids, and the rows of repositories are the locks.
Whoever writes a repository's nouns holds its row until commit (I6). So two workers never interleave within one
repository, and because rows are locked in the order of their keys they never wait for each other in a circle.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import locks
from ghsync.database import fetch, fetch_column
from ghsync.mirror import following, installation, organizations, repository
from ghsync.mirror.noun import Row
from ghsync.mirror.organizations import Login, Owner
from ghsync.mirror.upsert import Change, amend, bury, parameter, upsert


@dataclass(frozen=True, slots=True)
class Sighting:
    """A name a repository was seen under."""

    github_id: str
    full_name: str
    observed_at: datetime


@dataclass(slots=True)
class Written:
    """What writing a batch's repositories told: their ids by GitHub's ids, changes, and who was renamed.

    ``contested`` are installations (GitHub's ids) that were given a repository which another, later, gave up.
    """

    ids: dict[str, str]
    changes: list[Change] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    contested: set[str] = field(default_factory=set)


# Who is about to make something that others may be making too must not hold what those wait for: they take turns, and
# begin before they lock any row.
_TAKE_TURNS = sa.text(f"""
SELECT pg_advisory_xact_lock({locks.FIRST_SIGHT}) WHERE :always OR EXISTS (
  SELECT FROM unnest(CAST(:github_ids AS text[])) AS seen(github_id)
  WHERE NOT EXISTS (SELECT FROM github_repositories r WHERE r.github_id = seen.github_id))
""")

# A repository that is renamed leaves its name to others, so they are locked too.
_LOCK = sa.text(f"""
SELECT r.github_id, r.id::text AS id, r.full_name, r.tracked_name, r.owner_id, a.first_observed_at AS named_since,
       {following.QUIET} AS quiet,
       i.github_id AS installation, r.access_ended_at IS NOT NULL AS ended, r.access_observed_at
FROM github_repositories r
LEFT JOIN github_repository_aliases a ON a.repository_id = r.id AND a.full_name = r.full_name
LEFT JOIN organizations o ON o.github_account_id = r.owner_id
LEFT JOIN github_installations i ON i.id = r.installation_id
WHERE r.github_id = ANY(:github_ids) OR lower(r.full_name) = ANY(CAST(:names AS text[]) || ARRAY(
  SELECT lower(full_name) FROM github_repositories WHERE github_id = ANY(:github_ids)))
ORDER BY r.github_id FOR NO KEY UPDATE OF r
""")

_LOCKED = sa.text("""
WITH asked AS (
  SELECT id, full_name FROM github_repositories WHERE lower(full_name) = ANY(CAST(:names AS text[]))
), free AS (
  SELECT r.id FROM github_repositories r WHERE r.id IN (SELECT id FROM asked) FOR NO KEY UPDATE SKIP LOCKED
)
SELECT lower(full_name) FROM asked WHERE id NOT IN (SELECT id FROM free)
""")

_LOCK_THESE = sa.text("""
SELECT FROM github_repositories WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY github_id FOR NO KEY UPDATE
""")

# The name is provisional, and no other's, since none holds a tilde: `_FOLLOW` gives the project the repository's own as
# soon as that is settled.
_NEW_PROJECTS = sa.text("""
INSERT INTO projects (organization_id, followed_organization_id, name, slug, github_repo_id)
SELECT o.id, o.id, r.name, lower(r.name) || '~' || r.github_id, r.github_id
FROM json_to_recordset(:rows) AS r(github_id text, name text, account text)
JOIN organizations o ON o.github_account_id = r.account
ORDER BY r.github_id
ON CONFLICT (github_repo_id) WHERE github_repo_id IS NOT NULL DO NOTHING
""")

_PROJECTS = sa.text("""
SELECT github_repo_id, id::text AS id FROM projects WHERE github_repo_id = ANY(:github_ids)
""")

_ALIASES = sa.text("""
INSERT INTO github_repository_aliases AS a (repository_id, full_name, first_observed_at)
SELECT r.repository_id, r.full_name, r.observed_at
FROM json_to_recordset(:rows) AS r(repository_id uuid, full_name text, observed_at timestamptz)
WHERE NOT EXISTS (
  SELECT FROM github_repository_aliases k
  WHERE k.repository_id = r.repository_id AND k.full_name = r.full_name AND k.first_observed_at <= r.observed_at)
ORDER BY r.repository_id, r.full_name
ON CONFLICT (repository_id, full_name) DO UPDATE
SET first_observed_at = least(a.first_observed_at, excluded.first_observed_at)
RETURNING a.repository_id::text
""")

# The repository last observed under a name owns it.
_SETTLE = sa.text("""
WITH claims AS (
  SELECT id, CASE row_number() OVER (PARTITION BY lower(full_name) ORDER BY observed_at DESC, github_id DESC)
             WHEN 1 THEN full_name ELSE full_name || '~' || github_id END AS tracked_name
  FROM github_repositories WHERE lower(full_name) = ANY(:names)
)
UPDATE github_repositories r SET tracked_name = c.tracked_name
FROM claims c WHERE c.id = r.id AND r.tracked_name <> c.tracked_name
RETURNING r.id::text
""")

# A repository's own project has its name and its owner's organization, as long as nobody gave it others. Two of one
# account may have one name: when the account was renamed, and of one repository it is not known yet where it went.
_FOLLOW = sa.text("""
WITH own AS (
  SELECT p.id, r.name, r.description, r.html_url,
         lower(split_part(r.tracked_name, '/', 2)) AS slug, r.github_id, r.observed_at,
         coalesce(owner.id, p.followed_organization_id) AS followed_organization_id,
         CASE WHEN p.organization_id = p.followed_organization_id THEN coalesce(owner.id, p.organization_id)
              ELSE p.organization_id END AS organization_id
  FROM github_repositories r
  JOIN projects p ON p.id = r.project_id AND p.github_repo_id = r.github_id
  LEFT JOIN organizations owner ON owner.github_account_id = r.owner_id
  WHERE r.id = ANY(CAST(:ids AS uuid[])) AND EXISTS (
    SELECT FROM github_repository_aliases a
    WHERE a.repository_id = r.id AND split_part(a.full_name, '/', 2) = p.name)
), ranked AS (
  SELECT own.*, row_number() OVER (PARTITION BY organization_id, slug ORDER BY observed_at DESC, github_id DESC) AS rank
  FROM own
)
UPDATE projects p SET name = own.name, description = own.description, repository_url = own.html_url,
  organization_id = own.organization_id, followed_organization_id = own.followed_organization_id,
  updated_at = CURRENT_TIMESTAMP,
  slug = CASE WHEN own.rank > 1 OR EXISTS (
    SELECT FROM projects other WHERE other.organization_id = own.organization_id AND other.slug = own.slug
    AND other.id NOT IN (SELECT id FROM own)) THEN own.slug || '~' || own.github_id ELSE own.slug END
FROM ranked own WHERE own.id = p.id
""")


async def lock(conn: AsyncConnection, repository_ids: Iterable[str]) -> None:
    """Lock these repositories (our ids) until commit, in the order in which `write` does."""
    await fetch(conn, _LOCK_THESE, {"ids": list(repository_ids)})


async def locked(conn: AsyncConnection, names: Iterable[str]) -> set[str]:
    """The repositories of these that another transaction has locked, by their full names in lower case."""
    return set(await fetch_column(conn, _LOCKED, {"names": [name.lower() for name in names]}))


async def write(
    conn: AsyncConnection,
    rows: Sequence[Row],
    installations: Sequence[Row],
    accounts: Sequence[Row],
    sightings: Iterable[Sighting],
    owners: Mapping[str, Owner],
    mentioned: Iterable[str] = (),
    *,
    insists: bool = False,
    logins: Sequence[Login] = (),
    named: Mapping[str, str] | None = None,
    ended: Sequence[Row] = (),
    hidden: Sequence[Row] = (),
) -> Written:
    """Lock, create and update the batch's repositories (one row per github_id) and what stands above them.

    Repository rows may carry ``installation`` (GitHub's id) and ``access_observed_at`` besides
    their columns. ``installations`` are rows of whole ``installation`` objects, ``accounts`` rows that know only an
    installation's account. ``owners`` are all accounts that own or owned one of them, by GitHub's id. Repositories
    that are only ``mentioned`` (GitHub's ids) are locked too. ``logins`` are what accounts told of themselves,
    ``named`` installations of which only the id is known, with the door through which they were named. ``ended`` are
    installations that were seen to be gone, and ``hidden`` repositories that theirs does not see.
    """
    gone = {row["github_id"] for row in (*installations, *ended) if row["deleted_at"]}
    living = {row["github_id"] for row in installations} - gone
    above = bool(logins or gone or living)  # others may be making a repository below that nobody knows of yet
    await _take_turns(conn, [row["github_id"] for row in rows], always=above)
    below = await following.below(conn, logins, gone, living) if above else []
    stored = await _lock(conn, rows, mentioned, below)
    owner_ids = {github_id: row.owner_id for github_id, row in stored.items()}
    met = await organizations.meet(conn, rows, installations, accounts, owners, logins, named or {}, owner_ids)
    projects = await _projects(conn, [row for row in rows if row["github_id"] not in stored], met.of_rows)

    changes = await upsert(conn, installation.noun, installations, insists=insists)
    changes += await amend(conn, installation.noun, installation.ACCOUNT, accounts)
    changes += await bury(conn, installation.noun, ended)
    complete = [_complete(row, met.installed, projects, stored) for row in rows]
    written = Written({github_id: row.id for github_id, row in stored.items()})
    written.changes = [*changes, *await upsert(conn, repository.noun, complete, insists=insists)]
    written.ids |= {change.key[0]: change.id for change in written.changes if change.noun is repository.noun}
    contested = (_contested(row, stored.get(row["github_id"])) for row in rows)
    written.contested = {installation for installation in contested if installation}

    written.changes += await amend(conn, repository.noun, repository.REMOVAL, hidden, answered=True)

    seen = await _remember_names(conn, stored, written.ids, sightings)
    if seen or met.moved:
        await following.remember_names(conn, seen, met.moved)
    names: list[str] = []
    if above or not _is_quiet(stored.values(), written.changes):
        followed = await following.follow(conn, written.ids.values())
        written.changes += followed.changes
        names = followed.names
    await organizations.settle(conn, met)
    await _settle(conn, rows, stored, written, names)
    return written


async def _take_turns(conn: AsyncConnection, github_ids: Sequence[str], *, always: bool) -> None:
    """Let nobody else make repositories until commit, if one of these may be new."""
    if always or not _known(conn).issuperset(github_ids):
        await fetch(conn, _TAKE_TURNS, {"github_ids": list(github_ids), "always": always})


def _known(conn: AsyncConnection) -> set[str]:
    """The repositories (GitHub's ids) that this connection has found stored: none is ever removed (I10)."""
    known: set[str] = conn.info.setdefault("known_repositories", set())
    return known


def _is_quiet(stored: Iterable[Any], changes: Iterable[Change]) -> bool:
    """Whether repositories show all that is said above them: they did before, and nothing about them changed."""
    return all(row.quiet for row in stored) and not any(
        change.noun is repository.noun and (change.created or change.fields) for change in changes
    )


async def _lock(
    conn: AsyncConnection,
    rows: Sequence[Row],
    mentioned: Iterable[str],
    below: Iterable[tuple[str, str]],
) -> dict[str, Any]:
    """Lock what will be written, until commit; answers the repositories by GitHub's ids as they are stored."""
    seen = [(row["github_id"], row["full_name"]) for row in rows] + list(below)
    names = {full_name.lower() for _, full_name in seen}
    asked = {"github_ids": [*(github_id for github_id, _ in seen), *mentioned], "names": list(names)}
    stored = {row.github_id: row for row in await fetch(conn, _LOCK, asked)}
    _known(conn).update(stored)
    return stored


async def _projects(conn: AsyncConnection, new: Sequence[Row], accounts: Mapping[str, str]) -> dict[str, str]:
    """The projects of repositories that are seen for the first time, by the repository's GitHub id.

    ``accounts`` are their owners.
    """
    if not new:
        return {}
    rows = [{"github_id": row["github_id"], "name": row["name"], "account": accounts[row["github_id"]]} for row in new]
    await fetch(conn, _NEW_PROJECTS, {"rows": parameter(rows)})
    found = await fetch(conn, _PROJECTS, {"github_ids": [row["github_id"] for row in new]})
    return {row.github_repo_id: row.id for row in found}


def _contested(row: Row, stored: Any) -> str | None:
    """The installation (GitHub's id) that was given a repository which another, later, gave up.

    Each speaks of itself alone, and of a transfer the two may tell in either order.
    """
    told = row.get("installation")
    if stored is None or not stored.installation or told in (None, stored.installation):
        return None
    if (row["removed_at"] is not None) == stored.ended:
        return None
    later = stored.access_observed_at is None or row["access_observed_at"] >= stored.access_observed_at
    if later == stored.ended:  # what was given last stands
        return None
    return str(told if stored.ended else stored.installation)


def _complete(row: Row, installed: dict[str, str], projects: dict[str, str], stored: dict[str, Any]) -> Row:
    github_id = row["github_id"]
    return {
        **{name: value for name, value in row.items() if name not in ("installation", "removed_at")},
        "access_ended_at": row.get("removed_at"),
        "installation_id": installed.get(row.get("installation") or ""),
        # An existing row keeps its project and its name; the insert still wants values for both.
        "project_id": projects.get(github_id, "00000000-0000-0000-0000-000000000000"),
        "tracked_name": f"{row['full_name']}~{github_id}",
    }


async def _remember_names(
    conn: AsyncConnection, stored: Mapping[str, Any], ids: dict[str, str], sightings: Iterable[Sighting]
) -> list[str]:
    """Remember names; answers the repositories (our ids) of which one is new, or older than it was known to be."""
    first: dict[tuple[str, str], datetime] = {}
    for seen in sightings:
        row = stored.get(seen.github_id)
        if row and row.full_name == seen.full_name and row.named_since and row.named_since <= seen.observed_at:
            continue
        key = (ids[seen.github_id], seen.full_name)
        first[key] = min(seen.observed_at, first.get(key, seen.observed_at))
    rows = [
        {"repository_id": repository_id, "full_name": full_name, "observed_at": observed_at}
        for (repository_id, full_name), observed_at in first.items()
    ]
    return await fetch_column(conn, _ALIASES, {"rows": parameter(rows)}) if rows else []


async def _settle(
    conn: AsyncConnection, rows: Sequence[Row], stored: dict[str, Any], written: Written, followed: Iterable[str]
) -> None:
    """Decide who owns each name that moved, and let projects follow."""
    place = {"full_name", "owner", "owner_id"}
    moved = {change.key[0] for change in written.changes if change.created or place & change.fields}
    about = {change.key[0] for change in written.changes if {"html_url", "description"} & change.fields}
    contested = {row.full_name.lower() for row in stored.values() if row.tracked_name != row.full_name}
    names = contested | {row["full_name"].lower() for row in rows if row["github_id"] in moved}
    names |= {name.lower() for name in followed}
    names |= {stored[github_id].full_name.lower() for github_id in moved if github_id in stored}
    if names:
        settled = await fetch(conn, _SETTLE, {"names": [name.lower() for name in names]})
        written.renamed = [row.id for row in settled]
        written.named = list(names)
    follow = {*written.renamed, *(written.ids[github_id] for github_id in moved | about if github_id in written.ids)}
    if follow:
        await fetch(conn, _FOLLOW, {"ids": list(follow)})
