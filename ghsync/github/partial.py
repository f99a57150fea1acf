"""GraphQL's envelope: errors come with status 200 too, and beside data that is only partly there.

https://docs.github.com/en/graphql/overview/rate-limits-and-node-limits-for-the-graphql-api
"""

import re
from datetime import datetime
from typing import Self

import msgspec

from ghsync.errors import (
    GhsyncError,
    GraphQLDenied,
    GraphQLUnavailable,
    GraphQLUnknown,
    PermissionMissing,
    TooHeavy,
)
from ghsync.github import decoding, refusals
from ghsync.github.budget import RateLimit
from ghsync.github.reply import Reply

_HEAVY = re.compile(r"something went wrong while executing your query|time(d )?out|resource limits? ", re.IGNORECASE)
_HEAVY_TYPES = {"MAX_NODE_LIMIT_EXCEEDED", "RESOURCE_LIMITS_EXCEEDED", "TIMEOUT"}
_MAY_BE_LIMITED = re.compile(rb"rate[ _]limit", re.IGNORECASE)
_LIMITED_TYPES = {"RATE_LIMITED", "RATE_LIMIT"}
_DENIED_TYPES = {"FORBIDDEN", "INSUFFICIENT_SCOPES"}
_UNKNOWN = re.compile(r"doesn't exist on type|doesn't accept argument|^No such type ")
_UNKNOWN_CODES = {"undefinedField", "argumentNotAccepted", "undefinedType"}
_SCOPES = re.compile(r"one of the following scopes: \[([^]]*)\]")
_SCOPE = re.compile(r"'([^']+)'")


class Location(msgspec.Struct, frozen=True):
    """Where in the query."""

    line: int = 0
    column: int = 0


class Extensions(msgspec.Struct, frozen=True, rename="camel"):
    """What GitHub says besides of a field or an argument that its schema lacks."""

    code: str | None = None
    type_name: str | None = None
    field_name: str | None = None


class Problem(msgspec.Struct, frozen=True):
    """One of GraphQL's errors; ``path`` leads to the null in its place."""

    message: str = ""
    type: str | None = None
    path: tuple[str | int, ...] = ()
    locations: tuple[Location, ...] = ()
    extensions: Extensions = Extensions()

    @property
    def denied(self) -> bool:
        """Whether the credential may not see it."""
        return self.type in _DENIED_TYPES

    @property
    def unknown(self) -> bool:
        """Whether the schema lacks it."""
        return self.extensions.code in _UNKNOWN_CODES or bool(_UNKNOWN.search(self.message))

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of which a token needs one."""
        told = _SCOPES.search(self.message)
        return frozenset(_SCOPE.findall(told.group(1))) if told else frozenset()

    @property
    def reason(self) -> str:
        """Why it is not shown, in GitHub's words where ours are not shorter."""
        if self.scopes:
            return f"it lacks the scope {' or '.join(sorted(self.scopes))}"
        return self.message.rstrip(".")

    @property
    def hides_a_node(self) -> bool:
        """Whether what is null is one of the nodes asked for, and not a part of one."""
        return (self.path[:1], len(self.path)) in ((("node",), 1), (("nodes",), 2))

    @property
    def hollow_node(self) -> int | None:
        """The place of a node of which a part is null, among many that were asked for."""
        place = self.path[1] if self.path[:1] == ("nodes",) and len(self.path) > 2 else None
        return place if isinstance(place, int) and not (self.denied or self.unknown or self.is_heavy) else None

    @property
    def is_heavy(self) -> bool:
        """Whether it was too much at once."""
        return self.type in _HEAVY_TYPES or bool(_HEAVY.search(self.message))

    @property
    def hides_an_item(self) -> bool:
        """Whether what is null is a whole item of one of a repository's listings."""
        return self.path[:1] == ("node",) and self.path[2:3] == ("nodes",) and len(self.path) == 4


HOLES = 3
"""So many items of a listing may be null, whatever the reason; where more are, it was too much at once."""


