"""Accounts of GitHub: an organization for each, under the login that it was seen with last, and its installations.

What an account's own events and installations tell of its login is kept apart (``account_login``), for its repositories
follow it: see `following`. What repositories show of their owner is a witness of it too, but of these only itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch
from ghsync.mirror.entries import Entries, Login, NamedAccount
from ghsync.mirror.keys import GitHubId
from ghsync.mirror.noun import Row
from ghsync.mirror.upsert import parameter


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts of a batch: our ids of them and of installations by GitHub's, logins of new ones, and renames.

    ``moved`` are those that told of another login, ``of_rows`` the owners by the GitHub ids of their repositories.
    """

    installed: Mapping[GitHubId, str]
    organizations: Mapping[GitHubId, str]
    new_logins: list[str]
    renamed: bool
    moved: list[GitHubId]
    of_rows: Mapping[GitHubId, GitHubId]

    def placed(self, row: Row) -> Row:
        """An installation's row with our id of its account, where it names one."""
        return {**row, "organization_id": self.organizations[row["account_id"]]} if row.get("account_login") else row


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
    conn: AsyncConnection, rows: Sequence[Row], entries: Entries, stored: Mapping[GitHubId, Any]
) -> Accounts:
    """Create the organizations and installations that are missing, and note what accounts told of their logins.

    ``rows`` are those of repositories, and ``stored`` what `locking.lock_seen` has answered of them.
    """
    of_rows = await _of_rows(conn, rows, {key: row.owner_id for key, row in stored.items()})
    met = _accounts(rows, of_rows, entries)
    wanted = {**entries.named, **{key: row["sync_source"] for key, row in entries.accounts.items()}}
    asked = {"installations": [*wanted, *entries.installations], "accounts": list(met)}
    known = _shown(stored)
    if not (met.keys() <= known.organizations.keys() and known.installed.keys() >= {*asked["installations"]}):
        known = await _known(conn, asked)
    new = [account for account in met if account not in known.organizations]
    missing = [github_id for github_id in wanted if github_id not in known.installed]
    await _create(conn, {account: met[account] for account in new}, {each: wanted[each] for each in missing})
    moved = await _tell(conn, list(entries.logins.values()))
    if new or missing:
        known = await _known(conn, asked)
    # A batch may tell of an account by several logins; which of them is the newest, the statement knows.
    seen = [(of_rows[row["github_id"]], row["owner"]) for row in rows]
    seen += [(account, owner.login) for account, owner in met.items()]
    seen += [(told.account, told.login) for told in entries.logins.values()]
    return Accounts(
        known.installed,
        known.organizations,
        [met[account].login.lower() for account in new],
        any(known.logins[account] != login for account, login in seen),
        moved,
        of_rows,
    )


def _accounts(
    rows: Iterable[Row], of_rows: Mapping[GitHubId, GitHubId], entries: Entries
) -> dict[GitHubId, NamedAccount]:
    """All accounts that are told of, as they were told of last."""
    installed = (*entries.installations.values(), *entries.accounts.values())
    met = {of_rows[row["github_id"]]: NamedAccount(row["owner"], None) for row in rows} | entries.owners
    return met | {
        row["account_id"]: NamedAccount(row["account_login"], row["account_type"])
        for row in installed
        if row.get("account_login")
    }


async def _create(
    conn: AsyncConnection, organizations: Mapping[GitHubId, NamedAccount], installations: Mapping[GitHubId, str]
) -> None:
    """Create organizations, and installations with the door through which they were named."""
    if organizations:
        rows = [{"account": each, "login": owner.login, "type": owner.type} for each, owner in organizations.items()]
        await fetch(conn, _IDENTIFY, {"rows": parameter(rows)})
        await fetch(conn, _NEW_ORGANIZATIONS, {"rows": parameter(rows)})
    if installations:
        named = [{"github_id": github_id, "sync_source": source} for github_id, source in installations.items()]
        await fetch(conn, _NEW_INSTALLATIONS, {"rows": parameter(named)})


async def settle(conn: AsyncConnection, met: Accounts) -> None:
    """Let organizations follow their accounts' logins, and decide whose slug each login is."""
    logins = set(met.new_logins)
    if met.renamed:
        for renamed in await fetch(conn, _RENAME_ORGANIZATIONS, {"accounts": list(met.organizations)}):
            logins |= set(renamed)
    if logins:
        await fetch(conn, _SETTLE_SLUGS, {"logins": list(logins)})


async def _tell(conn: AsyncConnection, logins: Sequence[Login]) -> list[GitHubId]:
    """Note what accounts told of their logins; answers who told of another one, or of one that is older than known."""
    if not logins:
        return []
    asked = {"rows": parameter([told._asdict() for told in logins]), "accounts": [told.account for told in logins]}
    return [row.github_account_id for row in await fetch(conn, _TELL, asked) if row.moved]


async def _of_rows(
    conn: AsyncConnection, rows: Sequence[Row], stored: Mapping[GitHubId, GitHubId]
) -> dict[GitHubId, GitHubId]:
    """GitHub's ids of the owners, by the repository's; where a payload has none, what is known of it or its login."""
    found = {row["github_id"]: row["owner_id"] or stored.get(row["github_id"]) for row in rows}
    unknown = {row["github_id"]: row["owner"].lower() for row in rows if not found[row["github_id"]]}
    if unknown:
        asked = {"logins": list(unknown.values())}
        known = {row.login: row.account for row in await fetch(conn, _OF_LOGINS, asked)}
        found |= {github_id: known.get(login, f"login:{login}") for github_id, login in unknown.items()}
    return {github_id: account for github_id, account in found.items() if account}


@dataclass(frozen=True, slots=True)
class _KnownIds:
    """Our ids of organizations and of installations by GitHub's, and the logins of the first."""

    organizations: Mapping[GitHubId, str]
    logins: Mapping[GitHubId, str | None]
    installed: Mapping[GitHubId, str]


def _shown(stored: Mapping[GitHubId, Any]) -> _KnownIds:
    """The owners and installations of the repositories that were locked, which mostly are all that is told of."""
    rows = stored.values()
    return _KnownIds(
        {row.owner_id: row.organization_id for row in rows if row.organization_id},
        {row.owner_id: row.account_login for row in rows if row.organization_id},
        {row.installation: row.installation_id for row in rows if row.installation},
    )


async def _known(conn: AsyncConnection, asked: dict[str, Any]) -> _KnownIds:
    rows = await fetch(conn, _ACCOUNTS, asked)
    organizations = [row for row in rows if row.kind == "organization"]
    return _KnownIds(
        {row.account: row.id for row in organizations},
        {row.account: row.login for row in organizations},
        {row.account: row.id for row in rows if row.kind == "installation"},
    )
