"""The secret of the App's webhook, replaced without a lost delivery.

Every process that receives accepts the new one before GitHub is told of it, and the old one for a while after GitHub
has shown that it signs with the new one: it sends a delivery again, which it signs anew. Each step is in the database
before the next, so that a run that was killed goes on where it was.
https://docs.github.com/en/rest/apps/webhooks
"""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import audit, processes, webhook_secrets, wording
from ghsync.actor import Actor
from ghsync.database import transaction
from ghsync.encryption import Encryption
from ghsync.errors import NotAccepted, NotConfigured, Permanent, RefusedByGitHub
from ghsync.github.client import GitHub, Meter
from ghsync.github.decoding import decoded
from ghsync.github.kit import Call

ACCEPTED_SECONDS = 30.0
"""How long a process may take to accept a secret that is in the database: it reads them every few seconds."""

SENT_AGAIN_SECONDS = 120.0
"""How long GitHub may take to send a delivery again that it was asked to."""

LOOK_SECONDS = 0.5
LONGEST_LOOK_SECONDS = 5.0
PAGES = 20
HIDDEN = "********"
LATE = timedelta(minutes=2)

Tell = Callable[[str], None]


class _App(msgspec.Struct, frozen=True):
    id: int


class _Hook(msgspec.Struct, frozen=True):
    url: str = ""


class _Attempt(msgspec.Struct, frozen=True):
    id: int
    guid: str
    delivered_at: datetime
    event: str = ""
    status_code: int = 0

    @property
    def arrived(self) -> bool:
        return 200 <= self.status_code < 300


_app, _hook = msgspec.json.Decoder(_App), msgspec.json.Decoder(_Hook)
_attempts = msgspec.json.Decoder(list[_Attempt])

# What healing has brought says nothing of where GitHub delivers to.
_HERE = sa.text("SELECT guid FROM webhook_deliveries WHERE guid = ANY(:guids) AND sync_source = 'webhook'")


@dataclass(frozen=True, slots=True)
class Rotated:
    """How it ended: the webhook's URL, whether a delivery has ``proved`` it, and until when the old one counts."""

    url: str
    proved: bool
    replaced_counts_until: datetime


def make() -> str:
    """A new secret, of 256 random bits."""
    return secrets.token_hex(32)


async def rotate(
    github: GitHub, encryption: Encryption, given: str | None, *, grace_seconds: float, actor: Actor, tell: Tell
) -> Rotated:
    """Replace the secret, with the one that is ``given`` or a new one; or go on with a rotation that has begun.

    Raises `NotConfigured` without an App, a webhook URL or a key to encrypt with; `NotAccepted` where a process or
    GitHub does not do its part in time, and then all secrets count; and GitHub's errors.
    """
    encryption.encrypt("")  # nothing is begun without a key
    engine = github.engine
    target, url = await _webhook(github)
    sample = await _sample(github)
    await _someone_receives(engine)
    key, secret, told = await _begun(engine, encryption, target, given, actor, tell)
    await _accepted(engine, tell)
    if not told:
        await _tell_github(github, secret)
        async with transaction(engine) as conn:
            if await webhook_secrets.note_told(conn, key):
                await _record(conn, "app.secret_told", target, actor, {"url": url})
    tell("GitHub signs with it.")
    if sample:
        await _proved(github, key, sample)
        tell("A delivery that GitHub was asked to send again has arrived, signed with it.")
    async with transaction(engine) as conn:
        until = await webhook_secrets.note_proved(conn, key, grace_seconds)
        await webhook_secrets.forget(conn)
        if until is None:
            raise Permanent("Another run of this has ended meanwhile: the secret is rotated.")
        told_of = {"replaced_counts_until": until.isoformat(), "proved": sample is not None}
        await _record(conn, "app.secret_rotated", target, actor, told_of)
    return Rotated(url, sample is not None, until)


async def _tell_github(github: GitHub, secret: str) -> None:
    try:
        await _ask(github, lambda requests: requests.rest.apps.async_update_webhook_config_for_app(secret=secret))
    except RefusedByGitHub as error:  # whose words may quote what it refuses
        escaped = json.dumps(secret)[1:-1]
        raise RefusedByGitHub(str(error).replace(secret, HIDDEN).replace(escaped, HIDDEN)) from None


async def _webhook(github: GitHub) -> tuple[str, str]:
    """What deliveries call the App's webhook, and its URL."""
    app = decoded(await _ask(github, lambda requests: requests.rest.apps.async_get_authenticated()), _app, "The App")
    body = await _ask(github, lambda requests: requests.rest.apps.async_get_webhook_config_for_app())
    url = decoded(body, _hook, "The webhook's configuration").url
    if not url:
        raise NotConfigured("The App has no webhook URL, and so no use for a secret: set it on its page first.")
    return f"{webhook_secrets.APP}:{app.id}", url


async def _sample(github: GitHub) -> _Attempt | None:
    """A delivery that GitHub can send again, and that does nothing then, for it is here; None where there was none.

    Raises `Permanent` where all that arrived are in some other place.
    """
    async for attempts in _log(github, None, 1):
        arrived = [attempt for attempt in attempts if attempt.arrived]
        async with transaction(github.engine) as conn:
            here = set(await conn.scalars(_HERE, {"guids": [attempt.guid for attempt in arrived]}))
        ours = [attempt for attempt in arrived if attempt.guid in here]
        if arrived and not ours:
            raise Permanent(
                "The deliveries that GitHub sent last arrived somewhere else: this database's processes would accept a "
                "new secret, and those that receive would not. Check GHSYNC_DATABASE_URL and the App's webhook URL."
            )
        return next((attempt for attempt in ours if attempt.event == "ping"), ours[0] if ours else None)
    return None


