"""Who belongs to an organization: hooks tell of those who come and go, and not of those who were there before.

An account that is a person's has that person. Members of single repositories are known from hooks alone: to list the
collaborators of each would cost a request a repository.
https://docs.github.com/en/rest/orgs/members
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync.database import fetch, transaction
from ghsync.errors import NotFound
from ghsync.jobs import Job
from ghsync.mirror import installation, member
from ghsync.mirror.user import User
from ghsync.projector.batch import Batch
from ghsync.reconciler import unread
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.session import Session

CONFIRMED_EVERY = timedelta(days=1)
"""How often a row is written of which nothing is new."""

_STORED = sa.text("""
SELECT u.github_id, u.github_login AS login, m.role, m.observed_at
FROM organization_members m JOIN organizations o ON o.id = m.organization_id JOIN users u ON u.id = m.user_id
WHERE o.github_account_id = :account AND m.source = 'github' AND m.removed_at IS NULL AND u.github_id IS NOT NULL
ORDER BY u.github_id
""")


class _Stored(NamedTuple):
    github_id: str
    login: str | None
    role: str
    observed_at: datetime


class _Told(NamedTuple):
    """A member as GitHub lists them, and when it was asked."""

    user: User
    role: str
    observed_at: datetime


async def read(reconciler: Reconciler, session: Session, installed: installation.Payload) -> None:
    """Read who belongs to the account of an installation, as far as it may see that."""
    account = installed.account
    if account is None or account.login is None:
        return  # an enterprise has no members that an App could list
    if account.type == "User":
        told = {str(account.id): _Told(User(account.id, account.login), "admin", session.github.now())}
    elif "members" in (installed.permissions or {}):
        told = await _listed(session, account.login, unread.installation(str(installed.id)))
    else:
        return
    async with transaction(reconciler.engine) as conn:
        stored = await _stored(conn, str(account.id))
    batch = Batch()
    for github_id, one in told.items():
        if _is_news(one, stored.get(github_id)):
            row = member.row(one.user, one.role, session.origin(one.observed_at), removed=False)
            batch.members.append(row | {"account": str(account.id)})
    if account.type != "User":
        for github_id, missing in stored.items():
            if github_id not in told and missing.login and (left_at := await _left_at(session, account.login, missing)):
                user = User(int(github_id), missing.login)
                row = member.row(user, None, session.origin(left_at), removed=True)
                batch.members.append(row | {"account": str(account.id)})
    await session.gate.write(batch)


async def _listed(session: Session, login: str, again: Job) -> dict[str, _Told]:
    """All members, by GitHub's id; those that are asked for last are what they were last.

    One that cannot be read is noted for the job that reads them ``again``.
    """
    told: dict[str, _Told] = {}
    for role in ("member", "admin"):
        async for page in session.listing(f"orgs/{login}/members", User, role=role):
            told |= {str(user.id): _Told(user, role, page.observed_at) for user in page.items}
            for wrong in page.wrong:
                session.unread.note(again, f"A member of {login}", wrong.error)
    return told


async def _left_at(session: Session, login: str, missing: _Stored) -> datetime | None:
    """When somebody who was not listed was no member; None for one who is: pages shift while members come and go."""
    asked_at = session.github.now()
    try:
        await session.get(f"orgs/{login}/memberships/{missing.login}")
    except NotFound:
        return asked_at
    return None


def _is_news(told: _Told, stored: _Stored | None) -> bool:
    if stored is None or (stored.login, stored.role) != (told.user.login, told.role):
        return True
    return told.observed_at - stored.observed_at > CONFIRMED_EVERY


async def _stored(conn: AsyncConnection, account: str) -> Mapping[str, _Stored]:
    rows = await fetch(conn, _STORED, {"account": account})
    return {row.github_id: _Stored(*row) for row in rows}
