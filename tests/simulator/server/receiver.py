"""Somebody's own receiver: it verifies what arrives, notes it, and answers what it is told to."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ghsync.simulator.serving import serving


@dataclass
class Arrived:
    """A delivery as it arrived."""

    guid: str
    event: str
    body: bytes
    verified: bool


@dataclass
class Receiver:
    """What arrived, in order; how to answer; and how many were here at the same time."""

    secret: str
    status: int = 200
    seconds: float = 0
    url: str = ""
    arrived: list[Arrived] = field(default_factory=list)
    cut: int = 0
    here: int = 0
    most: int = 0
    noted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def guids(self) -> list[str]:
        return [each.guid for each in self.arrived]

    async def receive(self, request: Request) -> Response:
        self.here += 1
        self.most = max(self.most, self.here)
        try:
            body = await request.body()
            await asyncio.sleep(self.seconds)
        except ClientDisconnect:
            self.cut += 1
            return Response(status_code=400)
        finally:
            self.here -= 1
        expected = "sha256=" + hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        verified = hmac.compare_digest(request.headers["x-hub-signature-256"], expected)
        if request.headers["content-type"] == "application/x-www-form-urlencoded":
            body = parse_qs(body.decode())["payload"][0].encode()
        headers = request.headers
        self.arrived.append(Arrived(headers["x-github-delivery"], headers["x-github-event"], body, verified))
        self.noted.set()
        return Response("noted", self.status)


@asynccontextmanager
async def receiving(secret: str) -> AsyncIterator[Receiver]:
    """A receiver at an address of its own."""
    receiver = Receiver(secret)
    app = Starlette(routes=[Route("/hook", receiver.receive, methods=["POST"])])
    async with serving(app) as url:
        receiver.url = f"{url}/hook"
        yield receiver
