"""A span for each request to a route; those of deliveries go with these into the inbox, for the batch to point to.

Only what was verified is told by name: of a stranger's request there are its route and its answer.

https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from ghsync.inbox import spool
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.recorder import Recorder
from ghsync.inbox.spool import Spool
from ghsync.measured import Answer
from ghsync.receiver.proxies import Proxies

if TYPE_CHECKING:
    from ghsync.spans import Spans

CONTEXT = ("traceparent", "tracestate")
"""https://www.w3.org/TR/trace-context/"""


class Traced:
    """Middleware around one route; whose span is around its own only a trusted proxy may say."""

    def __init__(self, app: ASGIApp, spans: "Spans", route: str, proxies: Proxies) -> None:
        self._app = app
        self._spans = spans
        self._route = route
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self._route or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        told = {
            "http.request.method": "POST",
            "http.route": self._route,
            "url.path": self._route,
            "url.scheme": scope["scheme"],
        }
        with self._spans.span(f"POST {self._route}", "SERVER", told, self._around(scope)) as span:
            answer = Answer(send)
            try:
                await self._app(scope, receive, answer.send)
            finally:
                span.tell({"http.response.status_code": answer.status})
                if answer.status >= 500:
                    span.fail_with(str(answer.status))

    def _around(self, scope: Scope) -> dict[str, str]:
        peer = (scope.get("client") or ("",))[0]
        if not self._proxies.include(peer):
            return {}
        said = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return {name: said[name] for name in CONTEXT if name in said}


class Inbox:
    """The way into the inbox, of deliveries that tell in which span they came."""

    def __init__(self, inbox: Recorder | Spool, spans: "Spans") -> None:
        self._inbox = inbox
        self._spans = spans

    async def record(self, delivery: Delivery) -> spool.Outcome:
        """Record it, and tell in the current span which one it is."""
        span = self._spans.current()
        span.tell({"messaging.message.id": delivery.guid, "ghsync.event": delivery.event})
        outcome = await self._inbox.record(replace(delivery, headers=delivery.headers | span.headers()))
        span.tell({"ghsync.outcome": outcome})
        return outcome
