"""A batch on its way to the mirror: every event's rows, collapsed to one row per key.

Collapsing takes the newest report of each column group, exactly as the guarded upsert does with a stored row, so a
batch gives the rows that its deliveries would give one by one (I5).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ghsync.mirror import installation, pull_request, repository
from ghsync.mirror.entries import Entries, Login, NamedAccount, Sighting
from ghsync.mirror.keys import GitHubId
from ghsync.mirror.noun import CLOCKS_DIFFER_BY, TOLD_WITHIN, Group, Noun, Origin, Row
from ghsync.mirror.user import time

_NEVER = datetime.min.replace(tzinfo=UTC)

# What a repository's row says of its access, until the gate knows the installation.
_TRAVELS_AS = {repository.ACCESS: ("installation", "removed_at")}

# A row's repository travels as GitHub's id until the gate knows ours.
REPOSITORY = "repository"


@dataclass(slots=True)
class Batch(Entries):
    """Rows to write, by noun and key, each by GitHub's ids."""

    members: list[Row] = field(default_factory=list)
    rows: dict[Noun, dict[tuple[Any, ...], Row]] = field(default_factory=dict)
    counters: dict[tuple[Any, ...], Row] = field(default_factory=dict)
    unordered: set[tuple[Noun, tuple[Any, ...]]] = field(default_factory=set)
    gone: dict[Noun, list[Row]] = field(default_factory=dict)
    contested: set[GitHubId] = field(default_factory=set)  # installations that see what another gave up
    incomplete: set[tuple[Noun, tuple[Any, ...]]] = field(default_factory=set)
    partial: bool = False  # whether what is added now comes from a payload of which a part could not be read

    def add(self, noun: Noun, repository_id: int, row: Row) -> None:
        """Add a row of a noun that lives in a repository."""
        row = _possible(noun.all_groups, {REPOSITORY: str(repository_id), **row})
        key = (row[REPOSITORY], *(row[name] for name in noun.key[1:]))
        rows = self.rows.setdefault(noun, {})
        known = rows.get(key)
        if self.partial:
            self.incomplete.add((noun, key))
        if known is not None and _tie(noun, known, row):
            self.unordered.add((noun, key))
        rows[key] = row if known is None else merge(noun, known, row)

    def bury(self, noun: Noun, repository_id: int, key: Row, observed_at: datetime) -> None:
        """Note that a stored row, of which nothing can be read any more, was seen to be gone.

        What the batch itself shows was there under another number, and is not gone.
        """
        row = {REPOSITORY: str(repository_id), **key, "deleted_at": observed_at}
        if tuple(row.get(name) for name in (REPOSITORY, *noun.key[1:])) not in self.rows.get(noun, ()):
            self.gone.setdefault(noun, []).append(row)

    def uninstall(self, github_id: str, observed_at: datetime) -> None:
        """Note that an installation was seen to be gone."""
        self.uninstalled.append({"github_id": github_id, "deleted_at": observed_at})

    def hide(self, repository_id: int, observed_at: datetime) -> None:
        """Note that its installation does not see a mirrored repository any more."""
        self.mention(repository_id)
        self.hidden.append(repository.access_row(repository_id, observed_at))

    def add_counter(self, group: Group, repository_id: int, row: Row) -> None:
        """Add a pull request's counter, which an issue object reported."""
        row = _possible((group,), {REPOSITORY: str(repository_id), **row})
        key = (row[REPOSITORY], row["number"])
        if self.partial:
            self.incomplete.add((pull_request.noun, key))
        known = self.counters.get(key)
        if known is None or version(group, row) >= version(group, known):
            self.counters[key] = row

    def see(self, payload: repository.Payload, origin: Origin, *, deleted: bool = False) -> None:
        """Add a repository as any payload shows it."""
        github_id = _id(payload.id)
        self.sight(payload.id, payload.full_name, origin)
        owner = payload.owner
        if owner and owner.id and (owner.login or owner.name):
            self.owners[_id(owner.id)] = NamedAccount(owner.login or owner.name or "", owner.type)
        known = self.repositories.get(github_id)
        if known is not None and not deleted and _surely_older(payload, origin, known):
            return
        row = _possible(repository.noun.all_groups, repository.row(payload, origin, deleted=deleted))
        if known is not None:
            if _tie(repository.noun, known, row):
                self.unordered.add((repository.noun, (github_id,)))
            row = merge(repository.noun, known, row)
        self.repositories[github_id] = row

    def hear(self, repository_id: int, origin: Origin, *, installed: bool) -> None:
        """Note that a webhook, an installation's or not, told of a living repository that it showed."""
        row = self.repositories[_id(repository_id)]
        for name in ("alive_at",) if installed else ("alive_at", "heard_at"):
            row[name] = max(origin.observed_at, row.get(name) or _NEVER)

    def know(self, account_id: int | str, login: str, kind: str | None, observed_at: datetime) -> None:
        """Note that an account told of itself by a login."""
        account = _id(account_id)
        told = self.logins.get((account, login))
        since = min(observed_at, told.since) if told else observed_at
        latest = max(observed_at, told.observed_at) if told else observed_at
        self.logins[account, login] = Login(account, login, since, latest)
        self.owners.setdefault(account, NamedAccount(login, kind))

    def mention(self, repository_id: int) -> None:
        """Note a mirrored repository of which this batch tells nothing itself, but whose nouns it writes."""
        self.mentioned.add(_id(repository_id))

    def sight(self, repository_id: int, full_name: str, origin: Origin) -> None:
        """Note a name that a repository has, or had."""
        self.sightings.append(Sighting(_id(repository_id), full_name, origin.observed_at))

    def allow(self, repository_id: int, installation_id: int, origin: Origin, *, removed: bool = False) -> None:
        """Note that an installation sees a repository that was seen, or sees it no longer."""
        row, installed = self.repositories[_id(repository_id)], _id(installation_id)
        self.named.setdefault(installed, origin.source)
        before = row.get("installation")
        if before not in (None, installed) and (row["removed_at"] is None) == removed:
            self.contested.add(before if removed else installed)
        if origin.observed_at >= (row.get("access_observed_at") or _NEVER):
            row["installation"] = installed
            row["access_observed_at"] = origin.observed_at
            row["removed_at"] = origin.observed_at if removed else None

    def install(self, row: Row) -> None:
        """Add a whole installation."""
        row = _possible(installation.noun.all_groups, row)
        self._know_account(row)
        known = self.installations.get(row["github_id"])
        if known is not None and _tie(installation.noun, known, row):
            self.unordered.add((installation.noun, (row["github_id"],)))
        self.installations[row["github_id"]] = row if known is None else merge(installation.noun, known, row)

    def rename_account(self, row: Row) -> None:
        """Add what is known of an installation's account alone."""
        self._know_account(row)
        known = self.accounts.get(row["github_id"])
        if known is None or version(installation.ACCOUNT, row) >= version(installation.ACCOUNT, known):
            self.accounts[row["github_id"]] = row

    def _know_account(self, row: Row) -> None:
        if row.get("account_login"):
            self.know(row["account_id"], row["account_login"], row["account_type"], row["account_observed_at"])


