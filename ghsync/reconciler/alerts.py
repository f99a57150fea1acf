"""Security alerts: what code scanning, Dependabot and secret scanning found, for whoever may read it.

An organization lists those of all its repositories, most of which have none: where many repositories are read, that is
three requests in place of three for each.

Of code scanning, the listing shows an alert as it is on the default branch, where a hook may have told of a pull
request's. So where those were seen is written only of what is new or has changed since.
https://docs.github.com/en/rest/code-scanning/code-scanning
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import first_line, transaction
from ghsync.errors import AccessLost, GhsyncError, Gone, NotFound, RateLimited, Suspended, SwitchedOff
from ghsync.github.decoding import decoded
from ghsync.mirror import security_alert
from ghsync.mirror.security_alert import Payload
from ghsync.mirror.user import time
from ghsync.projector.batch import Batch
from ghsync.reconciler import unread
from ghsync.reconciler.catalog import KnownRepository
from ghsync.reconciler.places import Place
from ghsync.reconciler.session import ListingPage, Session

log = structlog.get_logger()

AT_LEAST = 2
"""Repositories of an organization of which its own list is asked."""

LISTINGS: Mapping[str, tuple[str, str, dict[str, object]]] = {
    "code_scanning": ("security_events", "code-scanning/alerts", {}),
    "dependabot": ("vulnerability_alerts", "dependabot/alerts", {}),
    "secret_scanning": ("secret_scanning_alerts", "secret-scanning/alerts", {"hide_secret": True}),
}
"""By kind: the permission that it takes, where it is listed, and how."""

Listed = Mapping[str, Sequence[ListingPage[Payload]]]
"""The pages of some kinds of alerts of one repository."""

_STORED = sa.text("""
SELECT number, updated_at FROM github_security_alerts
WHERE repository_id = :repository AND kind = :kind AND deleted_at IS NULL ORDER BY number
""")

_decoder = msgspec.json.Decoder(Payload)


class _Repository(msgspec.Struct, frozen=True):
    id: int


class _OfOrganization(Payload, frozen=True, kw_only=True):
    repository: _Repository


async def listed(session: Session, known: Sequence[Place]) -> Mapping[int, Listed]:
    """The alerts of some repositories of one account, by GitHub's id, as far as the account lists them.

    One that is no organization lists none. More pages than there are repositories are not read. Raises `RateLimited`.
    """
    found: dict[int, dict[str, list[ListingPage[Payload]]]] = {place.github_id: {} for place in known}
    for kind, (permission, path, params) in LISTINGS.items():
        places = [place for place in known if place.may(permission)]
        if len(places) < AT_LEAST:
            continue
        owner = places[0].full_name.partition("/")[0]
        pages = await _of_organization(session, f"/orgs/{owner}/{path}", params, most=len(places))
        if pages is None:
            continue
        for place in places:
            found[place.github_id][kind] = []
        for page in pages:
            for repository, alerts in _by_repository(page).items():
                if kind in found.get(repository, ()):
                    found[repository][kind].append(ListingPage(alerts, page.observed_at))
    return found


async def _of_organization(
    session: Session, address: str, params: Mapping[str, object], most: int
) -> list[ListingPage[_OfOrganization]] | None:
    pages: list[ListingPage[_OfOrganization]] = []
    try:
        async for page in session.listing(address, _OfOrganization, None, **params):
            pages.append(page)
            if page.wrong or len(pages) > most:
                return None
    except RateLimited:
        raise
    except GhsyncError as error:  # reading each of them finds out why
        log.info("alerts_not_listed_together", address=address, error=first_line(error))
        return None
    return pages


def _by_repository(page: ListingPage[_OfOrganization]) -> Mapping[int, list[Payload]]:
    found: dict[int, list[Payload]] = {}
    for alert in page.items:
        found.setdefault(alert.repository.id, []).append(alert)
    return found


async def read(session: Session, engine: AsyncEngine, known: KnownRepository, told: Listed | None = None) -> None:
    """Read all alerts of every kind and state, and write them.

    Who insists has those asked for that are not listed: code scanning does not list what it saw in pull requests alone.
    What its organization has just ``told`` is not asked for, unless the mirror has an alert that is not among it.
    """
    batch = known.batch()
    for kind, (permission, _, _) in LISTINGS.items():
        if known.place.may(permission):
            with unread.part(session.unread, known.place.id, _named(known, kind)):
                await _read(session, engine, known, batch, kind, (told or {}).get(kind))
    if batch.rows or batch.gone:
        await session.gate.write(batch)


async def _read(
    session: Session,
    engine: AsyncEngine,
    known: KnownRepository,
    batch: Batch,
    kind: str,
    told: Sequence[ListingPage[Payload]] | None,
) -> None:
    stored, asked_at = await _stored(engine, known, kind), session.github.now()
    try:
        is_told = told is not None and stored.keys() <= _numbers(told)
        pages = told if is_told else await _listed(session, known, kind)
    except SwitchedOff:
        for number in stored:
            _bury(batch, known, kind, number, asked_at)
        return
    if pages is None:
        return
    for page in pages:
        for alert in page.items:
            placed = kind != "code_scanning" or alert.number not in stored or _changed(alert, stored[alert.number])
            row = security_alert.row(alert, kind, session.origin(page.observed_at), placed=placed)
            batch.add(security_alert.noun, known.place.github_id, row)
    for wrong in chain.from_iterable(page.wrong for page in pages):
        raise wrong.error
    if session.gate.insists:
        for number in sorted(stored.keys() - _numbers(pages)):
            with unread.part(session.unread, known.place.id, _named(known, kind, number)):
                await _settle(session, known, batch, kind, number)


def _numbers(pages: Iterable[ListingPage[Payload]]) -> set[int]:
    return {alert.number for page in pages for alert in page.items}


async def _listed(session: Session, known: KnownRepository, kind: str) -> list[ListingPage[Payload]] | None:
    """The pages of all alerts; None where it is not shown whether there are any."""
    _, path, params = LISTINGS[kind]
    try:
        return [page async for page in session.listing(known.place.path(path), Payload, None, **params)]
    except Suspended:
        raise
    except NotFound:  # nothing has been looked for; or a token is not shown whether it has
        return None if known.place.permissions is None else []
    except AccessLost:
        return None


async def _settle(session: Session, known: KnownRepository, batch: Batch, kind: str, number: int) -> None:
    """Ask for one that was not listed, and add to the batch what has become of it."""
    _, path, params = LISTINGS[kind]
    asked_at = session.github.now()
    try:
        answer = await session.get(known.place.path(path, number), conditional=False, **params)
    except (NotFound, Gone):
        _bury(batch, known, kind, number, asked_at)
        return
    alert = decoded(answer.body, _decoder, _named(known, kind, number))
    row = security_alert.row(alert, kind, session.origin(answer.observed_at))
    batch.add(security_alert.noun, known.place.github_id, row)


def _named(known: KnownRepository, kind: str, number: int | None = None) -> str:
    """What errors call all alerts of a kind, or one."""
    which = "alerts" if number is None else f"alert {number}"
    return f"The {kind.replace('_', ' ')} {which} of {known.place.full_name}"


def _bury(batch: Batch, known: KnownRepository, kind: str, number: int, asked_at: datetime) -> None:
    batch.bury(security_alert.noun, known.place.github_id, {"kind": kind, "number": number}, asked_at)


def _changed(alert: Payload, updated_at: datetime | None) -> bool:
    return updated_at != time(alert.updated_at)


async def _stored(engine: AsyncEngine, known: KnownRepository, kind: str) -> dict[int, datetime | None]:
    """When those that are mirrored were changed last, by number."""
    async with transaction(engine) as conn:
        found = await conn.execute(_STORED, {"repository": known.place.id, "kind": kind})
        return {row.number: row.updated_at for row in found}