async def _someone_receives(engine: AsyncEngine) -> None:
    async with transaction(engine) as conn:
        found = await processes.all_of_them(conn)
    if not any(one["kind"] == "serve" and not processes.is_silent(one) for one in found):
        raise NotAccepted("No `ghsync serve` is heard of, which would have to accept it: start it, and run this again.")


async def _begun(
    engine: AsyncEngine, encryption: Encryption, target: str, given: str | None, actor: Actor, tell: Tell
) -> tuple[str, str, bool]:
    """The new secret, as the database has it: its key, itself, and whether GitHub was told."""
    async with transaction(engine) as conn:
        if await webhook_secrets.begin(conn, target, encryption.encrypt(given or make())):
            await _record(conn, "app.secret_rotation_started", target, actor, None)
            tell("A new secret is stored, encrypted.")
        else:
            tell("A rotation has begun before, and goes on.")
        found = await webhook_secrets.under_way(conn, target)
        if found is None:  # it has just ended
            raise NotAccepted("Another run of this has just ended: run it again for one more secret.")
        secret = encryption.decrypt(found.secret)
    if given and not secrets.compare_digest(given.encode(), secret.encode()):
        raise Permanent("A rotation to another secret is under way: run this without --secret-file to end it first.")
    return found.id, secret, found.told_at is not None


async def _accepted(engine: AsyncEngine, tell: Tell) -> None:
    """Wait until every process that receives has read what is in the database now."""
    async with transaction(engine) as conn:
        since = await conn.scalar(sa.text("SELECT clock_timestamp()"))
    until = time.monotonic() + ACCEPTED_SECONDS
    while True:
        async with transaction(engine) as conn:
            waiting = await processes.unaware(conn, since)
        if all(one.silent for one in waiting):
            break
        if time.monotonic() > until:
            raise NotAccepted(_unaware([one for one in waiting if not one.silent]))
        await asyncio.sleep(LOOK_SECONDS)
    tell("Every process that receives accepts it.")
    for one in waiting:
        tell(f"Not heard of, and not waited for: serve {one.host}:{one.pid}. It answers 503 to what it cannot verify.")


def _unaware(found: Sequence[Any]) -> str:
    named = ", ".join(f"{one.host}:{one.pid} (version {one.version})" for one in found)
    return (
        f"GitHub was told nothing yet, for {wording.count(len(found), 'process', 'processes')} did not read the new "
        f"secret: {named}. An older version does not, nor one whose GHSYNC_ENCRYPTION_KEYS lack the key: restart "
        "it as it should be, and run this again."
    )


async def _proved(github: GitHub, key: str, sample: _Attempt) -> None:
    """Have GitHub send a delivery again, which it signs anew; raises `NotAccepted` where that does not arrive."""
    since = github.now() - LATE
    before = {attempt.id async for attempt in _attempts_at(github, sample, since)}
    await _ask(github, lambda requests: requests.rest.apps.async_redeliver_webhook_delivery(sample.id), again=False)
    until = time.monotonic() + SENT_AGAIN_SECONDS
    pause = LOOK_SECONDS
    while time.monotonic() < until:
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_LOOK_SECONDS)
        async for attempt in _attempts_at(github, sample, since):
            if attempt.id not in before:
                return await _judge(github, key, attempt)
    raise NotAccepted(
        f"GitHub did not send delivery {sample.guid} again within {SENT_AGAIN_SECONDS:.0f} s: nothing is retired, "
        "and old and new secrets count. Run this again to go on."
    )


async def _judge(github: GitHub, key: str, attempt: _Attempt) -> None:
    if attempt.arrived:
        return
    if attempt.status_code == 401:
        async with transaction(github.engine) as conn:
            await webhook_secrets.note_untold(conn, key)
        raise NotAccepted(
            "What GitHub sent again was answered 401, as signed with another secret: was it changed on the App's page, "
            "or does the webhook's URL lead to another ghsync? Nothing is retired. Run this again to tell GitHub again."
        )
    raise NotAccepted(
        f"What GitHub sent again was answered {attempt.status_code}: see `ghsync doctor`. Nothing is retired, and old "
        "and new secrets count. Run this again to go on."
    )


async def _attempts_at(github: GitHub, sample: _Attempt, since: datetime) -> AsyncIterator[_Attempt]:
    async for attempts in _log(github, since, PAGES):
        for attempt in attempts:
            if attempt.guid == sample.guid:
                yield attempt


async def _log(github: GitHub, since: datetime | None, most: int) -> AsyncIterator[list[_Attempt]]:
    """Pages of the delivery log, the newest first, back to a moment."""
    count = 0
    async for page in github.pages(github.app, "app/hook/deliveries", priority="interactive", meter=Meter()):
        attempts = decoded(page.body, _attempts, "The log of deliveries")
        yield attempts
        count += 1
        if count == most or not attempts or (since and attempts[-1].delivered_at < since):
            return


async def _ask(github: GitHub, call: Call, *, again: bool = True) -> bytes:
    answer = await github.call(github.app, call, priority="interactive", meter=Meter(), again=again)
    return answer.body


async def _record(conn: AsyncConnection, action: str, target: str, actor: Actor, new: dict[str, Any] | None) -> None:
    await audit.record(
        conn,
        action=action,
        resource_type="webhook_secret",
        entity_name=target,
        new_values=new,
        actor=actor,
    )