class GraphQLEnvelope(msgspec.Struct, frozen=True):
    """The whole answer; ``data`` is kept as it came."""

    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: tuple[Problem, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there are no data at all."""
        return bytes(self.data) == b"null"

    def without_hollow_nodes(self) -> Self:
        """The same, with null for each node of which a part is missing, as for one that cannot be seen."""
        hollow = {place for one in self.errors if (place := one.hollow_node) is not None}
        if self.empty or not hollow:
            return self
        data = msgspec.json.decode(self.data)
        if not isinstance(data, dict) or not isinstance(data.get("nodes"), list):
            return self  # it is not what was asked for
        data["nodes"] = [None if place in hollow else node for place, node in enumerate(data["nodes"])]
        return msgspec.structs.replace(
            self,
            data=msgspec.Raw(msgspec.json.encode(data)),
            errors=tuple(one for one in self.errors if one.hollow_node is None),
        )


class GraphQLBudget(msgspec.Struct, frozen=True, rename="camel"):
    """``rateLimit`` of a query that asks for it; the cost is 1 where it does not."""

    cost: int = 1
    limit: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None

    def told(self, reply: Reply) -> RateLimit | None:
        """What it tells of the limit, where the answer's headers tell nothing."""
        if self.limit is None or self.remaining is None or self.reset_at is None:
            return None
        if refusals.told(reply, "graphql"):
            return None
        left = (self.reset_at - reply.observed_at).total_seconds()
        return RateLimit("graphql", self.limit, self.remaining, max(0.0, left))


class _Data(msgspec.Struct, frozen=True, rename="camel"):
    rate_limit: GraphQLBudget | None = None


_envelope = msgspec.json.Decoder(GraphQLEnvelope)


def read(body: bytes) -> GraphQLEnvelope:
    """The envelope of an answer, in which a node is whole or null."""
    try:
        return decoding.read(body, _envelope).without_hollow_nodes()
    except (msgspec.MsgspecError, ValueError):
        raise GraphQLUnavailable("GraphQL did not answer as it should; REST is asked instead.") from None


def limit(body: bytes) -> str | None:
    """GraphQL's sentence about a limit that refused the query, if one did."""
    if not _MAY_BE_LIMITED.search(body):  # spares large answers a second look
        return None
    limited = [one for one in read(body).errors if one.type in _LIMITED_TYPES or "rate limit" in one.message.lower()]
    return (limited[0].message or "rate limit") if limited else None


def budget(envelope: GraphQLEnvelope) -> GraphQLBudget:
    """What the query cost."""
    try:
        found = msgspec.json.decode(envelope.data, type=_Data) if not envelope.empty else _Data()
    except msgspec.MsgspecError:
        return GraphQLBudget()
    return found.rate_limit or GraphQLBudget()


def error(envelope: GraphQLEnvelope) -> GhsyncError | None:
    """The error that an answer is; None where nothing but whole nodes, which cannot be seen, is missing.

    Data with holes inside nodes are no data: a null there would be taken for the truth.
    """
    problems = envelope.errors
    holes = [one for one in problems if one.hides_an_item]
    if not envelope.empty and len(holes) <= HOLES:  # the reader finds out by REST what is in their places
        problems = tuple(one for one in problems if one not in holes)
    heavy = [one for one in problems if one.is_heavy]
    if heavy:
        return TooHeavy(f"GraphQL could not answer so much at once ({heavy[0].message.rstrip('.')}).")
    if unknown := [one for one in problems if one.unknown]:
        return GraphQLUnknown(f"GraphQL does not know what was asked ({unknown[0].message.rstrip('.')}).", problems)
    denied = [one for one in problems if one.denied]
    if denied and envelope.empty and not any(one.path or one.type == "INSUFFICIENT_SCOPES" for one in denied):
        return PermissionMissing(f"The credential lacks a permission for GraphQL ({denied[0].message.rstrip('.')}).")
    serious = [one for one in problems if not (one.type == "NOT_FOUND" or (one in denied and one.hides_a_node))]
    if serious:
        where = ".".join(map(str, serious[0].path)) or "the query"
        said = f"GraphQL did not answer {where} ({serious[0].message.rstrip('.')}); REST is asked instead."
        if all(one in denied for one in serious):
            return GraphQLDenied(said, tuple(serious))
        return GraphQLUnavailable(said)
    if envelope.empty:
        return GraphQLUnavailable("GraphQL answered without data; REST is asked instead.")
    return None
