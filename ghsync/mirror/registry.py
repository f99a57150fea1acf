"""The registry of repositories: under which ids, names, accounts, projects and installations each is known.

It comes first in every batch, for everything else hangs on its ids, and the rows of repositories are the locks.
Whoever writes a repository's nouns holds its row until commit (I6). So two workers never interleave within one
repository, and because rows are locked in the order of their keys they never wait for each other in a circle.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.mirror import installation, repository
from ghsync.mirror.noun import Row
from ghsync.mirror.upsert import Change, amend, parameter, upsert


@dataclass(frozen=True, slots=True)
class Sighting:
    """A name a repository was seen under."""

    github_id: str
    full_name: str
    observed_at: datetime


class Owner(NamedTuple):
    """An account as a repository's payload shows it."""

    login: str
    type: str | None


@dataclass(slots=True)
class Written:
    """What writing a batch's repositories told: their ids by GitHub's ids, changes, and who was renamed."""

    ids: dict[str, str]
    changes: list[Change] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)


_FIRST_SIGHT = 0x7365_656E  # "seen" in ASCII; beside it stands the table, for a database may hold a second mirror

# Who is about to make something that others may be making too must not hold what those wait for: they take turns, and
# begin before they lock any row.
_TAKE_TURNS = sa.text("""
SELECT pg_advisory_xact_lock(:lock, 'github_repositories'::regclass::oid::int) WHERE EXISTS (
  SELECT FROM unnest(CAST(:github_ids AS text[])) AS seen(github_id)
  WHERE NOT EXISTS (SELECT FROM github_repositories r WHERE r.github_id = seen.github_id))
""")

# A repository that is renamed leaves its name to others, so they are locked too.
_LOCK = sa.text("""
SELECT github_id, id::text AS id, full_name, tracked_name FROM github_repositories
WHERE github_id = ANY(:github_ids) OR lower(full_name) = ANY(CAST(:names AS text[]) || ARRAY(
  SELECT lower(full_name) FROM github_repositories WHERE github_id = ANY(:github_ids)))
ORDER BY github_id FOR NO KEY UPDATE
""")

_LOCK_THESE = sa.text("""
SELECT FROM github_repositories WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY github_id FOR NO KEY UPDATE
""")

_ACCOUNTS = sa.text("""
SELECT 'installation' AS kind, github_id AS account, id::text AS id, NULL AS login
FROM github_installations WHERE github_id = ANY(:installations)
UNION ALL
SELECT 'organization', github_account_id, id::text, github_login
FROM organizations WHERE github_account_id = ANY(:accounts)
""")

# The slug is provisional: `_SETTLE_SLUGS` gives the plain one to whom it belongs.
_NEW_ORGANIZATIONS = sa.text("""
INSERT INTO organizations (name, slug, github_account_id, github_login, github_account_type)
SELECT r.login, lower(r.login) || '-' || r.account, r.account, r.login, r.type
FROM json_to_recordset(:rows) AS r(account text, login text, type text)
ORDER BY r.account
ON CONFLICT (github_account_id) DO NOTHING
""")

# Only that it exists: whose it is, an installation or its account says.
_NEW_INSTALLATIONS = sa.text("""
INSERT INTO github_installations (github_id, observed_at, observed_by, sync_source)
SELECT r.github_id, 'epoch', 'arrival', r.sync_source
FROM json_to_recordset(:rows) AS r(github_id text, sync_source text)
ORDER BY r.github_id
ON CONFLICT (github_id) DO NOTHING
""")

# The name is provisional: `_FOLLOW` gives the project the repository's own as soon as that is settled.
_NEW_PROJECTS = sa.text("""
INSERT INTO projects (organization_id, followed_organization_id, name, slug, github_repo_id)
SELECT o.id, o.id, r.name, lower(r.name) || '-' || r.github_id, r.github_id
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
         replace(lower(split_part(r.tracked_name, '/', 2)), '~', '-') AS slug, r.github_id, r.observed_at,
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
    AND other.id NOT IN (SELECT id FROM own)) THEN own.slug || '-' || own.github_id ELSE own.slug END
FROM ranked own WHERE own.id = p.id
""")

