"""Accounts of GitHub: an organization for each, under the login that it was seen with last, and its installations.

What an account's own events and installations tell of its login is kept apart (``account_login``), for its repositories
follow it: see `following`. What repositories show of their owner is a witness of it too, but of these only itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch
from ghsync.mirror.noun import Row
from ghsync.mirror.upsert import parameter


class Owner(NamedTuple):
    """An account as a payload shows it."""

    login: str
    type: str | None


class Login(NamedTuple):
    """A login that an account told of itself: since when at the latest, and when last."""

    account: str
    login: str
    since: datetime
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class Met:
    """Accounts of a batch: our ids of installations by GitHub's, all accounts, logins of new ones, and renames.

    ``moved`` are those that told of another login, ``of_rows`` the owners by the GitHub ids of their repositories.
    """

    installed: dict[str, str]
    accounts: list[str]
    new_logins: list[str]
    renamed: bool
    moved: list[str]
    of_rows: dict[str, str]


_ACCOUNTS = sa.text("""
SELECT 'installation' AS kind, github_id AS account, id::text AS id, NULL AS login
FROM github_installations WHERE github_id = ANY(:installations)
UNION ALL
SELECT 'organization', github_account_id, id::text, github_login
FROM organizations WHERE github_account_id = ANY(:accounts)
""")

_OF_LOGINS = sa.text("""
SELECT DISTINCT ON (lower(github_login)) lower(github_login) AS login, github_account_id AS account
FROM organizations WHERE lower(github_login) = ANY(:logins) AND github_account_id IS NOT NULL
ORDER BY lower(github_login), length(github_account_id) DESC, github_account_id DESC
""")

# Of an owner that was known by its login alone, the id is known now.
_IDENTIFY = sa.text("""
UPDATE organizations o SET github_account_id = r.account, github_account_type = r.type, updated_at = CURRENT_TIMESTAMP
FROM json_to_recordset(:rows) AS r(account text, login text, type text)
WHERE o.github_account_id = 'login:' || lower(r.login) AND r.account NOT LIKE 'login:%'
""")

# The slug is provisional, and no other's, since no login holds a tilde: `_SETTLE_SLUGS` gives the plain one to whom
# it belongs.
_NEW_ORGANIZATIONS = sa.text("""
INSERT INTO organizations (name, slug, github_account_id, github_login, github_account_type)
SELECT r.login, lower(r.login) || '~' || r.account, r.account, r.login, r.type
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

# The login told last counts, since it was told first. Answers whose login is another now, or is so for longer.
_TELL = sa.text("""
WITH locked AS MATERIALIZED (
  SELECT * FROM organizations WHERE github_account_id = ANY(:accounts) ORDER BY github_account_id FOR NO KEY UPDATE
), told AS (
  SELECT account, login, since, observed_at
  FROM json_to_recordset(:rows) AS r(account text, login text, since timestamptz, observed_at timestamptz)
  UNION ALL
  SELECT github_account_id, account_login, account_login_since, account_observed_at
  FROM locked WHERE account_login IS NOT NULL
), latest AS (
  SELECT DISTINCT ON (account) account, login, min(since) OVER (PARTITION BY account, login) AS since, observed_at
  FROM told ORDER BY account, observed_at DESC, login
)
UPDATE organizations o
SET account_login = latest.login, account_login_since = latest.since, account_observed_at = latest.observed_at
FROM latest JOIN locked was ON was.github_account_id = latest.account
WHERE o.id = was.id AND (was.account_login, was.account_login_since, was.account_observed_at)
  IS DISTINCT FROM (latest.login, latest.since, latest.observed_at)
RETURNING o.github_account_id,
  (was.account_login, was.account_login_since) IS DISTINCT FROM (latest.login, latest.since) AS moved
""")

# The account's login is the one seen last: told by itself, or on whichever of its repositories or installations.
_RENAME_ORGANIZATIONS = sa.text("""
WITH seen AS (
  SELECT DISTINCT ON (account) account, login FROM (
    SELECT owner_id AS account, owner AS login, observed_at FROM github_repositories WHERE owner_id = ANY(:accounts)
    UNION ALL
    SELECT account_id, account_login, coalesce(account_observed_at, observed_at) FROM github_installations
    WHERE account_id = ANY(:accounts)
    UNION ALL
    SELECT github_account_id, account_login, account_observed_at FROM organizations
    WHERE github_account_id = ANY(:accounts)
  ) s WHERE login IS NOT NULL ORDER BY account, observed_at DESC, login
), was AS (
  SELECT o.id, o.github_login AS login FROM organizations o JOIN seen ON seen.account = o.github_account_id
  WHERE o.github_login IS DISTINCT FROM seen.login
)
UPDATE organizations o SET github_login = seen.login, updated_at = CURRENT_TIMESTAMP,
  name = CASE WHEN o.name = was.login THEN seen.login ELSE o.name END,
  slug = CASE WHEN o.slug IN (lower(was.login), lower(was.login) || '~' || o.github_account_id)
              THEN lower(seen.login) || '~' || o.github_account_id ELSE o.slug END
FROM seen, was WHERE o.github_account_id = seen.account AND o.id = was.id
RETURNING lower(was.login) AS before, lower(seen.login) AS after
""")

