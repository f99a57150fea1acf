"""Requests, counted and timed by route: rate, errors, duration.

https://grafana.com/blog/2018/08/02/the-red-method-how-to-instrument-your-services/
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, cast

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ghsync import metrics

OTHER = "other"
"""Whatever has no route: strangers make up addresses, and each would be a series."""


Endpoint = Callable[..., Any]


class Answer:
    """What is answered to one request: its status, which is 500 where nothing is."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 500

    async def send(self, message: Message) -> None:
        """Send on, and note it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


class Measured:
    """Middleware that counts what is answered, and how soon."""

    def __init__(self, app: ASGIApp, routes: Iterable[Route]) -> None:
        self._app = app
        self._paths = {route.endpoint: route.path for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer, began = Answer(send), time.perf_counter()
        try:
            await self._app(scope, receive, answer.send)
        finally:
            path = self._paths.get(cast("Endpoint", scope.get("endpoint")), OTHER)
            metrics.http_requests.labels(path, answer.status).inc()
            metrics.http_seconds.labels(path).observe(time.perf_counter() - began)