# The account's login is the one seen last, on whichever of its repositories or installations.
_RENAME_ORGANIZATIONS = sa.text("""
WITH seen AS (
  SELECT DISTINCT ON (account) account, login FROM (
    SELECT owner_id AS account, owner AS login, observed_at FROM github_repositories WHERE owner_id = ANY(:accounts)
    UNION ALL
    SELECT account_id, account_login, coalesce(account_observed_at, observed_at) FROM github_installations
    WHERE account_id = ANY(:accounts)
  ) s WHERE login IS NOT NULL ORDER BY account, observed_at DESC, login
), was AS (
  SELECT o.id, o.github_login AS login FROM organizations o JOIN seen ON seen.account = o.github_account_id
  WHERE o.github_login IS DISTINCT FROM seen.login
)
UPDATE organizations o SET github_login = seen.login, updated_at = CURRENT_TIMESTAMP,
  name = CASE WHEN o.name = was.login THEN seen.login ELSE o.name END,
  slug = CASE WHEN o.slug IN (lower(was.login), lower(was.login) || '-' || o.github_account_id)
              THEN lower(seen.login) || '-' || o.github_account_id ELSE o.slug END
FROM seen, was WHERE o.github_account_id = seen.account AND o.id = was.id
RETURNING lower(was.login), lower(seen.login)
""")

# Of two accounts last seen under one login, the younger has it: the other's new login is not known yet.
_SETTLE_SLUGS = sa.text("""
WITH claims AS (
  SELECT o.id, lower(o.github_login) AS login, o.github_account_id AS account,
         row_number() OVER (PARTITION BY lower(o.github_login)
                            ORDER BY length(o.github_account_id) DESC, o.github_account_id DESC) = 1 AS first
  FROM organizations o
  WHERE lower(o.github_login) = ANY(:logins)
    AND o.slug IN (lower(o.github_login), lower(o.github_login) || '-' || o.github_account_id)
), settled AS (
  SELECT c.id, CASE WHEN c.first AND NOT EXISTS (
                 SELECT FROM organizations x WHERE x.slug = c.login AND x.id NOT IN (SELECT id FROM claims))
               THEN c.login ELSE c.login || '-' || c.account END AS slug
  FROM claims c
)
UPDATE organizations o SET slug = s.slug FROM settled s WHERE s.id = o.id AND o.slug <> s.slug
""")


async def lock(conn: AsyncConnection, repository_ids: Iterable[str]) -> None:
    """Lock these repositories (our ids) until commit, in the order in which `write` does."""
    await conn.execute(_LOCK_THESE, {"ids": list(repository_ids)})


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
) -> Written:
    """Lock, create and update the batch's repositories (one row per github_id) and what stands above them.

    Repository rows may carry ``installation`` (GitHub's id) and ``access_observed_at`` besides
    their columns. ``installations`` are rows of whole ``installation`` objects, ``accounts`` rows that know only an
    installation's account. ``owners`` are all accounts that own or owned one of them, by GitHub's id. Repositories
    that are only ``mentioned`` (GitHub's ids) are locked too.
    """
    await conn.execute(_TAKE_TURNS, {"lock": _FIRST_SIGHT, "github_ids": [row["github_id"] for row in rows]})
    names = {row["full_name"].lower() for row in rows}
    github_ids = [*(row["github_id"] for row in rows), *mentioned]
    known = await conn.execute(_LOCK, {"github_ids": github_ids, "names": list(names)})
    stored = {row.github_id: row for row in known}
    met = await _accounts(conn, rows, installations, accounts, owners)
    projects = await _projects(conn, [row for row in rows if row["github_id"] not in stored])

    changes = await upsert(conn, installation.noun, installations, insists=insists)
    changes += await amend(conn, installation.noun, installation.ACCOUNT, accounts)
    complete = [_complete(row, met.installed, projects, stored) for row in rows]
    written = Written({github_id: row.id for github_id, row in stored.items()})
    written.changes = [*changes, *await upsert(conn, repository.noun, complete, insists=insists)]
    written.ids |= {change.key[0]: change.id for change in written.changes if change.noun is repository.noun}

    await _remember_names(conn, written.ids, sightings)
    await _settle_organizations(conn, met)
    await _settle(conn, rows, stored, written)
    return written


@dataclass(frozen=True, slots=True)
class Met:
    """Accounts of a batch: our ids of installations by GitHub's, all accounts, logins of new ones, and renames."""

    installed: dict[str, str]
    accounts: list[str]
    new_logins: list[str]
    renamed: bool


