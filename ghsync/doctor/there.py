"""What GitHub tells: whether it is reached, who we are there, what we may see, and how much we may ask."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from githubkit import Response

from ghsync.database import autocommitting, fetch_column, transaction
from ghsync.doctor import finding, graphql, hook, permissions
from ghsync.doctor.finding import Finding
from ghsync.doctor.question import ask
from ghsync.errors import GhsyncError, GitHubUnavailable, GitHubUnreachable, NotFound
from ghsync.github import refusals
from ghsync.github.client import GitHub, Meter
from ghsync.github.credentials import Credential
from ghsync.github.decoding import decoded
from ghsync.github.kit import Requests
from ghsync.settings import Settings

CLOCK_SECONDS = 5.0
"""What a clock that is set by NTP is never off."""

SCARCE = 0.1
"""Share of a rate limit below which only people are served."""

INSTALLATIONS_ASKED = 20
"""Of a large App's installations, so many are asked for their rate limit."""


class _Account(msgspec.Struct, frozen=True):
    login: str = ""


class _App(msgspec.Struct, frozen=True):
    name: str
    permissions: dict[str, str] = {}
    events: list[str] = []


class _Installation(msgspec.Struct, frozen=True):
    id: int
    account: _Account | None = None
    suspended_at: datetime | None = None
    permissions: dict[str, str] = {}

    @property
    def name(self) -> str:
        return self.account.login if self.account and self.account.login else f"installation {self.id}"


class _Limit(msgspec.Struct, frozen=True):
    limit: int
    remaining: int


class _Limits(msgspec.Struct, frozen=True):
    resources: dict[str, _Limit]


_app = msgspec.json.Decoder(_App)
_account = msgspec.json.Decoder(_Account)
_installed = msgspec.json.Decoder(list[_Installation])
_limits_decoder = msgspec.json.Decoder(_Limits)


async def findings(github: GitHub, settings: Settings) -> AsyncIterator[Finding]:
    """One after the other; where GitHub does not know us, that is the last."""
    credential = github.app if settings.app_id else await github.credential_for(None)
    check = "app" if settings.app_id else "token"
    try:
        body = await ask(github, credential, _the_app if settings.app_id else _the_account)
        app = decoded(body, _app, "The App") if settings.app_id else None
        account = decoded(body, _account, "The token's account")
    except GitHubUnavailable as error:
        remedy = "" if isinstance(error, GitHubUnreachable) else " Check that GHSYNC_API_URL is right."
        yield Finding("github", "failed", f"{error}{remedy}")
        return
    except GhsyncError as error:
        yield Finding("github", "ok", f"Reached at {github.api_url}.")
        yield await finding.of("clock", _clocks(github))
        yield Finding(check, "failed", refusals.UNKNOWN[check] if isinstance(error, NotFound) else str(error))
        return
    yield Finding("github", "ok", f"Reached at {github.api_url}.")
    yield await finding.of("clock", _clocks(github))
    if app is not None:
        async for found in _of_app(github, app):
            yield found
    else:
        whose = f"It is {account.login}'s." if account.login else "GitHub does not say whose it is."
        yield Finding("token", "ok", whose)
        yield permissions.OF_TOKENS
        yield await finding.of("rate limit", _limits(github, [credential]))
        yield await finding.of("graphql", graphql.shown(github, credential))


async def _clocks(github: GitHub) -> Finding:
    """Whether this machine's clock, and that by which deliveries are ordered, agree with GitHub's."""
    before = github.now()
    async with transaction(autocommitting(github.engine)) as conn:
        (there,) = await fetch_column(conn, sa.text("SELECT clock_timestamp()"))
    after = github.now()
    wrong = {
        "This machine's": github.clock_offset_seconds,
        "The database's": (min(max(there, before), after) - there).total_seconds(),
    }
    said = [_off(whose, off) for whose, off in wrong.items() if abs(off) >= CLOCK_SECONDS]
    return Finding("clock", "failed" if said else "ok", " ".join(said) or "All agree with GitHub's.")


def _off(whose: str, seconds: float) -> str:
    direction = "behind" if seconds > 0 else "ahead of"
    return f"{whose} clock is {abs(seconds):.0f} s {direction} GitHub's: set it right (NTP)."


async def _of_app(github: GitHub, app: _App) -> AsyncIterator[Finding]:
    yield Finding("app", "ok", f"It is {app.name}.")
    for found in permissions.findings(app.permissions, app.events):
        yield found
    installed: list[_Installation] = []
    yield await finding.of("installations", _installations(github, app, installed))
    active = [one for one in installed if one.suspended_at is None][:INSTALLATIONS_ASKED]
    if active:
        asked = [await github.credential_for(one.id) for one in active]
        yield await finding.of("rate limit", _limits(github, asked))
        yield await finding.of("graphql", graphql.shown(github, asked[0]))
    yield await finding.of("hook", hook.address(github))
    yield await finding.of("deliveries", hook.deliveries(github))


async def _installations(github: GitHub, app: _App, found: list[_Installation]) -> Finding:
    """What has become of them; ``found`` is filled."""
    pages = github.pages(github.app, "/app/installations", priority="interactive", meter=Meter())
    async for page in pages:
        listed = decoded(page.body, _installed, "The list of installations")
        found += listed
    if not found:
        return Finding("installations", "failed", "The App is installed nowhere: install it from its page on GitHub.")
    suspended = [one.name for one in found if one.suspended_at]
    if suspended:
        said = f"Suspended for {_listed(suspended)}: an owner can lift that in the account's settings on GitHub."
        return Finding("installations", "warning", said)
    behind = [one.name for one in found if not app.permissions.items() <= one.permissions.items()]
    if behind:
        said = f"{_listed(behind)} did not accept the App's new permissions yet: an owner is asked to by GitHub."
        return Finding("installations", "warning", said)
    return Finding("installations", "ok", f"Installed for {_listed([one.name for one in found])}.")


def _the_app(requests: Requests) -> Awaitable[Response[Any]]:
    return requests.rest.apps.async_get_authenticated()


def _the_account(requests: Requests) -> Awaitable[Response[Any]]:
    return requests.rest.users.async_get_authenticated()


async def _limits(github: GitHub, credentials: Sequence[Credential]) -> Finding:
    """The lowest of what each credential has left."""
    left: list[tuple[float, str]] = []
    for credential in credentials:
        try:
            body = await ask(github, credential, lambda requests: requests.rest.rate_limit.async_get())
        except NotFound:
            return Finding("rate limit", "ok", "This server has none.")
        resources = decoded(body, _limits_decoder, "The rate limit").resources
        for name in ("core", "graphql"):
            if (limit := resources.get(name)) and limit.limit:
                said = f"{limit.remaining:,} of {limit.limit:,} are left ({credential.key}, {name})."
                left.append((limit.remaining / limit.limit, said))
    if not left:
        return Finding("rate limit", "ok", "This server has none.")
    share, said = min(left)
    if share < SCARCE:
        return Finding("rate limit", "warning", f"{said} Refetches and sweeps wait for the next window.")
    return Finding("rate limit", "ok", said)


def _listed(names: Sequence[str], most: int = 5) -> str:
    """Some names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
