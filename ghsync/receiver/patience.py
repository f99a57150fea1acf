"""How long a request may take to arrive, and what becomes of the rest of one that is answered early."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ghsync.errors import BodyTooSlow


class Patience:
    """Middleware that waits for a body so long and no longer, and hears out whom it answers early.

    Who closes a connection while data arrives resets it, and the reset overtakes the answer. So what is left of a body
    is read after the answer, for as long again at most, and thrown away: https://www.rfc-editor.org/rfc/rfc9112#section-9.6
    """

    def __init__(self, app: ASGIApp, timeout_seconds: float) -> None:
        self._app = app
        self._timeout_seconds = timeout_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _has_body(scope):
            exchange = Exchange(receive, send, self._timeout_seconds)
            receive, send = exchange.receive, exchange.send
        await self._app(scope, receive, send)


def _has_body(scope: Scope) -> bool:
    """https://www.rfc-editor.org/rfc/rfc9112#section-6"""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


class Exchange:
    """One request with a body, and its answer."""

    def __init__(self, receive: Receive, send: Send, timeout_seconds: float) -> None:
        self._receive = receive
        self._send = send
        self._timeout_seconds = timeout_seconds
        self._deadline = self._after_timeout()
        self._body_ended = False

    async def receive(self) -> Message:
        """The next part of the body; raises `BodyTooSlow` when its time is up."""
        if self._body_ended:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlow(f"The body did not arrive within {self._timeout_seconds:g} s.") from None
        self._body_ended = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Pass the answer on; one that comes before the end of the body also ends the connection."""
        if self._body_ended:
            await self._send(message)
        elif message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), (b"connection", b"close")]
            await self._send({**message, "headers": headers})
        elif message.get("more_body", False):
            await self._send(message)
        else:
            await self._send({**message, "more_body": True})
            await self._discard_rest()
            await self._send({"type": "http.response.body"})

    async def _discard_rest(self) -> None:
        self._deadline = self._after_timeout()
        try:
            while not self._body_ended:
                await self.receive()
        except BodyTooSlow:
            self._body_ended = True

    def _after_timeout(self) -> float:
        return asyncio.get_running_loop().time() + self._timeout_seconds
