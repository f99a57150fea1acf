"""Who asks: a key in the Authorization header, or the cookie of a session that a key began."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.requests import Request

from ghsync import audit, keys, web_sessions
from ghsync.actor import Actor
from ghsync.database import beginning_with, transaction
from ghsync.errors import NotAllowed, NotAuthenticated
from ghsync.keys import Bearer
from ghsync.receiver import door
from ghsync.receiver.proxies import Proxies

COOKIE = "ghsync_session"

LONGEST_PROGRAM = 500  # characters of a User-Agent that are kept

# What lookups find from here on is what this person may see: `db/sql/reader_id.sql`.
_ON_BEHALF = sa.text("SELECT set_config('app.current_user_id', :user, true)")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who was let in: whose key it is, as whom the audit log knows them, and an engine that finds what they may see."""

    bearer: Bearer
    actor: Actor
    engine: AsyncEngine


class Callers:
    """Lets callers in, one at a time: however many keys are shown, deliveries have the other connections."""

    def __init__(self, engine: AsyncEngine, proxies: Proxies) -> None:
        self._engine = engine
        self._proxies = proxies
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def admitted(self, request: Request, scope: str) -> AsyncIterator[Caller]:
        """Who asks, until they have been answered.

        Raises `NotAuthenticated` where that is nobody, and `NotAllowed` for a key that is for less than ``scope``.
        """
        async with self._one_at_a_time:
            bearer = await self._bearer(request, scope)
            door.prove(request.scope)
            yield Caller(bearer, self._actor(request, bearer), beginning_with(self._engine, partial(_see_as, bearer)))

    async def _bearer(self, request: Request, scope: str) -> Bearer:
        shown = request.headers.get("authorization")
        token = request.cookies.get(COOKIE)
        if shown is None and token is None:
            raise NotAuthenticated("Show a key that `ghsync keys create` made: Authorization: Bearer ghsync_...")
        if shown is None and not _is_own(request):
            raise NotAllowed("This was asked for by a page of another site, with the cookie of a session here.")
        try:
            async with transaction(self._engine) as conn:
                if shown is None and token is not None:
                    return await web_sessions.check(conn, token, scope)
                return await keys.check(conn, keys.of_header(shown), scope)
        except NotAllowed as error:
            await self._write_down(request, scope, error.bearer)
            raise

    async def _write_down(self, request: Request, scope: str, bearer: Bearer) -> None:
        """That somebody asked for more than their key is for."""
        async with transaction(self._engine) as conn:
            await audit.record(
                conn,
                action="request.denied",
                resource_type="api_key",
                resource_id=bearer.key_id,
                entity_name=bearer.key,
                new_values={"asked": scope, "granted": bearer.scope},
                actor=self._actor(request, bearer),
                action_result="denied",
            )

    def _address(self, request: Request) -> str | None:
        """Where a request comes from, behind proxies that are trusted."""
        return self._proxies.sender(request.client.host if request.client else "", request.headers.raw) or None

    def _actor(self, request: Request, bearer: Bearer) -> Actor:
        return Actor(
            bearer.person,
            user_id=bearer.user_id,
            key=bearer.key,
            address=self._address(request),
            program=request.headers.get("user-agent", "")[:LONGEST_PROGRAM] or None,
            request=(request.method, request.url.path),
        )


def _is_own(request: Request) -> bool:
    """Whether a request that a browser adds its cookies to is of a page of ours, or changes nothing.

    https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
    """
    return request.method in ("GET", "HEAD") or request.headers.get("sec-fetch-site", "same-origin") == "same-origin"


async def _see_as(bearer: Bearer, conn: AsyncConnection) -> None:
    await conn.execute(_ON_BEHALF, {"user": bearer.user_id})
