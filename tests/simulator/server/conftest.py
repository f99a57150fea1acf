"""The simulated GitHub behind a real server, and someone who asks it."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from ghsync.simulator.app import Installation
from ghsync.simulator.keys import Keys, loaded, new_private_key, public_key
from ghsync.simulator.server import create_server
from ghsync.simulator.serving import serving
from ghsync.simulator.site import Site
from tests.simulator.conftest import Scene

SECRET = "rotating lamp"
PERSONAL_TOKEN = "ghp_ada"


@pytest.fixture(scope="session")
def private_key() -> str:
    return new_private_key()


@dataclass(repr=False)
class Caller:
    """Requests to the simulated GitHub, as the App or with a token."""

    http: httpx.AsyncClient
    site: Site
    scene: Scene
    private_key: str
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask with whatever token there is."""
        return await self.http.get(path, headers=self._headers() | headers)

    async def post(self, path: str, content: Any) -> httpx.Response:
        """Send with whatever token there is."""
        return await self.http.post(path, json=content, headers=self._headers())

    async def shown(self, path: str) -> Any:
        """What is shown, of an answer that went well."""
        answered = await self.get(path)
        assert answered.status_code == 200, answered.text
        return answered.json()

    async def as_app(self, method: str, path: str, content: Any = None) -> httpx.Response:
        """Ask as the App."""
        headers = self.headers | {"Authorization": f"Bearer {self.assertion()}"}
        return await self.http.request(method, path, headers=headers, json=content)

    async def log_in(self, installation: Installation | None = None, **wanted: Any) -> str:
        """Get a token of an installation, and use it from now on."""
        found = installation or self.scene.installation
        answered = await self.as_app("POST", f"/app/installations/{found.id}/access_tokens", wanted)
        assert answered.status_code == 201, answered.text
        self.token = answered.json()["token"]
        return self.token

    def claims(self, **others: Any) -> dict[str, Any]:
        """What the App's token claims; others stand in for some of it."""
        now = int(self.site.world.now().timestamp())
        return {"iat": now - 60, "exp": now + 540, "iss": str(self.site.world.app.id)} | others

    def assertion(self, claims: Mapping[str, Any] | None = None, key: str | None = None, alg: str = "RS256") -> str:
        """The App's token, or one that is wrong somewhere."""
        parts = [{"alg": alg, "typ": "JWT"}, self.claims() if claims is None else dict(claims)]
        text = ".".join(encoded(json.dumps(part).encode()) for part in parts)
        signature = loaded(key or self.private_key).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{encoded(signature)}"

    def _headers(self) -> dict[str, str]:
        return self.headers if self.token is None else self.headers | {"Authorization": f"Bearer {self.token}"}


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


@pytest.fixture
async def caller(attentive_scene: Scene, private_key: str) -> AsyncIterator[Caller]:
    """Nobody yet: log in, or take a token."""
    scene = attentive_scene
    keys = Keys(public_key(private_key), SECRET, {PERSONAL_TOKEN: scene.ada})
    app = create_server(scene.world, keys)
    async with serving(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        yield Caller(http, app.state.site, scene, private_key)


@pytest.fixture
async def member(caller: Caller) -> Caller:
    """Someone with a token of the installation."""
    await caller.log_in()
    return caller
