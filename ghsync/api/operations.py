"""What can be done over HTTP: each operation with its address, its scope, what it takes and what it answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from ghsync.actor import Actor
from ghsync.administration import deliveries, repositories, requests, tasks
from ghsync.administration.tasks import ItemReference
from ghsync.api.callers import Caller
from ghsync.database import transaction
from ghsync.errors import NotFound

LARGEST_NUMBER = 2**31 - 1
"""Of an issue or pull request, as its column holds it."""


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """A body without fields."""


class ResyncRequest(msgspec.Struct, forbid_unknown_fields=True):
    """How a repository is to be read: what changed, or in full."""

    full: bool = False


class Assignment(msgspec.Struct, forbid_unknown_fields=True):
    """The project that a repository is to be in: its id, slug, or organization/slug."""

    project: str


class LinkRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What the number is of, where it is not mirrored yet."""

    kind: Literal["issue", "pull_request"] | None = None


class Replayed(msgspec.Struct):
    """How many deliveries are in the queue again, waited in it already, and have no payload any more."""

    queued: int
    waiting: int
    aged: int


class Requested(msgspec.Struct):
    """The repository that will be read, by the name that it has now."""

    repository: str


class Done(msgspec.Struct):
    """What was done, in a sentence."""

    detail: str


class Linked(msgspec.Struct):
    """The task's id."""

    task: str


class WhoAmI(msgspec.Struct):
    """Whose key or session it is, what the key is called, and what it is for."""

    user: str
    key: str
    scope: str


class SessionBegun(WhoAmI):
    """The same of a session, and when it ends at the latest."""

    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """One request to do something: who asks, the parts of its path, and its body."""

    caller: Caller
    path: Mapping[str, Any]
    body: Any

    @property
    def actor(self) -> Actor:
        """As whom the audit log knows who asks."""
        return self.caller.actor

    @property
    def repository(self) -> str:
        """The full name in the path."""
        return f"{self.path['owner']}/{self.path['name']}"

    @property
    def item(self) -> ItemReference:
        """The issue or pull request in the path."""
        number = self.path["number"]
        if not 0 < number <= LARGEST_NUMBER:
            raise NotFound(f"There is no issue or pull request {number}.")
        return ItemReference(self.repository, number, self.body.kind if isinstance(self.body, LinkRequest) else None)


async def whoami(call: Call) -> WhoAmI:
    """Tell whose key or session this is."""
    bearer = call.caller.bearer
    return WhoAmI(bearer.person, bearer.key, bearer.scope)


async def replay(call: Call) -> Replayed:
    """Queue a delivery again, named by its number or GUID."""
    async with transaction(call.caller.engine) as conn:
        counts = await deliveries.replay(conn, [call.path["delivery"]], actor=call.actor)
    return Replayed(*counts)


async def resync(call: Call) -> Requested:
    """Have a repository read from GitHub, as soon as whoever leads the schedule gets to it."""
    async with transaction(call.caller.engine) as conn:
        return Requested(await requests.resync(conn, call.repository, full=call.body.full, actor=call.actor))


async def assign(call: Call) -> Done:
    """Move a repository to another project."""
    async with transaction(call.caller.engine) as conn:
        return Done(await repositories.assign(conn, call.repository, call.body.project, actor=call.actor))


async def link(call: Call) -> Linked:
    """Link a task to an issue or pull request."""
    return Linked(await tasks.link(call.caller.engine, call.path["task"], call.item, actor=call.actor))


async def unlink(call: Call) -> Linked:
    """Take back a link that a person or another program made."""
    return Linked(await tasks.unlink(call.caller.engine, call.path["task"], call.item, actor=call.actor))


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be done; ``path`` has variables in braces, and ``scope`` is the least that a key is for."""

    method: str
    path: str
    scope: str
    act: Callable[[Call], Awaitable[msgspec.Struct]]
    answers: type[msgspec.Struct]
    takes: type[msgspec.Struct] = Nothing
    status: int = 200

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return (self.act.__doc__ or "").strip()


_LINK = "/api/tasks/{task}/links/{owner}/{name}/{number:int}"

OPERATIONS = (
    Operation("GET", "/api/whoami", "read", whoami, WhoAmI),
    Operation("POST", "/api/deliveries/{delivery}/replay", "operate", replay, Replayed),
    Operation("POST", "/api/repositories/{owner}/{name}/resync", "operate", resync, Requested, ResyncRequest, 202),
    Operation("PUT", "/api/repositories/{owner}/{name}/project", "admin", assign, Done, Assignment),
    Operation("PUT", _LINK, "operate", link, Linked, LinkRequest),
    Operation("DELETE", _LINK, "operate", unlink, Linked),
)
