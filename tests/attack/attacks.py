"""What strangers do to a receiver, each for some seconds, as fast as one process can or as it says.

    python -m tests.attack.attacks PORT SECONDS NAME...

Talks to this machine only and stops by itself. It says when it begins, and in the end as JSON how often it was answered
what. An attacker has a process of its own, so that it takes no time from those who measure.
"""

import asyncio
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import uvloop

SIGNER = "127.0.0.1"
MIB = 1024 * 1024
FILES = 4096  # connections and more
ANSWER_SECONDS = 15.0

WEBHOOK = b"POST /webhooks/github HTTP/1.1\r\nHost: ghsync\r\n"
WRONG = (
    b"Content-Type: application/json\r\nX-GitHub-Event: push\r\nX-GitHub-Hook-ID: 1\r\n"
    b"X-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958\r\n"
    b"X-Hub-Signature-256: sha256=" + b"0" * 64 + b"\r\n"
)
FORM = WRONG.replace(b"application/json", b"application/x-www-form-urlencoded")

Attempt = Callable[["Stranger"], Awaitable[None]]


class Stranger:
    """One connection of an attacker."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, until: float) -> None:
        self._reader, self._writer, self._until = reader, writer, until

    @property
    def goes_on(self) -> bool:
        """Whether there is time left."""
        return time.monotonic() < self._until

    async def send(self, data: bytes) -> None:
        """Send, as fast as it is taken."""
        if self._writer.is_closing():
            raise ConnectionResetError
        self._writer.write(data)
        await self._writer.drain()

    async def drip(self, data: bytes, seconds: float) -> None:
        """Send a byte now and then, for ever."""
        while self.goes_on:
            await self.send(data)
            await asyncio.sleep(seconds)

    async def wait(self) -> None:
        """Do nothing until the other side ends the connection, or the time is up."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._reader.read(1), self._until - time.monotonic())

    async def answer(self) -> str:
        """The status of the next answer."""
        line = await asyncio.wait_for(self._reader.readline(), ANSWER_SECONDS)
        return line.split()[1].decode() if line.startswith(b"HTTP/1.1 ") else "closed"


@asynccontextmanager
async def _connected(address: str, port: int, until: float) -> AsyncIterator[Stranger]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    try:
        yield Stranger(reader, writer, until)
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def endless_head(stranger: Stranger) -> None:
    await stranger.send(WEBHOOK + b"X: ")
    while stranger.goes_on:
        await stranger.send(b"a" * 65536)


async def idle(stranger: Stranger) -> None:
    await stranger.wait()


async def idle_after_a_request(stranger: Stranger) -> None:
    await stranger.send(b"GET /healthz HTTP/1.1\r\nHost: ghsync\r\n\r\n")
    await stranger.wait()


async def slow_head(stranger: Stranger) -> None:
    await stranger.send(WEBHOOK)
    await stranger.drip(b"X: a\r\n", 0.5)


async def slow_body(stranger: Stranger) -> None:
    await stranger.send(WEBHOOK + WRONG + b"Content-Length: 100000\r\n\r\n")
    await stranger.drip(b"a", 0.5)


async def stalled_body(stranger: Stranger) -> None:
    await stranger.send(WEBHOOK + WRONG + b"Content-Length: %d\r\n\r\n" % (25 * MIB))
    for _ in range(24):
        await stranger.send(b"a" * MIB)
    await stranger.wait()


async def wrong_signature(stranger: Stranger) -> None:
    await stranger.send(WEBHOOK + WRONG + b"Content-Length: 2\r\n\r\n{}")


async def early_disconnect(stranger: Stranger) -> None:
    await stranger.send(WEBHOOK + WRONG + b"Content-Length: 100000\r\n\r\n" + b"a" * 10_000)


async def smuggling(stranger: Stranger) -> None:
    inner = WEBHOOK + WRONG + b"Content-Length: 2\r\n\r\n{}"
    await stranger.send(
        WEBHOOK + WRONG + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % len(inner) + inner
    )


