"""The App's installations, and what each of them may see: how a mirror begins, and how access that was lost shows."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import jobs
from ghsync.database import first_line, transaction
from ghsync.errors import (
    AccessLost,
    GhsyncError,
    Gone,
    Moved,
    NotFound,
    PermissionMissing,
    UnavailableForLegalReasons,
    UnreadableAnswer,
)
from ghsync.github.decoding import decoded
from ghsync.jobs import Job
from ghsync.mirror import installation, repository
from ghsync.mirror.following import HEARD_AT
from ghsync.mirror.guard import last_moment
from ghsync.projector.batch import Batch
from ghsync.reconciler import members, unread
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.session import Session

log = structlog.get_logger()


_repository = msgspec.json.Decoder(repository.Payload)
_installation = msgspec.json.Decoder(installation.Payload)


async def refresh(reconciler: Reconciler, session: Session) -> None:
    """Read all installations (``session`` is the App's) and the repositories that each of them sees."""
    listed: list[installation.Payload] = []
    unreadable: list[str] = []
    async for page in session.listing("app/installations", installation.Payload):
        batch = Batch()
        for one in page.items:
            batch.install(installation.row(one, session.origin(page.observed_at)))
        await session.gate.write(batch)
        listed += page.items
        for wrong in page.wrong:
            log.warning("installation_failed", installation=wrong.id, error=first_line(wrong.error))
            unreadable += [str(wrong.id)] if wrong.id is not None else []
    async with transaction(reconciler.engine) as conn:
        unlisted = await _unlisted(conn, (str(one.id) for one in listed))
    for github_id in dict.fromkeys((*unlisted, *unreadable)):  # each by itself tells more, or why it does not
        async with _by_itself(reconciler, session, github_id):
            await refresh_one(reconciler, session, github_id)
    for one in listed:
        async with _by_itself(reconciler, session, str(one.id)):
            await _contents(reconciler, session, one)


@asynccontextmanager
async def _by_itself(reconciler: Reconciler, session: Session, github_id: str) -> AsyncIterator[None]:
    """Read one installation; where it cannot be, it is told, holds up no other, and is asked for again."""
    try:
        yield
    except GhsyncError as error:
        if not (unread.is_of_one(error) or isinstance(error, AccessLost)):
            raise
        log.warning("installation_failed", installation=github_id, error=first_line(error))
        session.unread.note(unread.installation(github_id), f"Installation {github_id}", error)
        async with transaction(reconciler.engine) as conn:
            await session.unread.keep(conn)


async def make_due(reconciler: Reconciler, github_id: str) -> None:
    """Have an installation (GitHub's id) read again: something that it should see is not to be seen."""
    job = Job("refetch_installation", github_id, None, "something is not found")
    async with transaction(reconciler.engine) as conn:
        await jobs.schedule(conn, [job])


async def see(session: Session, full_name: str) -> str:
    """Read a repository by its name, or one that it had, with a personal token: nobody installs anything for that.

    Answers the name that it has.
    """
    owner, _, name = full_name.partition("/")
    try:
        answer = await session.call(lambda requests: requests.rest.repos.async_get(owner, name))
    except Moved as moved:
        answer = await session.get(moved.location)
    batch = Batch()
    found = decoded(answer.body, _repository, full_name)
    batch.see(found, session.origin(answer.observed_at))
    await session.gate.write(batch)
    return found.full_name


async def refresh_one(reconciler: Reconciler, session: Session, github_id: str) -> None:
    """Read one installation (GitHub's id) and the repositories that it sees; one that is not found was removed."""
    asked_at = session.github.now()
    try:
        answer = await session.call(lambda requests: requests.rest.apps.async_get_installation(int(github_id)))
    except (NotFound, Gone):
        batch = Batch()
        batch.uninstall(github_id, asked_at)
        await session.gate.write(batch)
        return
    found = decoded(answer.body, _installation, f"Installation {github_id}")
    batch = Batch()
    batch.install(installation.row(found, session.origin(answer.observed_at)))
    await session.gate.write(batch)
    await _contents(reconciler, session, found)


async def _contents(reconciler: Reconciler, app: Session, installed: installation.Payload) -> None:
    """Read which repositories an installation sees, and who belongs to its account."""
    if installed.suspended_at is not None:
        return
    session = await reconciler.session(str(installed.id), app.source, app.priority, gate=app.gate, meter=app.meter)
    await _repositories(reconciler, session, app, installed)
    try:
        await members.read(reconciler, session, installed)
    except GhsyncError as error:
        if not unread.is_of_one(error) and not isinstance(error, PermissionMissing):
            raise
        account = installed.account.login if installed.account else installed.id
        session.unread.note(unread.installation(str(installed.id)), f"The members of {account}", error)
    if sentence := session.unread.sentence:
        raise UnreadableAnswer(sentence)


async def _repositories(
    reconciler: Reconciler, session: Session, app: Session, installed: installation.Payload
) -> None:
    began_at = session.github.now()
    seen: set[str] = set()
    told, total = 0, None
    async for page in session.listing("installation/repositories", repository.Payload, within="repositories"):
        batch = Batch()
        for one in page.items:
            origin = session.origin(page.observed_at)
            batch.see(one, origin)
            batch.allow(one.id, installed.id, origin)
            seen.add(str(one.id))
        await session.gate.write(batch)
        told, total = told + len(page.items) + len(page.wrong), page.total
        for wrong in page.wrong:
            seen |= {str(wrong.id)} if wrong.id is not None else set()
            name = f"A repository of installation {installed.id}"
            session.unread.note(unread.installation(str(installed.id)), name, wrong.error)
    if total is not None and told >= total:  # else it was cut short, or changed meanwhile, and proves nothing (I10)
        await _hide_unseen(reconciler, session, app, str(installed.id), seen, began_at)


async def _hide_unseen(
    reconciler: Reconciler, session: Session, app: Session, installed: str, seen: set[str], began_at: datetime
) -> None:
    """Hide what an installation (GitHub's id) saw before and sees no longer; one that cannot be asked for is told."""
    async with transaction(reconciler.engine) as conn:
        unseen = await _unseen(conn, installed, seen, began_at)
    for github_id, full_name in unseen:
        try:
            hidden = await _is_hidden(session, app, installed, github_id)
        except GhsyncError as error:
            if not unread.is_of_one(error):
                raise
            session.unread.note(unread.installation(installed), f"{full_name}, which it lists no longer,", error)
            continue
        if hidden:
            batch = Batch()
            batch.hide(int(github_id), began_at)
            await session.gate.write(batch)


async def _is_hidden(session: Session, app: Session, installed: str, github_id: str) -> bool:
    """Whether an installation (GitHub's id) does not see a repository. One that is public any token reads: whose it is,
    the App is told.

    https://docs.github.com/en/rest/apps/apps#get-a-repository-installation-for-the-authenticated-app
    """
    try:
        await session.get(f"repositories/{github_id}")
        answer = await app.get(f"repositories/{github_id}/installation")
    except (NotFound, Gone):
        return True
    except UnavailableForLegalReasons:  # it is there, and may not be shown to anybody
        return False
    return str(decoded(answer.body, _installation, "The installation of a repository").id) != installed


# Those that were listed before, and those that are known to be gone, of which something shows nevertheless.
_UNLISTED = sa.text(f"""
SELECT i.github_id FROM github_installations i
WHERE i.app_id IS NOT NULL AND i.github_id <> ALL(:listed) AND (i.deleted_at IS NULL OR EXISTS (
  SELECT FROM github_repositories r WHERE r.installation_id = i.id AND r.removed_at IS NULL
    AND coalesce({HEARD_AT}, '-infinity') <= i.deleted_at))
ORDER BY i.github_id
""")

_UNSEEN = sa.text(f"""
SELECT r.github_id, r.full_name FROM github_repositories r JOIN github_installations i ON i.id = r.installation_id
WHERE i.github_id = :installation AND r.deleted_at IS NULL AND r.removed_at IS NULL
  AND (coalesce(r.access_observed_at, '-infinity') < :began_at
       OR r.access_observed_at > {last_moment(":began_at")}) AND r.github_id <> ALL(:seen)
  AND r.github_id ~ '^[0-9]{{1,18}}$'
ORDER BY r.github_id
""")


async def _unlisted(conn: AsyncConnection, listed: Iterable[str]) -> list[str]:
    return list(await conn.scalars(_UNLISTED, {"listed": list(listed)}))


async def _unseen(
    conn: AsyncConnection, installed: str, seen: Iterable[str], began_at: datetime
) -> list[tuple[str, str]]:
    """GitHub's ids and names of those that were seen before, and now are not."""
    asked = {"installation": installed, "seen": list(seen), "began_at": began_at}
    return [(row.github_id, row.full_name) for row in await conn.execute(_UNSEEN, asked)]
