"""Connections that cannot be used against each other: uvicorn itself sets no bound to what comes before an application.

The head of a request has to arrive in time and be of a size; few requests may be sent ahead of their answers; only who
signs keeps the connection; a stranger gets so many connections and requests and no more; and who asks for another
protocol is answered in this one, with the body read.
"""

import asyncio
import weakref
from functools import partial
from typing import Any, ClassVar

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ghsync.errors import GhsyncError, HeadTooLarge, HeadTooSlow, MalformedRequest, Overloaded, TooManyRequests
from ghsync.receiver import answers, peers
from ghsync.receiver.door import PROOF, Door
from ghsync.receiver.peers import Peers
from ghsync.receiver.proxies import Proxies
from ghsync.receiver.refusals import Refusals
from ghsync.receiver.turnstile import Turnstile

PIECE_BYTES = 16 * 1024  # what is parsed at once: a few hundred requests at most
SENT_AHEAD = 8  # requests that may wait for the answers to those before them

# Who closes while data arrives resets the connection, and the reset overtakes the answer: https://www.rfc-editor.org/rfc/rfc9112#section-9.6
FAREWELL_SECONDS = 1.0
FAREWELL_BYTES = 1024 * 1024

TOO_MANY = TooManyRequests(
    "More comes from this address without a right signature than GHSYNC_STRANGER_CONNECTIONS and "
    "GHSYNC_STRANGER_REQUESTS_A_SECOND allow."
)
TURNED_AWAY = answers.refusal(TOO_MANY).as_http()


