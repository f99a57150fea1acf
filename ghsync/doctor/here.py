"""What can be told without asking GitHub: settings, keys, and the database."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import (
    encrypted,
    jobs,
    locks,
    migrate,
    partitions,
    pooler,
    processes,
    replication,
    retention,
    rights,
    sessions,
    webhook_secrets,
)
from ghsync.database import transaction
from ghsync.doctor.finding import Finding
from ghsync.encryption import Encryption
from ghsync.errors import NotConfigured
from ghsync.github import credentials
from ghsync.partitions import Partition
from ghsync.reconciler import places
from ghsync.retention import DuePartition
from ghsync.settings import Settings, unknown

OLDEST_POSTGRESQL = 15
NEEDED = frozenset({"encryption keys", "private key", "api url", "database", "rights"})
"""The checks without which GitHub is not asked."""

UNVERIFIABLE = "GHSYNC_WEBHOOK_SECRETS is not set, and `ghsync serve` does not start without the App's webhook secret."
EMPTY = "and empty: `ghsync serve` fills it."
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def settings(loaded: Settings) -> Iterator[Finding]:
    """What the settings say, and what they leave out."""
    for sentence in unknown():
        yield Finding("settings", "warning", sentence)
    if loaded.webhook_secrets or not loaded.encryption_keys:  # else the database may have it
        yield _secrets(loaded)
    yield _encryption(loaded)
    yield _credentials(loaded)
    address = urlsplit(loaded.api_url)
    if address.scheme == "http" and address.hostname not in LOOPBACK:
        yield Finding("api url", "failed", "GHSYNC_API_URL sends tokens in clear text: it must begin with https://.")


async def secrets(engine: AsyncEngine, *, empty: bool) -> Finding:
    """Whether the database has the App's webhook secret, where the settings have none."""
    if not empty:
        async with transaction(engine) as conn:
            if await conn.run_sync(webhook_secrets.app_has_one):
                return Finding("webhook secrets", "ok", "The App's is in the database.")
    return Finding("webhook secrets", "failed", UNVERIFIABLE)


def _secrets(loaded: Settings) -> Finding:
    number = len(loaded.webhook_secrets)
    if not number:
        return Finding("webhook secrets", "failed", UNVERIFIABLE)
    return Finding("webhook secrets", "ok", f"{number} of them; a delivery may be signed with any.")


def _encryption(loaded: Settings) -> Finding:
    if not loaded.encryption_keys:
        said = (
            "GHSYNC_ENCRYPTION_KEYS is not set: processes cannot share tokens, nor repositories have secrets; "
            "`openssl rand -base64 32 | tr +/ -_` makes a key."
        )
        return Finding("encryption keys", "warning", said)
    try:
        Encryption(loaded.encryption_keys)
    except NotConfigured as error:
        return Finding("encryption keys", "failed", str(error))
    return Finding("encryption keys", "ok", f"{len(loaded.encryption_keys)} of them; the first encrypts.")


async def kept(engine: AsyncEngine, loaded: Settings) -> Finding:
    """Whether the keys open all secrets in the database, and with which one."""
    found = await encrypted.stored(engine, Encryption(loaded.encryption_keys))
    total = sum(each.counts.total() for each in found)
    if lost := [f"{each.lost:,} in {each.column}" for each in found if each.lost]:
        said = f"No key of GHSYNC_ENCRYPTION_KEYS opens {', '.join(lost)}: put back the one that is missing."
        return Finding("stored secrets", "warning", said)
    if older := sum(each.counts["older"] for each in found):
        said = f"{older:,} of {total:,} are under an older key: `ghsync maintain --encrypt-anew` lets you take it away."
        return Finding("stored secrets", "warning", said)
    return Finding("stored secrets", "ok", f"{total:,}, all under the first key.")


def _credentials(loaded: Settings) -> Finding:
    try:
        app = credentials.app(loaded)
    except NotConfigured as error:
        return Finding("private key", "failed", str(error))
    if app is not None:
        return Finding("private key", "ok", f"The key of App {loaded.app_id} can be read.")
    if loaded.token is not None:
        return Finding("private key", "ok", "None: a personal token reads the API.")
    said = (
        "Nothing may read GitHub's API, so that only deliveries keep the mirror: "
        "set GHSYNC_APP_ID and GHSYNC_PRIVATE_KEY_PATH, or GHSYNC_TOKEN."
    )
    return Finding("private key", "warning", said)


