"""The App's installations, and what each of them may see: how a mirror begins, and how access that was lost shows."""

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import jobs
from ghsync.database import first_line, transaction
from ghsync.errors import AccessLost, Gone, NotFound, UnavailableForLegalReasons
from ghsync.jobs import Job
from ghsync.mirror import installation, repository
from ghsync.mirror.guard import ANSWERS_LAST
from ghsync.projector.batch import Batch
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.session import Session

log = structlog.get_logger()


class _Repositories(msgspec.Struct, frozen=True):
    total_count: int
    repositories: list[repository.Payload]


_repository = msgspec.json.Decoder(repository.Payload)
_installation = msgspec.json.Decoder(installation.Payload)


async def refresh(reconciler: Reconciler, session: Session) -> None:
    """Read all installations (``session`` is the App's) and the repositories that each of them sees."""
    listed: list[installation.Payload] = []
    async for page, observed_at in session.listing("app/installations", installation.Payload):
        batch = Batch()
        for one in page:
            batch.install(installation.row(one, session.origin(observed_at)))
        await session.gate.write(batch)
        listed += page
    async with reconciler.engine.connect() as conn:
        unlisted = await _unlisted(conn, (str(one.id) for one in listed))
    for github_id in unlisted:
        await refresh_one(reconciler, session, github_id)
    for one in listed:
        try:
            await _repositories(reconciler, session, one)
        except AccessLost as error:  # taken away since it was listed, which holds up no other
            log.warning("installation_failed", installation=one.id, error=first_line(error))


async def make_due(reconciler: Reconciler, github_id: str) -> None:
    """Have an installation (GitHub's id) read again: something that it should see is not to be seen."""
    job = Job("refetch_installation", github_id, None, "something is not found")
    async with transaction(reconciler.engine) as conn:
        await jobs.schedule(conn, [job])


async def see(session: Session, full_name: str) -> None:
    """Read a repository by its name, with a personal token: nobody installs anything for that."""
    answer = await session.get(f"repos/{full_name}")
    batch = Batch()
    batch.see(_repository.decode(answer.body), session.origin(answer.observed_at))
    await session.gate.write(batch)


async def refresh_one(reconciler: Reconciler, session: Session, github_id: str) -> None:
    """Read one installation (GitHub's id) and the repositories that it sees; one that is not found was removed."""
    asked_at = session.github.now()
    try:
        answer = await session.get(f"app/installations/{github_id}")
    except (NotFound, Gone):
        batch = Batch()
        batch.uninstall(github_id, asked_at)
        await session.gate.write(batch)
        return
    found = _installation.decode(answer.body)
    batch = Batch()
    batch.install(installation.row(found, session.origin(answer.observed_at)))
    await session.gate.write(batch)
    await _repositories(reconciler, session, found)


async def _repositories(reconciler: Reconciler, app: Session, installed: installation.Payload) -> None:
    if installed.suspended_at is not None:
        return
    session = await reconciler.session(str(installed.id), app.source, app.priority, gate=app.gate, meter=app.meter)
    began_at = session.github.now()
    seen: set[str] = set()
    total = 0
    async for page, observed_at in session.pages("installation/repositories", _Repositories):
        batch = Batch()
        for one in page.repositories:
            origin = session.origin(observed_at)
            batch.allow(batch.see(one, origin), installed.id, origin)
            seen.add(str(one.id))
        await session.gate.write(batch)
        total = page.total_count
    if len(seen) < total:
        return  # it was cut short, or changed meanwhile: what is missing in it proves nothing (I10)
    async with reconciler.engine.connect() as conn:
        unseen = await _unseen(conn, str(installed.id), seen, began_at)
    batch = Batch()
    for github_id in unseen:
        if await _is_hidden(session, app, str(installed.id), github_id):
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
    return str(_installation.decode(answer.body).id) != installed


# Those that were listed before, and those that are known to be gone, of which something shows nevertheless.
_UNLISTED = sa.text("""
SELECT i.github_id FROM github_installations i
WHERE i.app_id IS NOT NULL AND i.github_id <> ALL(:listed) AND (i.deleted_at IS NULL OR EXISTS (
  SELECT FROM github_repositories r WHERE r.installation_id = i.id AND r.removed_at IS NULL
    AND coalesce(r.heard_at, '-infinity') <= i.deleted_at))
ORDER BY i.github_id
""")

_UNSEEN = sa.text(f"""
SELECT r.github_id FROM github_repositories r JOIN github_installations i ON i.id = r.installation_id
WHERE i.github_id = :installation AND r.deleted_at IS NULL AND r.removed_at IS NULL
  AND (coalesce(r.access_observed_at, '-infinity') < :began_at
       OR r.access_observed_at > :began_at + interval '{ANSWERS_LAST}') AND r.github_id <> ALL(:seen)
ORDER BY r.github_id
""")


async def _unlisted(conn: AsyncConnection, listed: Iterable[str]) -> list[str]:
    return list(await conn.scalars(_UNLISTED, {"listed": list(listed)}))


async def _unseen(conn: AsyncConnection, installed: str, seen: Iterable[str], began_at: object) -> list[str]:
    asked = {"installation": installed, "seen": list(seen), "began_at": began_at}
    return list(await conn.scalars(_UNSEEN, asked))