# Of two accounts last seen under one login, the younger has it: the other's new login is not known yet.
_SETTLE_SLUGS = sa.text("""
WITH claims AS (
  SELECT o.id, lower(o.github_login) AS login, o.github_account_id AS account,
         row_number() OVER (PARTITION BY lower(o.github_login)
                            ORDER BY length(o.github_account_id) DESC, o.github_account_id DESC) = 1 AS first
  FROM organizations o
  WHERE lower(o.github_login) = ANY(:logins)
    AND o.slug IN (lower(o.github_login), lower(o.github_login) || '~' || o.github_account_id)
), settled AS (
  SELECT c.id, CASE WHEN c.first AND NOT EXISTS (
                 SELECT FROM organizations x WHERE x.slug = c.login AND x.id NOT IN (SELECT id FROM claims))
               THEN c.login ELSE c.login || '~' || c.account END AS slug
  FROM claims c
)
UPDATE organizations o SET slug = s.slug FROM settled s WHERE s.id = o.id AND o.slug <> s.slug
""")


async def meet(
    conn: AsyncConnection,
    rows: Sequence[Row],
    installations: Sequence[Row],
    accounts: Sequence[Row],
    owners: Mapping[str, Owner],
    logins: Sequence[Login],
    named: Mapping[str, str],
    stored: Mapping[str, str],
) -> Met:
    """Create the organizations and installations that are missing, and note what accounts told of their logins.

    ``named`` are installations (GitHub's ids) that were only named, with the door through which they were, and
    ``stored`` the owners that are known, by the repository's GitHub id.
    """
    of_rows = await _of_rows(conn, rows, stored)
    reported = [row for row in (*installations, *accounts) if row.get("account_login")]
    met = {of_rows[row["github_id"]]: Owner(row["owner"], None) for row in rows} | dict(owners)
    met |= {row["account_id"]: Owner(row["account_login"], row["account_type"]) for row in reported}
    wanted = {**named, **{row["github_id"]: row["sync_source"] for row in accounts}}
    asked = {"installations": [*wanted, *(row["github_id"] for row in installations)], "accounts": list(met)}
    organizations, installed = await _known(conn, asked)
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
        await fetch(conn, _IDENTIFY, {"rows": parameter(new)})
        await fetch(conn, _NEW_ORGANIZATIONS, {"rows": parameter(new)})
    if missing:
        await fetch(conn, _NEW_INSTALLATIONS, {"rows": parameter(missing)})
    moved = await _tell(conn, logins)
    if new or missing:
        organizations, installed = await _known(conn, asked)
    for row in reported:
        row["organization_id"] = organizations[row["account_id"]][0]
    # A batch may tell of an account by several logins; which of them is the newest, the statement knows.
    seen = [(of_rows[row["github_id"]], row["owner"]) for row in rows]
    seen += [(account, owner.login) for account, owner in met.items()]
    seen += [(told.account, told.login) for told in logins]
    return Met(
        installed,
        list(met),
        [met[account].login.lower() for account in met if account in {row["account"] for row in new}],
        any(organizations[account][1] != login for account, login in seen),
        moved,
        of_rows,
    )


async def settle(conn: AsyncConnection, met: Met) -> None:
    """Let organizations follow their accounts' logins, and decide whose slug each login is."""
    logins = set(met.new_logins)
    if met.renamed:
        for renamed in await fetch(conn, _RENAME_ORGANIZATIONS, {"accounts": met.accounts}):
            logins |= set(renamed)
    if logins:
        await fetch(conn, _SETTLE_SLUGS, {"logins": list(logins)})


async def _tell(conn: AsyncConnection, logins: Sequence[Login]) -> list[str]:
    """Note what accounts told of their logins; answers who told of another one, or of one that is older than known."""
    if not logins:
        return []
    asked = {"rows": parameter([told._asdict() for told in logins]), "accounts": [told.account for told in logins]}
    return [row.github_account_id for row in await fetch(conn, _TELL, asked) if row.moved]


async def _of_rows(conn: AsyncConnection, rows: Sequence[Row], stored: Mapping[str, str]) -> dict[str, str]:
    """GitHub's ids of the owners, by the repository's; where a payload has none, what is known of it or its login."""
    found = {row["github_id"]: row["owner_id"] or stored.get(row["github_id"]) for row in rows}
    unknown = {row["github_id"]: row["owner"].lower() for row in rows if not found[row["github_id"]]}
    if unknown:
        asked = {"logins": list(unknown.values())}
        known = {row.login: row.account for row in await fetch(conn, _OF_LOGINS, asked)}
        found |= {github_id: known.get(login, f"login:{login}") for github_id, login in unknown.items()}
    return {github_id: account for github_id, account in found.items() if account}


async def _known(
    conn: AsyncConnection, asked: dict[str, Any]
) -> tuple[dict[str, tuple[str | None, str | None]], dict[str, str]]:
    rows = await fetch(conn, _ACCOUNTS, asked)
    organizations = {row.account: (row.id, row.login) for row in rows if row.kind == "organization"}
    installed = {row.account: row.id for row in rows if row.kind == "installation"}
    return organizations, installed