async def a_million_fields(stranger: Stranger) -> None:
    body = b"a=1&" * 1_000_000
    await stranger.send(WEBHOOK + FORM + b"Content-Length: %d\r\n\r\n" % len(body) + body)


async def sent_ahead(stranger: Stranger) -> None:
    await stranger.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 13_000)


async def probes(stranger: Stranger) -> None:
    await stranger.send(b"GET /metrics HTTP/1.1\r\nHost: ghsync\r\n\r\n")


async def upgrade(stranger: Stranger) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    await stranger.send(WEBHOOK + WRONG + offer + b"Content-Length: 2\r\n\r\n{}")


@dataclass(frozen=True, slots=True)
class Attack:
    """What one connection does, how many there are at one time, and how long each pauses before the next."""

    attempt: Attempt
    connections: int
    pause_seconds: float
    by_signer: bool = False  # from the address that signed deliveries come from


ATTACKS: dict[str, Attack] = {
    "an endless head": Attack(endless_head, 4, 0.1),
    "2,000 idle connections": Attack(idle, 2000, 2.0),
    "2,000 idle ones after a request": Attack(idle_after_a_request, 2000, 2.0),
    "slow heads": Attack(slow_head, 200, 0.5),
    "slow bodies": Attack(slow_body, 200, 0.5),
    "16 stalled bodies of 25 MB": Attack(stalled_body, 16, 1.0),
    "2,000 wrong signatures a second": Attack(wrong_signature, 100, 0.05),
    "wrong ones from where it is signed": Attack(wrong_signature, 20, 0.05, by_signer=True),
    "early disconnects": Attack(early_disconnect, 20, 0.05),
    "smuggling": Attack(smuggling, 10, 0.05),
    "a million form fields": Attack(a_million_fields, 2, 0.5),
    "13,000 requests ahead": Attack(sent_ahead, 60, 0.5),
    "probes": Attack(probes, 64, 0.1),
    "offers of HTTP/2": Attack(upgrade, 20, 0.05),
}
UNANSWERED = (early_disconnect,)


async def attack(name: str, port: int, seconds: float) -> Counter[str]:
    """Attack for so long; answers how often which status was answered, or that there was none."""
    found = ATTACKS[name]
    addresses = _addresses(name)
    until = time.monotonic() + seconds
    answers: Counter[str] = Counter()

    async def go_on(number: int) -> None:
        address = addresses[number % len(addresses)]
        await asyncio.sleep(found.pause_seconds * number / found.connections)  # not all in one moment
        while time.monotonic() < until:
            answers[await _once(found.attempt, address, port, until)] += 1
            await asyncio.sleep(found.pause_seconds)

    await asyncio.gather(*(go_on(number) for number in range(found.connections)))
    return answers


def _addresses(name: str) -> list[str]:
    """Where an attack comes from: a few addresses of its own, of which a whole network is this machine."""
    network = list(ATTACKS).index(name) + 1
    return [SIGNER] if ATTACKS[name].by_signer else [f"127.0.{network}.{host}" for host in range(1, 5)]


async def _once(attempt: Attempt, address: str, port: int, until: float) -> str:
    try:
        async with _connected(address, port, until) as stranger:
            try:
                await attempt(stranger)
            except ConnectionError:
                return await stranger.answer()
            if attempt in UNANSWERED:
                return "left"
            return await stranger.answer() if stranger.goes_on else "held"
    except (ConnectionError, TimeoutError):
        return "closed"
    except OSError:
        return "no connection"


async def _attack_with(names: list[str], port: int, seconds: float) -> dict[str, int]:
    found = await asyncio.gather(*(attack(name, port, seconds) for name in names))
    return dict(sum(found, Counter()))


def main() -> None:
    """Attack with all that are named, at once."""
    port, seconds, *names = sys.argv[1:]
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES if most < 0 else min(FILES, most), most))
    print("attacking", flush=True)  # noqa: T201
    print(json.dumps(uvloop.run(_attack_with(names, int(port), float(seconds)))))  # noqa: T201


if __name__ == "__main__":
    main()
