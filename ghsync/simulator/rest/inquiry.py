"""A request as a handler sees it, and the answer it gives.

https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from ghsync.simulator.payload import Json
from ghsync.simulator.refusals import Refused, inaccessible

if TYPE_CHECKING:
    from ghsync.simulator.site import Site
    from ghsync.simulator.viewer import Viewer
    from ghsync.simulator.world import World

PAGE = 30
LARGEST_PAGE = 100

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """What goes back. Links say which parameters lead to other pages.

    Addresses of GitHub's API in it are written as this server's, unless it is told as it was.
    """

    content: object
    status: int = 200
    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    address: str = ""
    as_it_was: bool = False


@dataclass(frozen=True)
class Inquiry:
    """Who asks for what. `address` is the path as it was asked for, or by which links lead to other pages."""

    site: Site
    viewer: Viewer
    path: Mapping[str, Any]
    query: Mapping[str, str]
    address: str
    body: Json = field(default_factory=dict)

    @property
    def world(self) -> World:
        """The simulated world."""
        return self.site.world

    def require(self, *permissions: str) -> None:
        """Refuse those who have none of these permissions."""
        if not any(self.viewer.may(permission) for permission in permissions):
            raise inaccessible(*permissions)

    def choice(self, name: str, default: str, *others: str) -> str:
        """A parameter that has one of a few values."""
        value = self.query.get(name, default)
        if value not in (default, *others):
            raise Refused(422, "Validation Failed", more={"errors": [{"field": name, "code": "invalid"}]})
        return value

    def moment(self, name: str) -> datetime | None:
        """A parameter that is a time."""
        value = self.query.get(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value.replace(" ", "+"))
        except ValueError:
            raise Refused(422, "Validation Failed", more={"errors": [{"field": name, "code": "invalid"}]}) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def number(self, name: str, default: int) -> int:
        """A parameter that is a number above zero; what is no such number counts as missing."""
        value = self.query.get(name, "")
        return int(value) if value.isdecimal() and int(value) > 0 else default

    @property
    def page_size(self) -> int:
        """How many there are on a page."""
        return min(self.number("per_page", PAGE), LARGEST_PAGE)

    def page(self, items: Sequence[T], show: Callable[[T], Json], *, within: str | None = None, **more: Any) -> Result:
        """One page of a list; some lists stand within an object that counts them."""
        number, size = self.number("page", 1), self.page_size
        last = max(-(-len(items) // size), 1)
        shown = [show(item) for item in items[(number - 1) * size : number * size]]
        places = {}
        if number > 1:
            places["prev"] = min(number - 1, last)
        if number < last:
            places |= {"next": number + 1, "last": last}
        if number > 1:
            places["first"] = 1
        links = {name: {"page": str(place)} for name, place in places.items()}
        content: object = shown if within is None else {"total_count": len(items), **more, within: shown}
        return Result(content, links=links, address=self.address)
