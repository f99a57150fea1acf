"""GitHub at the end of a wire that is not there: the simulated one, which answers each question only once.

The same question is answered from memory then, so that what a cell costs is what ghsync does. No answer tells of a
limit, as on GitHub Enterprise Server, unless one of the ways to answer wrongly does. Who asked is read from
the stack, so that a request is found wherever it is made.
"""

import asyncio
import inspect
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import NamedTuple

import httpx
from starlette.types import Scope

from tests.faulty import Answer, Faulty, Given

ADDRESS = "https://github.test"

PLUMBING = frozenset({
    "doctor.question", "github.client", "github.kit", "github.question", "github.signing", "github.tokens",
    "github.transport", "parts", "session",
})  # fmt: skip
"""Modules that ask on behalf of others."""

NAMED = {"parts": 1, "absentees": 3, "audit": 2}
"""How many of those who ask for each other are told apart where one of these is among them; else the last alone."""


class Asked(NamedTuple):
    """A request: its kind, as `Faulty` has it, and the modules that make it, those that ask last."""

    kind: str
    by: str

    def __str__(self) -> str:
        return f"{self.kind}, asked by {self.by}"


@dataclass
class Wire(httpx.AsyncBaseTransport):
    """Counts what is asked, answers some kinds always so, and one request wrongly."""

    github: Faulty
    asked: Counter[Asked] = field(default_factory=Counter)
    always: Mapping[str, Answer] = field(default_factory=dict)
    wrong: Mapping[Asked, Answer] = field(default_factory=dict)
    _known: dict[tuple[str | bytes, ...], Given] = field(default_factory=dict)

    def begin(self, always: Mapping[str, Answer], wrong: Mapping[Asked, Answer]) -> None:
        """Count anew, and answer so from now on."""
        self.asked.clear()
        self.always, self.wrong = always, wrong

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        given = await self._right(request)
        asked = Asked(given.kind, _asker())
        self.asked[asked] += 1
        for answer in (self.always.get(asked.kind), self.wrong.get(asked)):
            given = answer(given) if answer else given
        if given.seconds:
            await asyncio.sleep(given.seconds)
        return httpx.Response(given.status, headers=given.headers, content=given.body)

    async def _right(self, request: httpx.Request) -> Given:
        content, url = await request.aread(), str(request.url)
        key = (request.method, url, content, *_conditions(request))
        if key not in self._known:
            scope = _scope(request)
            self._known[key] = await self.github.right(scope, content, self.github.kind(scope, content), url)
        given = self._known[key]
        told = {name: value for name, value in given.headers.items() if not name.startswith("x-ratelimit")}
        return replace(given, headers=told | {"date": formatdate(usegmt=True)})


def _conditions(request: httpx.Request) -> tuple[str, str]:
    """What an answer depends on besides the question: the App signs anew each time, and is the same."""
    credential = request.headers.get("authorization", "")
    return "App" if credential.count(".") == 2 else credential, request.headers.get("if-none-match", "")


def _scope(request: httpx.Request) -> Scope:
    return {
        "type": "http",
        "method": request.method,
        "scheme": request.url.scheme,
        "server": (request.url.host, 443),
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
    }


def _asker() -> str:
    """Who asks, and who asked them to where that makes a difference."""
    modules = list(dict.fromkeys(_modules()))
    named = next((number for module, number in NAMED.items() if module in modules), 1)
    return " > ".join(reversed([each for each in modules if each not in PLUMBING][:named]))


def _modules() -> Iterator[str]:
    """The modules of ghsync that are in the middle of something, the innermost first."""
    frame = inspect.currentframe()
    while frame:
        package, _, module = str(frame.f_globals["__name__"]).partition(".")
        if package == "ghsync":
            yield module.removeprefix("reconciler.")
        frame = frame.f_back
