"""The registry of repositories: under which ids, names, accounts, projects and installations each is known.

It comes first in every batch, for everything else hangs on its ids, and the rows of repositories are the locks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.mirror import following, installation, locking, names, organizations, projects, repository
from ghsync.mirror.entries import Entries
from ghsync.mirror.keys import GitHubId, RepositoryId
from ghsync.mirror.noun import Row
from ghsync.mirror.organizations import Accounts
from ghsync.mirror.upsert import Change, amend, bury, upsert


@dataclass(frozen=True, slots=True)
class Registration:
    """What writing entries told: ids of repositories by GitHub's, changes, who was renamed, and which names moved.

    ``contested`` are installations that were given a repository which another, later, gave up.
    """

    ids: Mapping[GitHubId, RepositoryId]
    changes: list[Change]
    renamed: list[RepositoryId]
    named: list[str]
    contested: set[GitHubId]


async def write(conn: AsyncConnection, entries: Entries) -> Registration:
    """Lock, create and update repositories and what stands above them."""
    rows = [entries.repositories[key] for key in sorted(entries.repositories)]
    above = bool(entries.logins or entries.installations or entries.ended)
    # With these others may be making a repository below that nobody knows of yet.
    await locking.take_turns(conn, list(entries.repositories), always=above)
    below = await following.below(conn, entries.logins.values(), entries.ended, entries.living) if above else []
    stored = await locking.lock_seen(conn, rows, entries.mentioned, below)
    met = await organizations.meet(conn, rows, entries, stored)
    own = await projects.create(conn, [row for row in rows if row["github_id"] not in stored], met.of_rows)

    changes = await _write_installations(conn, entries, met)
    complete = [_complete(row, met.installed, own) for row in rows]
    changes += await upsert(conn, repository.noun, complete, insists=entries.insists)
    ids = {key: row.id for key, row in stored.items()}
    ids |= {change.key[0]: change.id for change in changes if change.noun is repository.noun}
    changes += await amend(conn, repository.noun, repository.REMOVAL, entries.hidden, answered=True)

    seen = await names.remember(conn, stored, ids, entries.sightings)
    if seen or met.moved:
        await following.remember_names(conn, seen, met.moved)
    left: list[str] = []
    if above or not _is_quiet(stored.values(), changes):
        followed = await following.follow(conn, ids.values())
        changes, left = [*changes, *followed.changes], followed.names
    await organizations.settle(conn, met)
    named = _moved_names(rows, stored, changes, left)
    renamed = await names.settle(conn, named) if named else []
    await _let_projects_follow(conn, ids, changes, renamed)
    return Registration(ids, changes, renamed, sorted(named), _contested(rows, stored))


async def _write_installations(conn: AsyncConnection, entries: Entries, met: Accounts) -> list[Change]:
    whole = [met.placed(entries.installations[key]) for key in sorted(entries.installations)]
    accounts = [met.placed(entries.accounts[key]) for key in sorted(entries.accounts)]
    changes = await upsert(conn, installation.noun, whole, insists=entries.insists)
    changes += await amend(conn, installation.noun, installation.ACCOUNT, accounts)
    return changes + await bury(conn, installation.noun, entries.uninstalled)


def _is_quiet(stored: Iterable[Any], changes: Iterable[Change]) -> bool:
    """Whether repositories show all that is said above them: they did before, and nothing about them changed."""
    return all(row.quiet for row in stored) and not any(
        change.noun is repository.noun and (change.created or change.fields) for change in changes
    )


def _complete(row: Row, installed: Mapping[GitHubId, str], own: Mapping[GitHubId, str]) -> Row:
    """The row with our ids of its installation and of its project."""
    github_id = row["github_id"]
    return {
        **{name: value for name, value in row.items() if name not in ("installation", "removed_at")},
        "access_ended_at": row.get("removed_at"),
        "installation_id": installed.get(row.get("installation") or GitHubId("")),
        # An existing row keeps its project and its name; the insert still wants values for both.
        "project_id": own.get(github_id, "00000000-0000-0000-0000-000000000000"),
        "tracked_name": f"{row['full_name']}~{github_id}",
    }


def _moved_names(
    rows: Sequence[Row], stored: Mapping[GitHubId, Any], changes: Iterable[Change], left: Iterable[str]
) -> set[str]:
    """The names, in small letters, of which it is to be decided whose they are."""
    moved = _changed(changes, {"full_name", "owner", "owner_id"})
    contested = {row.full_name for row in stored.values() if row.tracked_name != row.full_name}
    got = {row["full_name"] for row in rows if row["github_id"] in moved}
    before = {stored[github_id].full_name for github_id in moved if github_id in stored}
    return {name.lower() for name in (*contested, *got, *before, *left)}


def _changed(changes: Iterable[Change], fields: set[str]) -> set[GitHubId]:
    """The repositories that are new, or of which one of these fields has changed."""
    return {
        change.key[0]
        for change in changes
        if change.noun is repository.noun and (change.created or fields & change.fields)
    }


async def _let_projects_follow(
    conn: AsyncConnection,
    ids: Mapping[GitHubId, RepositoryId],
    changes: Iterable[Change],
    renamed: Iterable[RepositoryId],
) -> None:
    shown = {"full_name", "owner", "owner_id", "html_url", "description"}
    follow = {*renamed, *(ids[github_id] for github_id in _changed(changes, shown) if github_id in ids)}
    if follow:
        await projects.follow(conn, follow)


def _contested(rows: Iterable[Row], stored: Mapping[GitHubId, Any]) -> set[GitHubId]:
    """The installations that were given a repository which another, later, gave up."""
    found = (_contesting(row, stored.get(row["github_id"])) for row in rows)
    return {each for each in found if each}


def _contesting(row: Row, stored: Any) -> GitHubId | None:
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
    return GitHubId(told if stored.ended else stored.installation)
