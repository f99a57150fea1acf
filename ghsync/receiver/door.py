"""Who is let in: so many connections, and when all are taken, whoever has proved nothing for longest goes first.

A signature is the proof. Connections of strangers, idle or busy, so make room for each other, and for who can sign. One
that has signed before, or comes from where somebody has, goes after all of theirs: a delivery may be on its way.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

PROOF = "ghsync.proof"
"""The ASGI extension of a connection that wants to know when the signature of a request was found right.

It says which ``stranger`` asks, if it is one.
https://asgi.readthedocs.io/en/latest/extensions.html
"""

LINGERING = 64  # who is refused may take a moment to read why; not all of a crowd


class Guest(Protocol):
    """A connection, as the door sees it."""

    def show_out(self) -> None:
        """End it, for its place is needed."""


class Door:
    """The connections of a process."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._inside: set[Guest] = set()
        self._unproven: dict[Guest, None] = {}  # the one that has been so for longest comes first
        self._trusted: dict[Guest, None] = {}  # unproven too, but of those who signed before
        self._lingering: set[Guest] = set()

    def enter(self, guest: Guest, *, stranger: bool) -> bool:
        """Let a connection in; false where all places are taken by those whose signatures were right."""
        if len(self._inside) >= self._places:
            first = next(iter(self._unproven or self._trusted), None)
            if first is None:
                return False
            self._let_go(first)
            first.show_out()
        self._inside.add(guest)
        (self._unproven if stranger else self._trusted)[guest] = None
        return True

    def prove(self, guest: Guest) -> None:
        """A request of this connection was signed: nobody takes its place until that is answered."""
        self._unproven.pop(guest, None)
        self._trusted.pop(guest, None)

    def wait(self, guest: Guest) -> None:
        """The next request of a connection that signed one is awaited: its place can be had again, after all others."""
        if guest in self._inside and guest not in self._unproven:
            self._trusted.pop(guest, None)
            self._trusted[guest] = None

    def linger(self, guest: Guest) -> bool:
        """Whether a connection that was refused may stay for its answer."""
        if len(self._lingering) >= LINGERING:
            return False
        self._lingering.add(guest)
        return True

    def leave(self, guest: Guest) -> None:
        """A connection ended."""
        self._let_go(guest)
        self._lingering.discard(guest)

    def _let_go(self, guest: Guest) -> None:
        self._inside.discard(guest)
        self._unproven.pop(guest, None)
        self._trusted.pop(guest, None)


def prove(scope: Mapping[str, Any]) -> None:
    """Tell the connection of a request, if it wants to know, that the signature was right."""
    told: Callable[[], None] | None = _extension(scope).get("told")
    if told:
        told()


def stranger(scope: Mapping[str, Any]) -> str | None:
    """The peer that makes a request, unless a signature of its own was right lately."""
    return cast("str | None", _extension(scope).get("stranger"))


def _extension(scope: Mapping[str, Any]) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", scope.get("extensions", {}).get(PROOF, {}))