async def database(engine: AsyncEngine, url: str) -> Finding:
    """Whether PostgreSQL is there, new enough, and has the newest schema."""
    async with transaction(engine) as conn:
        version = int(await conn.scalar(sa.text("SELECT current_setting('server_version_num')")) or 0) // 10_000
    if version < OLDEST_POSTGRESQL:
        said = f"PostgreSQL {version} is too old: ghsync needs {OLDEST_POSTGRESQL} or newer."
        return Finding("database", "failed", said)
    due = await asyncio.to_thread(migrate.pending, url)
    if due and await asyncio.to_thread(migrate.current, url) is None:
        return Finding("database", "warning", f"PostgreSQL {version}, {EMPTY}")
    if due:
        said = f"Migrations are due ({', '.join(due)}): run `ghsync migrate`."
        under_way = [_told(one) for one in await _held(engine) if one.lock == "migration"]
        return Finding("database", "failed", f"{said} One is under way: {under_way[0]}." if under_way else said)
    if newer := await asyncio.to_thread(migrate.ahead, url):
        said = (
            f"PostgreSQL {version}, at {newer}, which a newer version of ghsync has brought it to: "
            "this one works with it, and is to be updated, too."
        )
        return Finding("database", "warning", said)
    if not await asyncio.to_thread(migrate.is_defined, url):
        return Finding("database", "failed", migrate.UNDEFINED)
    async with transaction(engine) as conn:
        standby = await replication.standby(conn)
    if standby:
        said = f"PostgreSQL {version}, a standby: it can be read; `ghsync serve` needs the primary."
        return Finding("database", "warning", said)
    return Finding("database", "ok", f"PostgreSQL {version}, with the newest schema.")


def is_empty(found: Finding) -> bool:
    """Whether the database, which this was found of, has no tables: then GitHub cannot be asked either."""
    return found.said.endswith(EMPTY)


async def held(engine: AsyncEngine) -> Finding:
    """Whether anybody waits for what another holds, and who has the locks of which there is one."""
    found = await _held(engine)
    for one in found:
        end = f"Let it end, or run SELECT pg_terminate_backend({one.pid});"
        if one.waiting:
            said = f"Others wait, {one.waiting} of them, for what is held: {_told(one)}."
            return Finding("locks", "warning", f"{said} {end}")
        if one.lock == "leader" and not sessions.is_ours(one.holder):
            said = f"No ghsync can lead while somebody else holds what only the leader may: {_told(one)}."
            return Finding("locks", "warning", f"{said} {end}")
    return Finding("locks", "ok", f"Nobody waits; {'; '.join(map(_told, found)) or 'none is held'}.")


async def partitioned(engine: AsyncEngine) -> Finding:
    """Whether each month has its partitions, what is in their place, what is not in its own, and what has yet to go."""
    async with transaction(engine) as conn:
        found = await partitions.expected(conn)
        astray = await partitions.astray(conn, found)
        due = await retention.due_partitions(conn)
    told = [*_obstructed(found), *_missing(found), *_astray(astray), *_due(due)]
    if told:
        return Finding("partitions", "warning", " ".join(told))
    return Finding("partitions", "ok", f"They are made up to {partitions.made_up_to(found):%Y-%m}.")


def _obstructed(found: Sequence[Partition]) -> Iterator[str]:
    if names := [each.name for each in found if each.state == "obstructed"]:
        verb = "is" if len(names) == 1 else "are"
        yield f"In the place of partitions {verb} {', '.join(names)}: rename or attach, and run `ghsync maintain`."


def _missing(found: Sequence[Partition]) -> Iterator[str]:
    """Of all but the last month: a process that serves or works has had little time to make that yet."""
    last = max(each.month for each in found)
    if names := [each.name for each in found if each.state == "missing" and each.month < last]:
        yield f"Missing: {', '.join(names)}. Run `ghsync maintain`, which tells what is in the way."


