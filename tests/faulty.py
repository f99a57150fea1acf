"""A simulated GitHub that answers some requests wrongly: a layer before it, which knows each request by its kind.

A kind is the method with the address as the simulator's routes have it (`GET /repositories/{id}/labels`), or GraphQL
with the name of its query.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Match, Route
from starlette.types import Message, Receive, Scope, Send

_QUERY = re.compile(rb"query (\w+)")


@dataclass(frozen=True)
class Given:
    """What was asked, and what would be answered, after how long, if nothing went wrong."""

    kind: str
    url: str
    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float = 0.0


Answer = Callable[[Given], Given]
"""Makes the wrong answer out of the right one."""


@dataclass
class Faulty:
    """The layer; ``wrong`` says how a kind is answered, for addresses with a text in them."""

    app: Starlette
    wrong: dict[tuple[str, str], Answer] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)

    def break_(self, kind: str, answer: Answer, within: str = "") -> None:
        """Answer requests of this kind so from now on."""
        self.wrong[(kind, within)] = answer

    def mend(self) -> None:
        """Answer everything rightly again, and count requests anew."""
        self.wrong.clear()
        self.asked.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        content = await _whole(receive)
        kind = self.kind(scope, content)
        host, port = scope["server"]
        url = f"http://{host}:{port}{scope['path']}?{scope['query_string'].decode()}"
        self.asked[kind] += 1
        given = await self.right(scope, content, kind, url)
        for (of, within), answer in self.wrong.items():
            if of == kind and within in url:
                given = answer(given)
        await asyncio.sleep(given.seconds)
        headers = [(name.encode(), value.encode()) for name, value in given.headers.items() if name != "content-length"]
        await send({"type": "http.response.start", "status": given.status, "headers": headers})
        await send({"type": "http.response.body", "body": given.body})

    def kind(self, scope: Scope, content: bytes) -> str:
        """Which request this is."""
        if scope["path"] == "/graphql":
            found = _QUERY.search(content)
            return f"GraphQL {found.group(1).decode()}" if found else "GraphQL"
        for route in self.app.routes:
            if isinstance(route, Route) and route.matches(scope)[0] is Match.FULL:
                return f"{scope['method']} {route.path}"
        return f"{scope['method']} ?"

    async def right(self, scope: Scope, content: bytes, kind: str, url: str) -> Given:
        """What is answered if nothing goes wrong."""
        parts: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Message) -> None:
            parts.append(message)

        await self.app(dict(scope), receive, send)
        headers = {name.decode(): value.decode() for name, value in parts[0]["headers"]}
        return Given(kind, url, parts[0]["status"], headers, b"".join(part.get("body", b"") for part in parts[1:]))


async def _whole(receive: Receive) -> bytes:
    content, more = b"", True
    while more:
        message: Any = await receive()
        content, more = content + message.get("body", b""), message.get("more_body", False)
    return content
