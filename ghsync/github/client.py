"""GitHub's API as the reconciler reads it: REST and GraphQL, as bytes, each answer with when it was true.

No transaction is open while a request is under way (I7).
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import httpx
import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.errors import (
    AccessLost,
    GitHubUnavailable,
    GitHubUnreachable,
    GraphQLUnavailable,
    NotConfigured,
    NotFound,
    PermissionMissing,
    RefusedByGitHub,
    UnreadableAnswer,
)
from ghsync.github import credentials, decoding, partial
from ghsync.github.clock import Clock
from ghsync.github.credentials import Credential
from ghsync.github.etags import ETag
from ghsync.github.kit import Call, Kit
from ghsync.github.partial import Problem
from ghsync.github.reply import Reply
from ghsync.github.signing import AppSigner, InstallationSigner, PersonalSigner, Signer
from ghsync.github.tokens import ANY_REQUEST, Token, Tokens
from ghsync.github.transport import Inquiry, Meter, Sleep, Transport
from ghsync.settings import Settings

__all__ = ["Answer", "GitHub", "GraphQLAnswer", "Meter"]

NO_APP = "No GitHub App is set up: set GHSYNC_APP_ID, and GHSYNC_PRIVATE_KEY or GHSYNC_PRIVATE_KEY_PATH."

PAGE = 100
"""Items a page, the most that GitHub gives."""

MOST_PAGES = 20_000
"""Of no listing are more read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What REST answered; ``observed_at`` is when the request began, by GitHub's clock.

    ``unchanged`` answers a conditional request: the same as when its ``etag`` was kept, and no body.
    """

    body: bytes
    status: int
    observed_at: datetime
    unchanged: bool = False
    next_url: str | None = None
    etag: ETag | None = None


@dataclass(frozen=True, slots=True)
class GraphQLAnswer:
    """``data`` of GraphQL's answer, and the errors that left only nulls in it; ``cost`` is in points."""

    data: bytes
    errors: tuple[Problem, ...]
    observed_at: datetime
    cost: int


class _Issued(msgspec.Struct, frozen=True):
    token: str
    expires_at: datetime
    permissions: dict[str, str] | None = None


_issued = msgspec.json.Decoder(_Issued)


