"""What one run of the reconciler reads with and writes to."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from ghsync.errors import UnreadableAnswer
from ghsync.github import decoding, question
from ghsync.github.client import Answer, GitHub, GraphQLAnswer, Meter
from ghsync.github.credentials import Credential
from ghsync.github.decoding import decoded
from ghsync.github.kit import Call
from ghsync.mirror.noun import Origin
from ghsync.reconciler.gate import Gate
from ghsync.reconciler.places import SHOWING
from ghsync.reconciler.unread import UnreadParts

T = TypeVar("T")


class UnreadableItem(NamedTuple):
    """An item of a list that cannot be read, with its number and its id if these can."""

    number: int | None
    id: int | None
    error: UnreadableAnswer


class ListingPage(NamedTuple, Generic[T]):
    """A page of a listing: its items, when it was asked for, those that cannot be read, and how many there are in all.

    Where some cannot be read the listing is not complete: nothing is gone because it is not in it (I10).
    """

    items: list[T]
    observed_at: datetime
    wrong: Sequence[UnreadableItem] = ()
    total: int | None = None


class _Identified(msgspec.Struct, frozen=True):
    number: Any = None
    id: Any = None


_envelope = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw])
_count = msgspec.json.Decoder(int)
_identified = msgspec.json.Decoder(_Identified)


@dataclass(frozen=True, slots=True)
class Session:
    """One credential's view of GitHub, a gate, and what the run has cost so far, and could not read."""

    github: GitHub
    credential: Credential
    gate: Gate
    source: str
    priority: str
    meter: Meter
    unread: UnreadParts = field(default_factory=UnreadParts)

    def origin(self, observed_at: datetime) -> Origin:
        """Where rows read at ``observed_at`` come from."""
        return Origin(observed_at, "api", self.source)

    async def granted(self, permissions: frozenset[str] | None) -> frozenset[str] | None:
        """Those of an installation's permissions that show something and that its token has too.

        A token that is older than some of them is replaced; the next may go on to lack them.
        """
        token = await self.github.token(self.credential)
        if permissions is None or token is None or token.permissions is None:
            return permissions
        wanted = permissions & SHOWING
        lacking = wanted - token.permissions.keys()
        if lacking and await self.github.renew(self.credential, token, lacking):
            token = await self.github.token(self.credential)
            has = frozenset(token.permissions or () if token else ())
            self.github.note(self.credential, shown=lacking & has, denied=lacking - has)
            lacking -= has
        return wanted - lacking

    async def get(self, path: str, *, conditional: bool = False, **params: object) -> Answer:
        """One REST answer; a conditional one may be that nothing has changed, and is free then."""
        return await self.github.get(
            self.credential, path, params=params, priority=self.priority, meter=self.meter, conditional=conditional
        )

    async def call(self, call: Call, *, again: bool = True) -> Answer:
        """The answer to one of githubkit's requests; what does something is not asked ``again``."""
        return await self.github.call(self.credential, call, priority=self.priority, meter=self.meter, again=again)

    async def listing(
        self, path: str, item: type[T], within: str | None = None, **params: object
    ) -> AsyncIterator[ListingPage[T]]:
        """The pages of a REST listing; raises where the listing breaks off. ``within`` is where a page has its list."""
        decoder = msgspec.json.Decoder(list[item])  # type: ignore[valid-type]
        answers = self.github.pages(self.credential, path, params=params, priority=self.priority, meter=self.meter)
        async for answer in answers:
            body, total = (answer.body, None) if within is None else _within(answer.body, within, path)
            try:
                yield ListingPage(decoding.read(body, decoder), answer.observed_at, (), total)
                continue
            except (msgspec.MsgspecError, ValueError):
                items, wrong = _one_by_one(body, item, path)
            yield ListingPage(items, answer.observed_at, wrong, total)

    async def graphql(self, name: str, **variables: object) -> GraphQLAnswer:
        """The answer to one of the documents in ``ghsync/github/queries``, without what is not known or shown."""
        return await question.ask(
            self.github, self.credential, name, variables, priority=self.priority, meter=self.meter
        )


def _within(body: bytes, name: str, path: str) -> tuple[bytes, int | None]:
    """The list in a page that is an object, and how many there are in all, where it says so."""
    page = decoded(body, _envelope, path)
    if name not in page:
        raise UnreadableAnswer(f"{path} has no {name} in it; it is asked again later.")
    return bytes(page[name]), decoded(page["total_count"], _count, path) if "total_count" in page else None


def _one_by_one(body: bytes, item: type[T], path: str) -> tuple[list[T], Sequence[UnreadableItem]]:
    """The items of a list of which some cannot be read."""
    decoder = msgspec.json.Decoder(item)
    items: list[T] = []
    wrong: list[UnreadableItem] = []
    for raw in decoded(body, _list, path):
        try:
            items.append(decoded(raw, decoder, f"An item of {path}"))
        except UnreadableAnswer as error:
            wrong.append(UnreadableItem(*_identity(raw), error))
    return items, wrong


def _identity(raw: msgspec.Raw) -> tuple[int | None, int | None]:
    try:
        found = decoding.read(raw, _identified)
    except (msgspec.MsgspecError, ValueError):
        return None, None
    number, key = (value if isinstance(value, int) else None for value in (found.number, found.id))
    return number, key
