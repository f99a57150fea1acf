"""A request over bare ASGI, part by part: what is read of it and what is answered, in the order in which it happens."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.types import ASGIApp, Message

URL = "/webhooks/github"


class Conversation:
    """A client that sends ``parts``, and then ends the body unless it ``hangs``."""

    def __init__(self, headers: Mapping[str, str], parts: Iterable[bytes], *, hangs: bool = False) -> None:
        self.happened: list[str] = []
        self.answer: dict[str, Any] = {}
        self._headers = headers
        self._parts = list(parts)
        self._hangs = hangs

    async def hold(self, app: ASGIApp) -> "Conversation":
        """Let the application answer."""
        headers = [(name.encode(), value.encode()) for name, value in self._headers.items()]
        scope = {"type": "http", "method": "POST", "path": URL, "headers": headers}
        await app(scope, self._receive, self._send)
        return self

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {name.decode(): value.decode() for name, value in self.answer["headers"]}

    async def _receive(self) -> Message:
        if not self._parts:
            self.happened.append("waited")
            await asyncio.Event().wait()
        part = self._parts.pop(0)
        self.happened.append("read")
        return {"type": "http.request", "body": part, "more_body": bool(self._parts) or self._hangs}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.answer = dict(message)
            self.happened.append(f"answered {message['status']}")
        elif not message.get("more_body"):
            self.happened.append("ended")