def _id(number: int | str) -> GitHubId:
    return GitHubId(str(number))


def version(group: Group, row: Row) -> tuple[datetime, datetime]:
    """The version of a column group in a row, comparable; see `guard.version`."""
    observed_at = row.get(group.observed_at) or _NEVER
    updated_at = row.get(group.updated_at) if group.dated else None
    if updated_at is None:
        updated_at = observed_at.replace(microsecond=0) if group.undated == "as_asked" else _NEVER
    return updated_at, observed_at


def _possible(groups: Iterable[Group], row: Row) -> Row:
    """The row, where a report whose time of change cannot be yet is as new as it was observed: `guard.impossible`."""
    put_right: Row = {}
    for group in groups:
        changed_at, observed_at = row.get(group.updated_at), row.get(group.observed_at)
        if changed_at and observed_at and changed_at > observed_at + CLOCKS_DIFFER_BY:
            put_right[group.updated_at] = observed_at.replace(microsecond=0)
    return {**row, **put_right} if put_right else row


def _surely_older(payload: repository.Payload, origin: Origin, known: Row) -> bool:
    """Whether a repository need not be looked at: most payloads of a batch repeat what one has told already."""
    if known.get(repository.OWNER.observed_at) != known["observed_at"]:
        return False  # an older payload may be the one with the owner's id
    updated_at = time(payload.updated_at)
    told_by_guids = origin.observed_by == known["observed_by"] == "guid"
    older = (updated_at or _NEVER, origin.observed_at) < version(repository.noun.core_group, known)
    return older and (told_by_guids or (origin.observed_by != "api" and updated_at != known["updated_at"]))


def merge(noun: Noun, known: Row, row: Row) -> Row:
    """One row of two with the same key: each group from its newer report, the later one on a tie."""
    core = noun.core_group
    newer, older = (row, known) if version(core, row) >= version(core, known) else (known, row)
    merged = dict(newer)
    for group in noun.groups:
        source = row if version(group, row) >= version(group, known) else known
        if source is not newer:
            for name in (*group.columns, *_TRAVELS_AS.get(group, ()), group.updated_at, group.observed_at):
                merged[name] = source.get(name)
    for name in noun.sticky:
        merged[name] = newer.get(name) if newer.get(name) is not None else older.get(name)
    for name in noun.final:
        merged[name] = bool(newer.get(name) or older.get(name))
    for name in (*noun.latest, "deleted_at", "verified_at"):
        merged[name] = max(filter(None, (known.get(name), row.get(name))), default=None)
    return merged


def _tie(noun: Noun, known: Row, row: Row) -> bool:
    """As `guard.unordered`, for two rows of one batch."""
    observed_by = (known["observed_by"], row["observed_by"])
    return (
        (not noun.dated or row["updated_at"] == known["updated_at"])
        and ("arrival" in observed_by or (noun.dated and abs(row["observed_at"] - known["observed_at"]) > TOLD_WITHIN))
        and "api" not in observed_by
        and any(known[name] != row[name] for name in noun.core)
    )
