"""Connections: whoever starts no request, never ends its head, sends too much of it or too many, is refused."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ghsync.receiver import connection, door
from ghsync.receiver.connection import SENT_AHEAD, Connection
from ghsync.receiver.door import Door
from ghsync.receiver.peers import Peers
from ghsync.receiver.proxies import Proxies
from ghsync.receiver.turnstile import Turnstile

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop that `ghsync serve` runs on."""
    return "asyncio", {"use_uvloop": True}


PATIENCE_SECONDS = 20
HASTE_SECONDS = 0.05

SIGNER, STRANGER = "127.0.0.1", "127.0.0.2"
GET = b"GET / HTTP/1.1\r\nHost: ghsync\r\n\r\n"


def post(body: bytes, *more: bytes, signed: bool = True) -> bytes:
    lines = [b"POST /signed HTTP/1.1" if signed else b"POST / HTTP/1.1", b"Host: ghsync", *more]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])


@dataclass
class Served:
    """A server, and what its application was asked."""

    port: int
    begun: list[str] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def application(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the body that was sent, as soon as the gate is open; a path says that it was signed."""
        request = Request(scope, receive)
        self.begun.append(request.url.path)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        self.asked.append(body)
        self.reached.set()
        if request.url.path == "/signed":
            door.prove(scope)
        await self.gate.wait()
        await Response(body)(scope, receive, send)

    async def connected(self, address: str = SIGNER) -> "Client":
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
        self.writers.append(writer)
        return Client(reader, writer)

    async def has_been_asked(self, times: int) -> None:
        """Wait until the application has read so many requests."""
        while len(self.asked) < times:
            self.reached.clear()
            await self.reached.wait()


@dataclass
class Client:
    """A client that speaks for itself."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> "Client":
        self.writer.write(data)
        await self.writer.drain()
        return self

    async def send_for_ever(self, data: bytes) -> None:
        """Send the same until the connection breaks."""
        while True:
            await self.send(data)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer: its status, headers and body."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
        return int(head[0].split()[1]), headers, await self.reader.readexactly(int(headers["content-length"]))

    async def refusal(self) -> tuple[int, str]:
        """The status and reason of an answer in ghsync's own form, which ends the connection."""
        status, headers, body = await self.answer()
        told: dict[str, Any] = json.loads(body)
        assert (headers["connection"], headers["content-type"]) == ("close", "application/json")
        assert (headers.get("retry-after") is not None) == (status in (429, 503))
        assert told["detail"].endswith(".")
        assert await self.reader.read() == b""
        return status, told["error"]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads have hardly any time."""
    monkeypatch.setattr(Connection, "head_seconds", HASTE_SECONDS)


@asynccontextmanager
async def serving(
    places: int = 10, *, of_strangers: Peers | None = None, proxies: Sequence[str] = ()
) -> AsyncIterator[Served]:
    """A server whose application answers at once, and that keeps idle connections for longer than a test is patient."""
    served = Served(0)
    served.gate.set()
    config = uvicorn.Config(
        served.application, interface="asgi3", port=0, http=Connection, lifespan="off", log_config=None,
        timeout_keep_alive=2 * PATIENCE_SECONDS,
    )  # fmt: skip
    before = Connection.door, Connection.peers, Connection.proxies, Connection.turnstile
    Connection.door = Door(places)
    Connection.peers = of_strangers or Peers(1000.0, 1000)
    Connection.proxies = Proxies([ip_network(proxy) for proxy in proxies])
    Connection.turnstile = Turnstile()
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        served.port = server.servers[0].sockets[0].getsockname()[1]
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield served
    finally:
        served.gate.set()
        for writer in served.writers:
            writer.close()
        await server.shutdown()
        Connection.door, Connection.peers, Connection.proxies, Connection.turnstile = before


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Nobody looks for garbage."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.slow
@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize(
    "requests", [[], [GET], [post(b"one")], [post(b"one"), post(b"two", signed=False)], [GET[:-2]]]
)
async def test_an_ended_connection_leaves_no_garbage(requests: Sequence[bytes]) -> None:
    """What does not go by itself waits for the collector, which halts everything to look for it."""
    before = connections()
    async with serving() as served:
        client = await (await served.connected()).send(b"".join(requests))
        client.writer.write_eof()
        await client.reader.read()
        client.writer.close()
        await asyncio.sleep(HASTE_SECONDS)
        assert connections() == before


@pytest.mark.slow
@pytest.mark.usefixtures("uncollected")
async def test_a_connection_that_is_lost_before_its_answers_leaves_no_garbage() -> None:
    before = connections()
    async with serving() as served:
        served.gate.clear()
        client = await (await served.connected()).send(post(b"one") + post(b"two") + post(b"three"))
        await served.has_been_asked(1)
        client.writer.transport.abort()
        await asyncio.sleep(HASTE_SECONDS)
        served.gate.set()
        await asyncio.sleep(HASTE_SECONDS)
        assert connections() == before


def connections() -> int:
    """How many there are, in use or not."""
    return sum(type(each) is Connection for each in gc.get_objects())


async def test_a_crowd_of_strangers_that_came_first_keeps_who_has_signed_waiting_for_a_turn_only() -> None:
    async with serving(200) as served:
        signer = await (await served.connected()).send(post(b"one"))
        await signer.answer()
        crowd = [await served.connected(STRANGER) for _ in range(100)]
        served.begun.clear()
        for stranger in crowd:
            stranger.writer.write(post(b"", signed=False))
        signer.writer.write(post(b"two"))
        assert (await signer.answer())[::2] == (200, b"two")
        assert served.begun.index("/signed") < 50
        assert [(await stranger.answer())[0] for stranger in crowd] == [200] * 100


async def test_a_stranger_who_left_before_its_turn_is_not_answered() -> None:
    async with serving() as served:
        for _ in range(2000):
            Connection.turnstile.enter(asyncio.get_running_loop(), lambda: None)
        stranger = await (await served.connected(STRANGER)).send(GET)
        stranger.writer.transport.abort()
        other = await (await served.connected(STRANGER)).send(GET.replace(b"/", b"/other", 1))
        assert (await other.answer())[0] == 200
        assert served.begun == ["/other"]


@pytest.mark.usefixtures("hasty")
async def test_a_connection_that_says_nothing_is_ended_without_a_word() -> None:
    async with serving() as served:
        client = await served.connected()
        assert await client.reader.read() == b""


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("begun", [b"GET / HTT", b"GET / HTTP/1.1\r\nHost: ghsync\r\nX-Endless: a"])
async def test_a_request_that_does_not_begin_in_time_is_refused(begun: bytes) -> None:
    async with serving() as served:
        client = await (await served.connected()).send(begun)
        assert await client.refusal() == (408, "head_too_slow")


@pytest.mark.usefixtures("hasty")
async def test_the_next_request_of_a_connection_has_to_begin_in_time_too() -> None:
    async with serving() as served:
        client = await (await served.connected()).send(post(b"one"))
        assert (await client.answer())[::2] == (200, b"one")
        await client.send(GET[:-2])
        assert await client.refusal() == (408, "head_too_slow")


@pytest.mark.usefixtures("hasty")
async def test_a_request_may_take_longer_than_its_head_and_so_may_the_silence_after_it() -> None:
    async with serving() as served:
        client = await served.connected()
        for _ in range(2):
            served.gate.clear()
            await client.send(post(b"one"))
            await asyncio.sleep(2 * HASTE_SECONDS)
            served.gate.set()
            assert (await client.answer())[::2] == (200, b"one")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.reader.read(), 2 * HASTE_SECONDS)


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        pytest.param(b"GET /", b"a" * 1000, id="a URL"),
        pytest.param(b"GET / HTTP/1.1\r\nX: ", b"a" * 1000, id="a header"),
        pytest.param(b"GET / HTTP/1.1\r\n", b"X: a\r\n" * 200, id="headers"),
        pytest.param(b"", b"\r\n" * 500, id="no line at all"),
        pytest.param(post(b"x"), b"\r\n" * 500, id="none after a request"),
    ],
)
async def test_an_endless_head_is_refused_when_it_is_too_large(begin: bytes, more: bytes) -> None:
    async with serving() as served:
        client = await (await served.connected()).send(begin)
        if begin.startswith(b"POST"):
            await client.answer()
        for _ in range(80):
            await client.send(more)
        assert await client.refusal() == (431, "head_too_large")


async def test_a_head_of_100_kilobytes_in_one_piece_is_refused() -> None:
    async with serving() as served:
        client = await (await served.connected()).send(post(b"one", b"X: " + b"a" * 100_000))
        assert await client.refusal() == (431, "head_too_large")
        assert served.begun == []


async def test_who_goes_on_after_a_refusal_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FAREWELL_SECONDS", 2 * PATIENCE_SECONDS)
    async with serving() as served:
        client = await served.connected()
        with pytest.raises(ConnectionError):
            await client.send_for_ever(b"a" * 100_000)


async def test_what_is_not_http_is_refused_in_our_own_form() -> None:
    async with serving() as served:
        client = await (await served.connected()).send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert await client.refusal() == (400, "malformed_request")


async def test_a_body_that_is_no_longer_http_is_refused_at_once() -> None:
    head = b"POST / HTTP/1.1\r\nHost: ghsync\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving() as served:
        client = await (await served.connected()).send(head + b"3\r\none\r\nno size\r\n")
        assert await client.refusal() == (400, "malformed_request")
        assert served.asked == []


async def test_what_came_of_one_request_is_no_part_of_the_next_one_s_head() -> None:
    half = b"X: " + b"a" * 40_000
    async with serving() as served:
        client = await served.connected()
        for _ in range(3):
            await client.send(post(b"b" * 10_000, half))
            assert (await client.answer())[0] == 200


async def test_who_waits_after_an_answer_is_sent_away_without_a_word() -> None:
    async with serving(places=1) as served:
        waiting = await (await served.connected()).send(post(b"one"))
        await waiting.answer()
        await served.connected()
        assert await waiting.reader.read() == b""


async def test_few_requests_are_taken_ahead_of_their_answers() -> None:
    async with serving() as served:
        served.gate.clear()
        bodies = [b"%d" % number for number in range(13_000)]
        client = await served.connected()
        client.writer.write(b"".join(post(body) for body in bodies))
        await asyncio.sleep(0.1)
        assert served.asked == [b"0"]
        served.gate.set()
        answered = [(await client.answer())[2] for _ in range(SENT_AHEAD + 1)]
        assert answered == served.asked == bodies[: SENT_AHEAD + 1]
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.answer()


async def test_what_is_wrong_behind_a_request_does_not_take_its_answer() -> None:
    async with serving() as served:
        client = await (await served.connected()).send(post(b"one") + b"\x16\x03\x01")
        status, headers, body = await client.answer()
        assert (status, headers["connection"], body) == (200, "close", b"one")
        assert await client.reader.read() == b""


async def test_only_who_signs_keeps_the_connection() -> None:
    async with serving() as served:
        stranger = await (await served.connected()).send(GET)
        assert (await stranger.answer())[1]["connection"] == "close"
        assert await stranger.reader.read() == b""
        signer = await (await served.connected()).send(post(b"one"))
        assert "connection" not in (await signer.answer())[1]
        assert (await (await signer.send(post(b"two"))).answer())[2] == b"two"


async def test_a_signer_who_wants_to_leave_is_let_go() -> None:
    async with serving() as served:
        client = await (await served.connected()).send(post(b"one", b"Connection: close"))
        assert (await client.answer())[1]["connection"] == "close"
        assert await client.reader.read() == b""


@pytest.mark.parametrize("split", [1, 40, 150, 10_000])
@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"h2c\r\nUpgrade: websocket"])
async def test_a_body_is_read_whatever_other_protocol_its_request_offers(protocol: bytes, split: int) -> None:
    offered = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: " + protocol, b"HTTP2-Settings: AAMAAABk")
    request = post(b"a signed body", *offered)
    async with serving() as served:
        client = await (await served.connected()).send(request[:split])
        await asyncio.sleep(0.02)
        await client.send(request[split:] + post(b"another"))
        assert [(await client.answer())[::2] for _ in range(2)] == [(200, b"a signed body"), (200, b"another")]


async def test_a_tunnel_is_refused() -> None:
    async with serving() as served:
        client = await (await served.connected()).send(b"CONNECT ghsync:80 HTTP/1.1\r\nHost: ghsync\r\n\r\n")
        assert await client.refusal() == (400, "malformed_request")


async def test_when_all_places_are_taken_the_stranger_who_waits_longest_goes() -> None:
    async with serving(places=3) as served:
        signer = await (await served.connected()).send(post(b"one"))
        await signer.answer()
        idle, slow = await served.connected(STRANGER), await served.connected(STRANGER)
        await slow.send(post(b"a" * 100, signed=False)[:-50])
        await signer.send(post(b"two"))
        await signer.answer()
        await asyncio.sleep(0.02)
        late = await served.connected(STRANGER)
        assert await idle.reader.read() == b""
        later = await served.connected(STRANGER)
        assert await slow.refusal() == (503, "overloaded")
        for client in (signer, late, later):
            assert (await (await client.send(post(b"three"))).answer())[2] == b"three"


async def test_who_has_signed_and_waits_goes_after_all_strangers() -> None:
    async with serving(places=3) as served:
        signers = [await (await served.connected()).send(post(b"one")) for _ in range(2)]
        for signer in signers:
            await signer.answer()
        for _ in range(50):
            await served.connected(STRANGER)
        for signer in signers:
            assert (await (await signer.send(post(b"two"))).answer())[2] == b"two"


async def test_who_comes_from_where_it_was_signed_goes_after_all_strangers() -> None:
    async with serving(places=3) as served:
        signer = await (await served.connected()).send(post(b"one"))
        await signer.answer()
        new = await served.connected()
        for _ in range(50):
            await served.connected(STRANGER)
        assert (await (await new.send(post(b"two"))).answer())[2] == b"two"


async def test_where_all_have_signed_the_one_that_waits_longest_makes_room() -> None:
    async with serving(places=2) as served:
        signers = [await (await served.connected()).send(post(b"one")) for _ in range(2)]
        for signer in signers:
            await signer.answer()
        new = await (await served.connected()).send(post(b"two"))
        assert (await new.answer())[2] == b"two"
        assert await signers[0].reader.read() == b""
        assert (await (await signers[1].send(post(b"three"))).answer())[2] == b"three"


async def test_who_has_signed_is_not_sent_away_before_the_answer() -> None:
    async with serving(places=2) as served:
        served.gate.clear()
        signers = [await (await served.connected()).send(post(b"one")) for _ in range(2)]
        await served.has_been_asked(2)
        assert await (await served.connected()).refusal() == (503, "overloaded")
        served.gate.set()
        assert [(await signer.answer())[2] for signer in signers] == [b"one", b"one"]


@pytest.mark.slow
async def test_two_thousand_idle_connections_keep_no_signer_out() -> None:
    async with serving(places=50) as served:
        for _ in range(2000):
            await served.connected()
        client = await (await served.connected()).send(post(b"one"))
        assert (await client.answer())[2] == b"one"


async def test_a_stranger_has_so_many_connections_and_no_other_is_refused_for_it() -> None:
    async with serving(of_strangers=Peers(1000.0, 2)) as served:
        first, _ = await served.connected("127.0.0.2"), await served.connected("127.0.0.2")
        assert await (await served.connected("127.0.0.2")).refusal() == (429, "too_many_requests")
        other = await (await served.connected("127.0.0.3")).send(GET)
        assert (await other.answer())[0] == 200
        await first.send(GET)
        assert (await first.answer())[0] == 200
        assert await first.reader.read() == b""
        again = await (await served.connected("127.0.0.2")).send(GET)
        assert (await again.answer())[0] == 200


async def test_a_stranger_who_asked_too_often_is_refused_before_anything_is_read() -> None:
    async with serving(of_strangers=Peers(0.1, 10)) as served:
        client = await (await served.connected()).send(post(b"one", signed=False))
        assert (await client.answer())[2] == b"one"
        assert await (await served.connected()).refusal() == (429, "too_many_requests")
        assert served.begun == ["/"]


async def test_requests_on_one_connection_are_counted_each_and_those_before_are_answered() -> None:
    async with serving(of_strangers=Peers(0.2, 10)) as served:
        served.gate.clear()
        client = await (await served.connected()).send(post(b"one") + post(b"two") + post(b"three"))
        await served.has_been_asked(1)
        served.gate.set()
        assert [(await client.answer())[2] for _ in range(2)] == [b"one", b"two"]
        assert await client.reader.read() == b""
        assert served.asked == [b"one", b"two"]


async def test_where_a_right_signature_came_from_nobody_is_refused() -> None:
    async with serving(of_strangers=Peers(0.1, 1)) as served:
        client = await (await served.connected()).send(post(b"one"))
        assert (await client.answer())[2] == b"one"
        for _ in range(3):
            assert (await (await client.send(post(b"two"))).answer())[2] == b"two"
            stranger = await (await served.connected()).send(GET)
            assert (await stranger.answer())[0] == 200


async def test_through_a_trusted_proxy_each_request_is_judged_by_who_makes_it() -> None:
    async with serving(of_strangers=Peers(0.1, 1), proxies=["127.0.0.9"]) as served:
        for number in range(3):
            client = await served.connected("127.0.0.9")
            await client.send(post(b"one", b"X-Forwarded-For: 203.0.113.%d" % number, signed=False))
            assert (await client.answer())[2] == b"one"
        client = await served.connected("127.0.0.9")
        await client.send(post(b"two", b"X-Forwarded-For: 1.1.1.1, 203.0.113.0", signed=False))
        assert await client.refusal() == (429, "too_many_requests")
        assert served.asked == 3 * [b"one"]


async def test_what_others_forward_is_not_believed() -> None:
    async with serving(of_strangers=Peers(0.1, 10), proxies=["127.0.0.9"]) as served:
        client = await (await served.connected()).send(post(b"one", b"X-Forwarded-For: 203.0.113.1", signed=False))
        assert (await client.answer())[2] == b"one"
        assert await (await served.connected()).refusal() == (429, "too_many_requests")


async def test_a_signature_through_a_proxy_speaks_for_who_made_it_alone() -> None:
    signer, other = b"X-Forwarded-For: 203.0.113.1", b"X-Forwarded-For: 203.0.113.2"
    async with serving(of_strangers=Peers(0.1, 1), proxies=["127.0.0.9"]) as served:
        for _ in range(3):
            client = await (await served.connected("127.0.0.9")).send(post(b"one", signer))
            assert (await client.answer())[2] == b"one"
        client = await (await served.connected("127.0.0.9")).send(post(b"two", other, signed=False))
        assert (await client.answer())[2] == b"two"
        client = await (await served.connected("127.0.0.9")).send(post(b"three", other, signed=False))
        assert await client.refusal() == (429, "too_many_requests")