async def _accounts(
    conn: AsyncConnection,
    rows: Sequence[Row],
    installations: Sequence[Row],
    accounts: Sequence[Row],
    owners: Mapping[str, Owner],
) -> Met:
    """Create the organizations and installations that are missing."""
    reported = [row for row in (*installations, *accounts) if row.get("account_login")]
    met = {_account(row): Owner(row["owner"], None) for row in rows} | dict(owners)
    met |= {row["account_id"]: Owner(row["account_login"], row["account_type"]) for row in reported}
    wanted = {row["installation"]: row["sync_source"] for row in rows if row.get("installation")}
    wanted |= {row["github_id"]: row["sync_source"] for row in accounts}
    asked = {"installations": [*wanted, *(row["github_id"] for row in installations)], "accounts": list(met)}
    organizations, installed = await _known_accounts(conn, asked)
    new = [
        {"account": account, "login": owner.login, "type": owner.type}
        for account, owner in met.items()
        if account not in organizations
    ]
    missing = [
        {"github_id": github_id, "sync_source": source}
        for github_id, source in wanted.items()
        if github_id not in installed
    ]
    if new:
        await conn.execute(_NEW_ORGANIZATIONS, {"rows": parameter(new)})
    if missing:
        await conn.execute(_NEW_INSTALLATIONS, {"rows": parameter(missing)})
    if new or missing:
        organizations, installed = await _known_accounts(conn, asked)
    for row in reported:
        row["organization_id"] = organizations[row["account_id"]][0]
    # A batch may tell of an account by several logins; which of them is the newest, the statement knows.
    logins = [*((_account(row), row["owner"]) for row in rows), *((account, met[account].login) for account in met)]
    renamed = any(organizations[account][1] != login for account, login in logins)
    return Met(
        installed,
        list(met),
        [met[account].login.lower() for account in met if account in {row["account"] for row in new}],
        renamed,
    )


async def _settle_organizations(conn: AsyncConnection, met: Met) -> None:
    """Let organizations follow their accounts' logins, and decide whose slug each login is."""
    logins = set(met.new_logins)
    if met.renamed:
        for renamed in await conn.execute(_RENAME_ORGANIZATIONS, {"accounts": met.accounts}):
            logins |= set(renamed)
    if logins:
        await conn.execute(_SETTLE_SLUGS, {"logins": list(logins)})


def _account(row: Row) -> str:
    """GitHub's id of the owner; payloads that name no owner leave only the login."""
    return row["owner_id"] or f"login:{row['owner'].lower()}"


async def _known_accounts(
    conn: AsyncConnection, asked: dict[str, Any]
) -> tuple[dict[str, tuple[str | None, str | None]], dict[str, str]]:
    rows = (await conn.execute(_ACCOUNTS, asked)).all()
    organizations = {row.account: (row.id, row.login) for row in rows if row.kind == "organization"}
    installed = {row.account: row.id for row in rows if row.kind == "installation"}
    return organizations, installed


async def _projects(conn: AsyncConnection, new: Sequence[Row]) -> dict[str, str]:
    """The projects of repositories that are seen for the first time, by the repository's GitHub id."""
    if not new:
        return {}
    rows = [{"github_id": row["github_id"], "name": row["name"], "account": _account(row)} for row in new]
    await conn.execute(_NEW_PROJECTS, {"rows": parameter(rows)})
    found = await conn.execute(_PROJECTS, {"github_ids": [row["github_id"] for row in new]})
    return {row.github_repo_id: row.id for row in found}


def _complete(row: Row, installed: dict[str, str], projects: dict[str, str], stored: dict[str, Any]) -> Row:
    github_id = row["github_id"]
    return {
        **{name: value for name, value in row.items() if name != "installation"},
        "installation_id": installed.get(row.get("installation") or ""),
        # An existing row keeps its project and its name; the insert still wants values for both.
        "project_id": projects.get(github_id, "00000000-0000-0000-0000-000000000000"),
        "tracked_name": f"{row['full_name']}~{github_id}",
    }


async def _remember_names(conn: AsyncConnection, ids: dict[str, str], sightings: Iterable[Sighting]) -> None:
    first: dict[tuple[str, str], datetime] = {}
    for seen in sightings:
        key = (ids[seen.github_id], seen.full_name)
        first[key] = min(seen.observed_at, first.get(key, seen.observed_at))
    rows = [
        {"repository_id": repository_id, "full_name": full_name, "observed_at": observed_at}
        for (repository_id, full_name), observed_at in first.items()
    ]
    if rows:
        await conn.execute(_ALIASES, {"rows": parameter(rows)})


async def _settle(conn: AsyncConnection, rows: Sequence[Row], stored: dict[str, Any], written: Written) -> None:
    """Decide who owns each name that moved, and let projects follow."""
    moved = {change.key[0] for change in written.changes if change.created or {"full_name", "owner"} & change.fields}
    about = {change.key[0] for change in written.changes if {"html_url", "description"} & change.fields}
    contested = {row.full_name.lower() for row in stored.values() if row.tracked_name != row.full_name}
    names = contested | {row["full_name"].lower() for row in rows if row["github_id"] in moved}
    names |= {stored[github_id].full_name.lower() for github_id in moved if github_id in stored}
    if names:
        settled = await conn.execute(_SETTLE, {"names": list(names)})
        written.renamed = [row.id for row in settled]
        written.named = list(names)
    follow = {*written.renamed, *(written.ids[github_id] for github_id in moved | about if github_id in written.ids)}
    if follow:
        await conn.execute(_FOLLOW, {"ids": list(follow)})