class GitHub:
    """One GitHub, asked by any of the credentials that the settings give."""

    def __init__(
        self,
        engine: AsyncEngine,
        settings: Settings,
        *,
        sleep: Sleep = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.engine = engine
        self.api_url = settings.api_url
        self._clock = Clock()
        self._app = credentials.app(settings)
        self._personal = credentials.personal(settings)
        self._signers: dict[str, Signer] = {}
        if self._app is not None:
            self._signers[self._app.credential.key] = AppSigner(self._app, self._clock)
        if self._personal is not None and settings.token is not None:
            self._signers[self._personal.key] = PersonalSigner(settings.token.get_secret_value())
        self._transport = Transport(engine, settings, self._clock, sleep, transport)
        self._kit = Kit(settings, self._transport, self._clock)
        self._tokens = Tokens(engine, settings, self._clock, self._issue)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.disconnect()

    @property
    def graphql_url(self) -> str:
        """Where GraphQL is: beside REST, and on GitHub Enterprise Server not below its version."""
        base = self.api_url.removesuffix("/v3") if self.api_url.endswith("/api/v3") else self.api_url
        return f"{base}/graphql"

    @property
    def app(self) -> Credential:
        """The App itself, for what is about the App: its installations, its hook and its deliveries."""
        if self._app is None:
            raise NotConfigured(NO_APP)
        return self._app.credential

    @property
    def has_app(self) -> bool:
        """Whether there is an App to ask as."""
        return self._app is not None

    @property
    def has_token(self) -> bool:
        """Whether a personal token reads what no installation sees."""
        return self._personal is not None

    def now(self) -> datetime:
        """The time by GitHub's clock."""
        return self._clock.now()

    @property
    def clock_offset_seconds(self) -> float:
        """Seconds that GitHub's clock is certainly ahead of this machine's; negative when behind."""
        return self._clock.offset

    async def credential_for(self, installation: int | None) -> Credential:
        """An installation's credential (GitHub's id); the personal token where there is no installation or no App."""
        if installation is not None and self._app is not None:
            return Credential("installation", f"installation:{installation}", installation)
        if self._personal is not None:
            return self._personal
        if self._app is not None:
            raise NotConfigured("The App is not installed there: install it, or set GHSYNC_TOKEN.")
        raise NotConfigured(credentials.NOBODY)

    async def token(self, credential: Credential) -> Token | None:
        """The token that an installation is asked with, and its permissions; None for whoever needs none."""
        return None if credential.installation is None else await self._tokens.token(credential.installation)

    async def renew(self, credential: Credential, token: Token | None, what: Collection[str]) -> bool:
        """Whether there is another token than one that was denied this, which may have been granted since."""
        return token is not None and await self._replace(credential, credentials.fingerprint(token.text), what)

    def note(self, credential: Credential, *, shown: Iterable[str] = (), denied: Iterable[str] = ()) -> None:
        """Note what a token was shown or denied that was made for it."""
        if credential.installation is not None:
            self._tokens.show(credential.installation, shown)
            self._tokens.deny(credential.installation, denied)

    def denied(self, credential: Credential) -> frozenset[str]:
        """What an installation was denied lately, so that it is too early to ask for it with another token."""
        return frozenset() if credential.installation is None else self._tokens.denied(credential.installation)

    async def get(
        self,
        credential: Credential,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        priority: str,
        meter: Meter,
        conditional: bool = False,
    ) -> Answer:
        """One answer. ``path`` is below the API's address, or an absolute URL below it as GitHub's answers have it.

        A conditional one costs nothing where nothing changed since its ETag was kept, see `ghsync.github.etags.keep`.

        Raises `Moved` where GitHub redirects, `NotFound`, `Gone`, `RefusedByGitHub`, `RateLimited`,
        `GitHubUnavailable`.
        """
        url = self._url(path, params)
        asked = Inquiry(credential, priority, meter, conditional=conditional)
        return await self._answer(asked, _get(url))

    async def pages(
        self,
        credential: Credential,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        priority: str,
        meter: Meter,
    ) -> AsyncIterator[Answer]:
        """The pages of a listing; it ends after the last, and raises wherever it breaks off before that.

        Pages that do not lead on end it too: one that was read already, or that says again what the last one said.
        """
        url: str | None = self._url(path, {"per_page": PAGE, **(params or {})})
        read: set[str] = set()
        last: bytes | None = None
        while url is not None:
            if url in read or len(read) == MOST_PAGES:
                raise UnreadableAnswer(f"The pages of {path} go round in a circle; it is asked again later.")
            read.add(url)
            answer = await self._answer(Inquiry(credential, priority, meter), _get(url))
            if answer.body == last:
                raise UnreadableAnswer(f"The pages of {path} do not move on; it is asked again later.")
            last = answer.body
            yield answer
            url = self._url(answer.next_url) if answer.next_url else None

    async def call(
        self, credential: Credential, call: Call, *, priority: str, meter: Meter, again: bool = True
    ) -> Answer:
        """The answer to one of githubkit's requests; what does something is not asked ``again``, if no answer comes."""
        return await self._answer(Inquiry(credential, priority, meter, again=again), call)

    async def graphql(
        self, credential: Credential, document: str, variables: Mapping[str, object], *, priority: str, meter: Meter
    ) -> GraphQLAnswer:
        """What a query answers; single nodes that cannot be seen are null in it.

        Raises `TooHeavy` for what GitHub cannot answer in time, `GraphQLUnavailable` where REST is to be asked,
        `RateLimited`, `GitHubUnavailable`, `RefusedByGitHub`.
        """
        content = msgspec.json.encode({"query": document, "variables": dict(variables)})
        asked = Inquiry(credential, priority, meter, resource="graphql")
        try:
            reply = await self._ask(asked, _post(self.graphql_url, content))
        except GitHubUnreachable:
            raise
        except GitHubUnavailable as error:
            raise GraphQLUnavailable(str(error)) from error
        envelope = partial.read(reply.body)
        budget = partial.budget(envelope)
        meter.points += budget.cost
        if told := budget.told(reply):
            await self._transport.budget.hear(credential.key, told)
        if problem := partial.error(envelope):
            raise problem
        return GraphQLAnswer(bytes(envelope.data), tuple(envelope.errors), reply.observed_at, budget.cost)

    async def _answer(self, asked: Inquiry, call: Call) -> Answer:
        reply = await self._granted(asked, call)
        tag = reply.headers.get("etag")
        return Answer(
            reply.body,
            reply.status,
            reply.observed_at,
            unchanged=reply.status == 304,
            next_url=reply.next_url,
            etag=ETag(asked.credential.key, str(reply.url), reply.token, tag) if tag else None,
        )

    async def _replace(self, credential: Credential, denied: str, what: Collection[str]) -> bool:
        if credential.installation is None:
            return False
        return await self._tokens.replace(credential.installation, denied, what)

    async def _granted(self, asked: Inquiry, call: Call) -> Reply:
        """What REST answers; what a token is denied is asked once more with another, which may have been granted it."""
        credential = asked.credential
        try:
            return await self._ask(asked, call)
        except PermissionMissing as error:
            about = error.permissions or frozenset({ANY_REQUEST})
            if error.token is None or not await self._replace(credential, error.token, about):
                raise
        try:
            reply = await self._ask(asked, call)
        except PermissionMissing:
            self.note(credential, denied=about)
            raise
        self.note(credential, shown=about)
        return reply

    async def _ask(self, asked: Inquiry, call: Call) -> Reply:
        return await self._kit.ask(self._signer(asked.credential), asked, call)

    def _url(self, path: str, params: Mapping[str, object] | None = None) -> str:
        """The whole address; a token is sent nowhere but to the API."""
        url = str(httpx.URL(path)) if "://" in path else f"{self.api_url}/{path.removeprefix('/')}"
        if not url.startswith(f"{self.api_url}/"):
            raise RefusedByGitHub(
                f"GitHub names {url}, which is not below GHSYNC_API_URL ({self.api_url}): no token is sent there."
            )
        if not params:
            return url
        said = {name: _parameter(value) for name, value in params.items() if value is not None}
        return str(httpx.URL(url).copy_merge_params(said))

    def _signer(self, credential: Credential) -> Signer:
        if credential.installation is not None:
            return InstallationSigner(credential.installation, self._tokens)
        return self._signers[credential.key]

    async def _issue(self, installation: int) -> Token:
        """Let GitHub make a token for an installation."""
        asked = Inquiry(self.app, "interactive", Meter())
        try:
            reply = await self._ask(
                asked, lambda requests: requests.rest.apps.async_create_installation_access_token(installation)
            )
        except NotFound as error:
            raise AccessLost(f"The App is not installed any more (installation {installation}).") from error
        issued = decoding.decoded(reply.body, _issued, f"a token of installation {installation}")
        return Token(issued.token, issued.expires_at, issued.permissions)


def _get(url: str) -> Call:
    return lambda requests: requests.arequest("GET", url)


def _post(url: str, content: bytes) -> Call:
    return lambda requests: requests.arequest(
        "POST", url, content=content, headers={"Content-Type": "application/json"}
    )


def _parameter(value: object) -> str:
    """A query parameter as GitHub writes it: ``true``, ``2026-03-02T09:10:00Z``."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)
