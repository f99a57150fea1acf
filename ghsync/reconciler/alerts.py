"""Security alerts: what code scanning, Dependabot and secret scanning found, for whoever may read it.

Of code scanning, the listing shows an alert as it is on the default branch, where a hook may have told of a pull
request's. So where those were seen is written only of what is new or has changed since.
https://docs.github.com/en/rest/code-scanning/code-scanning
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.errors import AccessLost, NotFound, Suspended
from ghsync.mirror import security_alert
from ghsync.mirror.security_alert import Payload
from ghsync.mirror.user import time
from ghsync.reconciler import unread
from ghsync.reconciler.catalog import Known
from ghsync.reconciler.session import Session

LISTINGS: Mapping[str, tuple[str, str, dict[str, object]]] = {
    "code_scanning": ("security_events", "code-scanning/alerts", {}),
    "dependabot": ("vulnerability_alerts", "dependabot/alerts", {}),
    "secret_scanning": ("secret_scanning_alerts", "secret-scanning/alerts", {"hide_secret": True}),
}
"""By kind: the permission that it takes, where it is listed, and how."""

_STORED = sa.text("""
SELECT number, updated_at FROM github_security_alerts
WHERE repository_id = :repository AND kind = :kind AND deleted_at IS NULL
""")


async def read(session: Session, engine: AsyncEngine, known: Known) -> None:
    """Read all alerts of every kind and state, and write them."""
    batch = known.batch()
    for kind, (permission, path, params) in LISTINGS.items():
        if not known.place.may(permission):
            continue
        with unread.part(
            session.unread, known.place.id, f"The {kind.replace('_', ' ')} alerts of {known.place.full_name}"
        ):
            try:
                pages = [page async for page in session.listing(known.place.path(path), Payload, None, **params)]
            except Suspended:
                raise
            except (NotFound, AccessLost):
                continue  # it is not enabled for this repository, as for most
            for page in pages:
                news = await _news(engine, known, page.items) if kind == "code_scanning" else page.items
                for alert in page.items:
                    row = security_alert.row(alert, kind, session.origin(page.observed_at), placed=alert in news)
                    batch.add(security_alert.noun, known.place.github_id, row)
            for wrong in chain.from_iterable(page.wrong for page in pages):
                raise wrong.error
    if batch.rows:
        await session.gate.write(batch)


async def _news(engine: AsyncEngine, known: Known, found: Iterable[Payload]) -> list[Payload]:
    asked = {"repository": known.place.id, "kind": "code_scanning"}
    async with transaction(engine) as conn:
        stored: dict[int, datetime | None] = {row.number: row.updated_at for row in await conn.execute(_STORED, asked)}
    return [alert for alert in found if alert.number not in stored or stored[alert.number] != time(alert.updated_at)]