class Connection(HttpToolsProtocol):
    """Refuses, in ghsync's own form, what its application never gets to see."""

    door: ClassVar[Door] = Door(900)
    peers: ClassVar[Peers] = Peers(5.0, 50)
    proxies: ClassVar[Proxies] = Proxies()
    turnstile: ClassVar[Turnstile] = Turnstile()
    refusals: ClassVar[Refusals] = Refusals()
    head_seconds: ClassVar[float] = 10.0
    head_bytes: ClassVar[int] = 64 * 1024

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._peer: str | None = None  # as long as its connection counts; of a proxy's each request has its own
        self._prepaid = False  # the first request was counted with the connection
        self._asked_by_stranger = True  # the newest request
        self._alarm: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head_bytes = 0  # none while nothing of a request has come
        self._running: RequestResponseCycle | None = None  # before those in the pipeline, of which `cycle` is the last
        self._request_ended = False  # within the piece that is parsed
        self._upgrading = False
        self._deaf = False  # what arrives is no request any more, and thrown away
        self._thrown_away_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        self.transport, self.client = transport, transport.get_extra_info("peername")
        if not self._is_welcome():
            self._turn_away()
            return
        super().connection_made(transport)
        if self.door.enter(self, stranger=self._peer is not None and self.peers.is_stranger(self._peer)):
            self._expect_head()
        else:
            self._refuse(Overloaded("All connections are taken: GHSYNC_MAX_CONNECTIONS sets how many there are."))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._peer is not None:
            self.peers.disconnect(self._peer)
        self.door.leave(self)
        self._expect_nothing()
        self._unset_keepalive_if_required()  # uvicorn does so only where the other side ended the connection in order
        super().connection_lost(exc)
        if self._running is not None:
            self._running.disconnected = True
            self._running.message_event.set()
        # A request refers to its connection: together they would stay until the collector looks at everything there is.
        self.cycle, self.scope, self._running = None, None, None  # type: ignore[assignment]  # as before the first
        self.pipeline.clear()

    def show_out(self) -> None:
        """Make room for who comes next."""
        self._give_up_answer()
        needed = Overloaded("This connection's place was needed: GHSYNC_MAX_CONNECTIONS sets how many there are.")
        if self._unanswered or self._head_bytes:
            self._refuse(needed)
        else:  # nothing was asked
            self.refusals.note(needed)
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        for start in range(0, len(data), PIECE_BYTES):
            if self._deaf:
                self._throw_away(len(data) - start)
                break
            self._parse(data[start : start + PIECE_BYTES])

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= SENT_AHEAD:
            self._end_with_what_came()
        if not self._deaf:
            super().on_message_begin()
            self._head_bytes = max(self._head_bytes, 1)
            self._expect_head()

    def on_url(self, url: bytes) -> None:
        if not self._deaf:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._deaf:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._deaf:
            return
        self._in_head = False
        self._expect_nothing()
        self._upgrading = self.parser.should_upgrade()
        if not self._upgrading:
            self._take_request()

    def on_body(self, body: bytes) -> None:
        if not self._deaf:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._deaf or self._upgrading:
            return
        self._in_head, self._head_bytes, self._request_ended = True, 0, True
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        if self._asked_by_stranger:
            self.turnstile.enter(self.loop, partial(self._answer, cycle, app))
        else:
            super()._start_asgi_task(cycle, app)

    def _answer(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if not cycle.disconnected:
            super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.door.wait(self)

    @property
    def _unanswered(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _parse(self, data: bytes) -> None:
        self._request_ended = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(MalformedRequest(f"This is not HTTP/1.1 ({error})."))
        if self._in_head and not self._request_ended:
            self._head_bytes += len(data)
            if self._head_bytes >= self.head_bytes:
                self._refuse(HeadTooLarge(f"The head of the request is larger than {self.head_bytes} bytes."))

    def _decline_upgrade(self, rest: bytes) -> None:
        """Parse the request once more as one that asks for nothing else: the parser leaves its body to who upgrades.

        https://www.rfc-editor.org/rfc/rfc9110#section-7.8
        """
        self._upgrading = False
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(MalformedRequest("CONNECT is not answered here."))
            return
        lines = [b"%s %s HTTP/%s" % (method, self.url, self.parser.get_http_version().encode())]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self._in_head, self._head_bytes = True, 0
        self._parse(b"\r\n".join([*lines, b"", rest]))

    def _is_welcome(self) -> bool:
        """Whether this peer may have one connection more; what comes through a proxy is judged request by request."""
        if self.proxies.include(self._address):
            return True
        peer = peers.name(self._address)
        if self.peers.connect(peer):
            self._peer, self._prepaid = peer, True
        return self._prepaid

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _turn_away(self) -> None:
        """As cheaply as can be: it may be all that comes."""
        self._deaf = True
        self.refusals.note(TOO_MANY)
        self.transport.write(TURNED_AWAY)
        self.transport.close()

    def _take_request(self) -> None:
        peer = self._peer or peers.name(self.proxies.client(self._address, self.headers))
        if not self._prepaid and not self.peers.ask(peer):
            self._refuse(TOO_MANY)
            return
        self._prepaid = False
        self._asked_by_stranger = self.peers.is_stranger(peer)
        super().on_headers_complete()
        told = partial(self._prove, weakref.ref(self.cycle), peer, keep_alive=self.cycle.keep_alive)
        stranger = peer if self._asked_by_stranger else None
        self.scope["extensions"] = {PROOF: {"told": told, "stranger": stranger}}
        self.cycle.keep_alive = False

    def _prove(self, cycle_ref: weakref.ref[RequestResponseCycle], peer: str, *, keep_alive: bool) -> None:
        self.peers.prove(peer)
        self.door.prove(self)
        if cycle := cycle_ref():
            cycle.keep_alive = keep_alive and not (self._deaf and cycle is self.cycle)

    def _refuse(self, error: GhsyncError) -> None:
        """Answer what is no request that an application could, and end the connection."""
        if self._deaf:
            return
        self._deaf = True
        self._expect_nothing()
        self.refusals.note(error)
        if self._unanswered and self.cycle.more_body and not self.pipeline:  # it is this one that is wrong
            self._give_up_answer()
        if self._unanswered and not self.cycle.disconnected:  # its answer comes first, and is the last one
            self.cycle.keep_alive = False
            return
        if not (self._unanswered and self.cycle.response_started):
            self.transport.write(answers.refusal(error).as_http())
        if self.door.linger(self) and self.transport.can_write_eof():
            self.transport.write_eof()
            self.loop.call_later(FAREWELL_SECONDS, self.transport.close)
        else:
            self.transport.close()

    def _give_up_answer(self) -> None:
        """Let the application find the connection of its request ended, if it is at one."""
        if self._unanswered:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _end_with_what_came(self) -> None:
        """Answer the requests that were sent so far, and none more."""
        self._deaf = True
        self.cycle.keep_alive = False
        self.flow.pause_reading()

    def _throw_away(self, size_bytes: int) -> None:
        self._thrown_away_bytes += size_bytes
        if self._thrown_away_bytes > FAREWELL_BYTES:
            self.transport.abort()

    def _expect_head(self) -> None:
        self._expect_nothing()
        self._alarm = self.loop.call_later(self.head_seconds, self._end_head)

    def _expect_nothing(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _end_head(self) -> None:
        if self._head_bytes == 0:
            self.transport.close()
        else:
            self._refuse(HeadTooSlow(f"The head of the request did not arrive within {self.head_seconds:g} s."))
