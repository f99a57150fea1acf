"""Connections: a page of something, with cursors.

A cursor holds where a page ended in the order that was asked for. What is changed meanwhile and so moves is met twice
or not at all, as on GitHub.

https://docs.github.com/en/graphql/guides/using-pagination-in-the-graphql-api
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from graphql import FieldNode, GraphQLResolveInfo

from ghsync.simulator.graphql import request
from ghsync.simulator.graphql.refusals import Refused

CURSOR = b"cursor:v2:"

Key = tuple[int | str, ...]


@dataclass(frozen=True)
class Order:
    """What a connection is sorted by: a key that no two nodes share, or none to leave it as it stands."""

    key: Callable[[Any], Key] | None
    descending: bool = False

    def keyed(self, nodes: Iterable[Any]) -> list[tuple[Key, Any]]:
        """The nodes with their keys, sorted."""
        if self.key is None:
            pairs: list[tuple[Key, Any]] = [((place,), node) for place, node in enumerate(nodes)]
        else:
            pairs = [(self.key(node), node) for node in nodes]
        return sorted(pairs, key=_key, reverse=self.descending)


AS_THEY_STAND = Order(None)


@dataclass(frozen=True)
class Edge:
    """A node of a page, with its cursor."""

    cursor: str
    node: object


@dataclass(frozen=True)
class Connection:
    """A page."""

    total: int
    page: Sequence[Any] = ()
    keys: Sequence[Key] = ()
    has_previous: bool = False
    has_next: bool = False

    @property
    def edges(self) -> list[Edge]:
        """The nodes with their cursors."""
        return [Edge(cursor(key), node) for key, node in zip(self.keys, self.page, strict=True)]

    @property
    def start_cursor(self) -> str | None:
        """Where the page starts."""
        return cursor(self.keys[0]) if self.keys else None

    @property
    def end_cursor(self) -> str | None:
        """Where the page ends."""
        return cursor(self.keys[-1]) if self.keys else None


def connect(
    info: GraphQLResolveInfo,
    nodes: Iterable[Any],
    order: Order,
    *,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
) -> Connection:
    """The page of the nodes that the arguments ask for."""
    everything = list(nodes)
    if not _asks_for_nodes(info):
        return Connection(len(everything))
    _require_bounds(info, first, last)
    keyed = order.keyed(everything)
    start, stop = _between(keyed, order, after, before)
    if first is not None:
        stop = min(stop, start + first)
    elif last is not None:
        start = max(start, stop - last)
    page = keyed[start:stop]
    request.of(info).count(len(page))
    return Connection(
        total=len(keyed),
        page=[node for _, node in page],
        keys=[key for key, _ in page],
        has_previous=start > 0,
        has_next=stop < len(keyed),
    )


def cursor(key: Key) -> str:
    """The cursor of a key."""
    return base64.b64encode(CURSOR + msgspec.msgpack.encode(key)).decode()


def key_of(text: str) -> Key:
    """The key in a cursor."""
    try:
        return tuple(msgspec.msgpack.decode(base64.b64decode(text, validate=True).removeprefix(CURSOR), type=list))
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise Refused("INVALID_CURSOR_ARGUMENTS", f"`{text}` is not a cursor.") from error


def _key(keyed: tuple[Key, Any]) -> Key:
    return keyed[0]


def _between(keyed: list[tuple[Key, Any]], order: Order, after: str | None, before: str | None) -> tuple[int, int]:
    """The places between two cursors, whether or not what they were made for is still there."""
    start, stop = 0, len(keyed)
    if after is not None:
        end = key_of(after)
        start = sum((key >= end) if order.descending else (key <= end) for key, _ in keyed)
    if before is not None:
        end = key_of(before)
        stop = sum((key > end) if order.descending else (key < end) for key, _ in keyed)
    return start, max(start, stop)


def _require_bounds(info: GraphQLResolveInfo, first: int | None, last: int | None) -> None:
    name = info.field_name
    if first is None and last is None:
        raise Refused(
            "MISSING_PAGINATION_BOUNDARIES",
            f"The `{name}` connection needs a `first` or a `last`.",
        )
    limit = request.of(info).limits.page
    for argument, value in (("first", first), ("last", last)):
        if value is not None and value > limit:
            raise Refused(
                "EXCESSIVE_PAGINATION",
                f"`{argument}` of {value} on the `{name}` connection exceeds the limit of {limit} records.",
            )
        if value is not None and value < 0:
            raise Refused("INVALID_PAGINATION", f"`{argument}` on the `{name}` connection is below zero.")


def _asks_for_nodes(info: GraphQLResolveInfo) -> bool:
    """Whether more is asked for than `totalCount`, which needs no bounds."""
    selected = (
        selection
        for node in info.field_nodes
        if node.selection_set is not None
        for selection in node.selection_set.selections
    )
    return any(not isinstance(each, FieldNode) or each.name.value != "totalCount" for each in selected)
