"""Which repository is asked about, and whether the one who asks may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ghsync.simulator.assertion import UNDECODABLE
from ghsync.simulator.refusals import Moved, Refused, not_found
from ghsync.simulator.viewer import Integration

if TYPE_CHECKING:
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.rest.inquiry import Inquiry, Result

Handler = Callable[["Inquiry"], "Result"]
OfRepository = Callable[["Inquiry", "Repository"], "Result"]


def within(handle: OfRepository, *permissions: str) -> Handler:
    """A handler that finds the repository first, and wants one of some permissions there."""

    def handler(asked: Inquiry) -> Result:
        repository, rest = _repository(asked)
        asked.require(*permissions)
        return handle(replace(asked, address=f"/repositories/{repository.id}{rest}"), repository)

    return handler


def of_app(handle: Handler) -> Handler:
    """A handler for the App itself."""

    def handler(asked: Inquiry) -> Result:
        if not isinstance(asked.viewer, Integration):
            raise Refused(401, UNDECODABLE)
        return handle(asked)

    return handler


def _repository(asked: Inquiry) -> tuple[Repository, str]:
    """The repository, and the rest of the path. Names that it had lead to its id."""
    _, head, *parts = asked.address.split("/")
    rest = "".join(f"/{part}" for part in parts[1 if head == "repositories" else 2 :])
    if head == "repositories":
        found = asked.world.repositories.get(asked.path["repository_id"])
    else:
        name = f"{asked.path['owner']}/{asked.path['repo']}"
        found = asked.world.repository_named(name)
        if found is not None and asked.viewer.sees(found) and found.full_name.lower() != name.lower():
            raise Moved(f"/repositories/{found.id}{rest}")
    if found is None or not asked.viewer.sees(found):
        raise not_found()
    if found.id in asked.site.faults.blocked:
        block = {"reason": "dmca", "created_at": "2026-01-01T00:00:00Z", "html_url": None}
        raise Refused(451, "Repository access blocked", more={"block": block})
    return found, rest
