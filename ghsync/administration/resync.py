"""The manual resync: repositories are brought up to GitHub through its API, or compared with it."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from ghsync import audit, wording
from ghsync.actor import Actor
from ghsync.database import transaction
from ghsync.errors import (
    AccessLost,
    BadCredentials,
    DatabaseUnavailable,
    GhsyncError,
    GitHubUnreachable,
    NotFound,
    RateLimited,
    Suspended,
)
from ghsync.github import refusals
from ghsync.github.client import Meter
from ghsync.reconciler import bulk, installations, news, places
from ghsync.reconciler.gate import Mirror, Rehearsal
from ghsync.reconciler.places import Place
from ghsync.reconciler.progress import KINDS, What
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.repository import Watch
from ghsync.reconciler.resync import resync as read
from ghsync.reports import differences

AUDITED_NAMES = 100

ENDS_ALL = (BadCredentials, DatabaseUnavailable, GitHubUnreachable)
"""After these no other repository can be read either."""

Watching = Callable[[str], AbstractContextManager[Watch]]
"""Opens, for a repository's name and its position among all, what is told of its progress while it is read."""

_SUSPENDED = sa.text("""
SELECT i.account_login AS account FROM github_installations i
WHERE i.suspended_at IS NOT NULL AND i.deleted_at IS NULL
  AND (CAST(:installation AS text) IS NULL OR i.github_id = :installation)
  AND (CAST(:name AS text) IS NULL OR EXISTS (
    SELECT FROM github_repositories r WHERE r.installation_id = i.id AND lower(r.tracked_name) = lower(:name)))
ORDER BY i.account_login
""")


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be read, and how."""

    names: Sequence[str]
    installation: int | None
    full: bool
    dry_run: bool
    kinds: tuple[What, ...]


@dataclass(slots=True)
class RefusedNames:
    """Why repositories cannot be read that are named, and whole accounts that are not."""

    names: dict[str, str] = field(default_factory=dict)
    accounts: list[str] = field(default_factory=list)


async def resync(reconciler: Reconciler, scope: Scope, watching: Watching, *, actor: Actor) -> dict[str, Any]:
    """Read repositories; answers what became of each, other errors, and differences.

    One that fails holds up no other, unless none can be read. Raises `NotFound` where there is nothing to read.
    """
    rehearsal = Rehearsal(reconciler.engine, insists=scope.full) if scope.dry_run else None
    found, refused = await _places(reconciler, scope, rehearsal)
    found = await _sized(reconciler, found)
    if found and not scope.dry_run:
        await _write_down(reconciler, scope, found, actor)
    rows: list[dict[str, Any]] = []
    async for turn in _in_turn(reconciler, scope, found):
        position = f" ({len(rows) + 1:,} of {len(found):,})" if len(found) > 1 else ""
        with watching(f"{turn.place.full_name}{position}") as watch:
            rows.append(await _one(reconciler, turn, scope, rehearsal, watch))
    rows.sort(key=itemgetter("repository"))
    rows = [{"repository": name, "error": why} for name, why in refused.names.items()] + rows
    told = rehearsal.differences if rehearsal else []
    names = {place.id: place.full_name for place in found}
    return {"repositories": rows, "errors": refused.accounts, "differences": differences.documents(told, names)}


async def _write_down(reconciler: Reconciler, scope: Scope, found: Sequence[Place], actor: Actor) -> None:
    """One act is one row, however many repositories are read; it may be stopped before its end."""
    names = [place.full_name for place in found]
    listed = {"repositories": names} if len(names) <= AUDITED_NAMES else {"count": len(names)}
    async with transaction(reconciler.engine) as conn:
        await audit.record(
            conn,
            action="repository.resync_started",
            resource_type="github_repository",
            resource_id=found[0].id if len(found) == 1 else None,
            entity_name=names[0] if len(names) == 1 else wording.count(len(names), "repository", "repositories"),
            new_values={"full": scope.full, "kinds": list(scope.kinds), "installation": scope.installation, **listed},
            actor=actor,
        )


class _Turn(NamedTuple):
    """A repository to read, with what was shown of it already; the first of many that were shown bears what it cost."""

    place: Place
    shown: bulk.Whole | None = None
    spent: Meter | None = None


async def _in_turn(reconciler: Reconciler, scope: Scope, found: Sequence[Place]) -> AsyncIterator[_Turn]:
    """Small ones that nobody has read come first, each with what one request has shown of many; then all others."""
    alone = {place.id: place for place in found}
    if not scope.full and not scope.dry_run and scope.kinds == KINDS:
        unread = [place for place in found if place.complete_at is None]
        for installation, part in reconciler.readable(unread).items():
            session = await reconciler.session(installation, "resync", "interactive")
            with contextlib.suppress(RateLimited):  # who asked for these would rather have them without GraphQL
                async for place, shown in bulk.small(session, part):
                    del alone[place.id]
                    yield _Turn(place, shown, session.meter.taken())
    for place in alone.values():
        yield _Turn(place)


async def _one(
    reconciler: Reconciler, turn: _Turn, scope: Scope, rehearsal: Rehearsal | None, watch: Watch
) -> dict[str, Any]:
    row: dict[str, Any] = {"repository": turn.place.full_name, "error": None}
    started = time.monotonic()
    try:
        run = await read(
            reconciler,
            turn.place,
            kind="resync",
            full=scope.full,
            priority="interactive",
            kinds=scope.kinds,
            gate=rehearsal,
            watch=watch,
            shown=turn.shown,
            spent=turn.spent,
        )
    except ENDS_ALL:
        raise
    except GhsyncError as error:
        return row | {"error": str(error)}
    return row | {
        "read": run.rows_seen,
        "changed": run.rows_written,
        "requests": run.meter.requests,
        "points": run.meter.points,
        "unread": run.unread,
        "seconds": round(time.monotonic() - started, 3),
    }


async def _places(
    reconciler: Reconciler, scope: Scope, rehearsal: Rehearsal | None
) -> tuple[list[Place], RefusedNames]:
    """The repositories to read, and why others cannot be; what is not known yet is looked for."""
    found, refused = await _known(reconciler, scope), RefusedNames()
    missing = _missing(scope, found)
    if missing or not scope.names:
        refused = await _discover(reconciler, scope, missing, rehearsal)
        found = await _known(reconciler, scope)
        missing = _missing(scope, found)
    begins = rehearsal is not None and rehearsal.differences
    if not scope.names:
        refused.accounts += await _suspended(reconciler, installation=scope.installation)
    if not (found or missing or begins):
        raise _why_nothing(scope, refused)
    refused.names = {name: refused.names.get(name) or str(await _why_not(reconciler, scope, name)) for name in missing}
    return found, refused


async def _sized(reconciler: Reconciler, found: Sequence[Place]) -> list[Place]:
    """Find out how large they are, many at once, so that no page is paid for that could hold more; one is just read."""
    if len(found) == 1:
        return list(found)
    sized: list[Place] = []
    for installation, part in reconciler.readable(found).items():
        try:
            session = await reconciler.session(installation, "resync", "interactive")
            sized += await news.sized(session, part)
        except ENDS_ALL:
            raise
        except GhsyncError:  # reading them finds out why
            sized += part
    return sorted(sized, key=attrgetter("full_name"))


async def _known(reconciler: Reconciler, scope: Scope) -> list[Place]:
    async with transaction(reconciler.engine) as conn:
        if scope.names:
            found = await places.named(conn, scope.names)
        elif scope.installation is not None:
            found = await places.of_installation(conn, str(scope.installation))
        else:
            found = await places.everything(conn)
    return [place for part in reconciler.readable(found).values() for place in part]


def _missing(scope: Scope, found: Sequence[Place]) -> list[str]:
    known = {place.full_name.lower() for place in found}
    return [name for name in scope.names if name.lower() not in known]


async def _discover(
    reconciler: Reconciler, scope: Scope, names: Sequence[str], rehearsal: Rehearsal | None
) -> RefusedNames:
    """Find out what the App sees; with a personal token, the named ones. Answers what cannot be seen, and why."""
    gate = rehearsal or Mirror(reconciler.engine, insists=scope.full)
    if reconciler.github.has_app:
        try:
            app = reconciler.app_session("resync", "interactive", gate=gate)
            await installations.refresh(reconciler, app)
        except ENDS_ALL:
            raise
        except NotFound:  # every App has a list of installations
            raise BadCredentials(refusals.UNKNOWN["app"]) from None
        except GhsyncError as error:  # what is known already can be read all the same
            return RefusedNames(dict.fromkeys(names, str(error)), [] if names else [str(error)])
        return RefusedNames(accounts=[] if names else list(app.unread.sentences.values()))
    session = await reconciler.session(None, "resync", "interactive", gate=gate)
    refused = RefusedNames()
    for name in names:
        try:
            full_name = await installations.see(session, name)
        except NotFound:
            refused.names[name] = f"GitHub shows no repository {name} to this token: is the name right?"
        except ENDS_ALL:
            raise
        except GhsyncError as error:
            refused.names[name] = str(error)
        else:
            refused.names[name] = f"{name} is called {full_name} by now: give that name."
    return refused


async def _why_not(reconciler: Reconciler, scope: Scope, name: str) -> GhsyncError:
    """Why a repository that is named is not read."""
    if suspended := await _suspended(reconciler, name=name):
        return Suspended(suspended[0])
    if scope.dry_run:
        return NotFound(f"{name} is not mirrored yet: there is nothing to compare.")
    return NotFound(f"GitHub shows no repository {name} here: is the App installed there, and is the name right?")


def _why_nothing(scope: Scope, refused: RefusedNames) -> GhsyncError:
    """Why there is nothing to read where none is named."""
    if refused.accounts:
        return AccessLost(refused.accounts[0])
    if scope.installation is not None:
        return NotFound(f"The App has no installation {scope.installation} that sees a repository.")
    return NotFound("There is nothing to read: install the App on an account, or name a repository.")


async def _suspended(reconciler: Reconciler, *, name: str | None = None, installation: int | None = None) -> list[str]:
    """Why a repository, those of an installation, or some of all cannot be read: whose accounts have suspended it."""
    asked = {"name": name, "installation": None if installation is None else str(installation)}
    async with transaction(reconciler.engine) as conn:
        accounts = await conn.scalars(_SUSPENDED, asked)
        return [
            f"The App's installation on {account} is suspended: the account's owner can lift that in GitHub's settings."
            for account in accounts
        ]
