"""Who signs a request, in githubkit's terms: the App, one of its installations, or a person's token."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
from githubkit import BaseAuthStrategy, GitHubCore

from ghsync.github.clock import Clock
from ghsync.github.credentials import App
from ghsync.github.tokens import Tokens
from ghsync.github.transport import ASKED, Inquiry


class Signer(Protocol):
    """One who has something to sign with."""

    async def token(self) -> str:
        """What the next request is signed with."""

    async def give_up(self, refused: str) -> bool:
        """Use a token no more that GitHub does not accept; whether there is another."""


@dataclass(frozen=True, slots=True)
class AppSigner:
    """The App itself, by GitHub's clock."""

    app: App
    clock: Clock

    async def token(self) -> str:
        return self.app.jwt(self.clock.now())

    async def give_up(self, refused: str) -> bool:
        """It may have been refused for the time in it: by now GitHub has told what that is."""
        return not self.app.is_timely(refused, self.clock.now())


@dataclass(frozen=True, slots=True)
class InstallationSigner:
    """An installation, with the token that all processes share."""

    installation: int
    tokens: Tokens

    async def token(self) -> str:
        return (await self.tokens.token(self.installation)).text

    async def give_up(self, refused: str) -> bool:
        await self.tokens.discard(self.installation, refused)
        return True


@dataclass(frozen=True, slots=True)
class PersonalSigner:
    """A person, who has one token."""

    text: str = field(repr=False)

    async def token(self) -> str:
        return self.text

    async def give_up(self, refused: str) -> bool:
        return False


@dataclass(frozen=True)
class Signature(BaseAuthStrategy, httpx.Auth):
    """Signs what is ``asked``, and tells the transport of it; after a 401 once more, where there is another token."""

    signer: Signer
    asked: Inquiry

    def get_auth_flow(self, github: GitHubCore[Any]) -> httpx.Auth:
        return self

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        token = await self.signer.token()
        answer = yield self._signed(request, token)
        if answer.status_code == 401 and await self.signer.give_up(token):
            yield self._signed(request, await self.signer.token())

    def _signed(self, request: httpx.Request, token: str) -> httpx.Request:
        request.headers["Authorization"] = f"Bearer {token}"
        request.extensions[ASKED] = self.asked
        return request