def _astray(astray: Sequence[tuple[str, date]]) -> Iterator[str]:
    """Of months for which nobody makes partitions unasked."""
    for parent, month in astray:
        make = f"SELECT make_partition('{parent}', '{month}');"
        yield f"{parent}_default has rows of {month:%Y-%m}, which would stay when months are dropped: run {make}"


def _due(due: Sequence[DuePartition]) -> Iterator[str]:
    if due:
        verb = "is" if len(due) == 1 else "are"
        names = ", ".join(each.name for each in due)
        yield f"Past its retention {verb} {names}: run `ghsync maintain`, which tells what is in the way."


async def at_work(engine: AsyncEngine) -> Finding:
    """Which processes are heard of, and which are not any more."""
    async with transaction(engine) as conn:
        found = await processes.all_of_them(conn)
    silent = [one for one in found if processes.is_silent(one)]
    if silent:
        named = "; ".join(
            f"{one['kind']} {one['host']}:{one['pid']} for {one['silent_seconds']:.0f} s" for one in silent
        )
        said = f"Not heard of: {named}. Stopped, cut off or dead: others do its work, end it if it is still there."
        return Finding("processes", "warning", said)
    if not found:
        return Finding("processes", "ok", "None is at work: `ghsync serve` receives and projects.")
    return Finding("processes", "ok", f"{len(found)} at work, all of them heard of lately.")


async def pooled(loaded: Settings, url: str) -> Finding:
    """Whether the pooler leads to the same database."""
    await asyncio.to_thread(pooler.check, loaded, url)
    return Finding("pooler", "ok", "It leads to the same database.")


async def _held(engine: AsyncEngine) -> Sequence[Any]:
    async with transaction(engine) as conn:
        return (await conn.execute(locks.HELD, {"kinds": list(jobs.KINDS)})).all()


def _told(lock: Any) -> str:
    since = "since a time that this role may not see" if lock.seconds is None else f"for {lock.seconds:.0f} s"
    return f"{lock.lock}, by {lock.holder} {since}"


async def granted(engine: AsyncEngine) -> Finding:
    """Whether the role may do all that ghsync does, as the catalog tells."""
    async with transaction(engine) as conn:
        lack = await conn.run_sync(rights.lacking)
    if lack is None:
        return Finding("rights", "ok", "There are no tables yet.")
    if lack.rights:
        return Finding("rights", "failed" if lack.to_work else "warning", lack.sentence)
    does = "owns the tables" if lack.tables.owned else "owns nothing, and has the rights that it needs"
    return Finding("rights", "ok", f'The role "{lack.tables.role}" {does}.')


# The last reading of each repository, which says why it failed; what GitHub has blocked is told by itself.
_FAILED = sa.text("""
SELECT r.full_name || ': ' || coalesce(s.last_error, 'its last reading failed.') AS error
FROM github_repositories r
JOIN LATERAL (
  SELECT status, last_error FROM sync_runs WHERE repository_id = r.id AND kind IN ('backfill', 'sweep', 'resync')
    AND status <> 'running' ORDER BY finished_at DESC NULLS LAST LIMIT 1) s ON s.status = 'failed'
LEFT JOIN sync_marks m ON m.repository_id = r.id
WHERE r.deleted_at IS NULL AND r.removed_at IS NULL AND m.blocked_at IS NULL
ORDER BY r.full_name
""")


async def unread(engine: AsyncEngine) -> Finding:
    """What of GitHub could not be read lately, and is asked for again."""
    async with transaction(engine) as conn:
        found = await jobs.failing(conn, 1)
        blocked = list(await places.blocked(conn))
        failed = list(await conn.scalars(_FAILED))
        asked = await conn.scalar(sa.text("SELECT EXISTS (SELECT FROM sync_runs)"))
    if not asked:
        return Finding("readings", "ok", "Nothing has been asked for yet.")
    told = [str(job["error"]) for job in found] + failed + blocked
    if not told:
        return Finding("readings", "ok", "All that was asked for could be read.")
    others = len(failed) + len(blocked) + (found[0]["of"] if found else 0) - 1
    more = f" And {others:,} more: see `ghsync status`." if others else ""
    return Finding("readings", "warning", f"{told[0]}{more}")
