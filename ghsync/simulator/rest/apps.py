"""The App, its installations, and their tokens.

https://docs.github.com/en/rest/apps/apps
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghsync.simulator.payload import iso
from ghsync.simulator.refusals import Refused, not_found
from ghsync.simulator.rest.inquiry import Result
from ghsync.simulator.tokens import SUSPENDED

if TYPE_CHECKING:
    from ghsync.simulator.app import Installation
    from ghsync.simulator.payload import Json
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.rest.inquiry import Inquiry


def app(asked: Inquiry) -> Result:
    """The App."""
    world = asked.world
    return Result({**world.app.as_json(), "installations_count": len(world.installations)})


def installations(asked: Inquiry) -> Result:
    """Every installation, suspended ones too."""
    return asked.page(list(asked.world.installations.values()), lambda each: each.as_json())


def installation(asked: Inquiry) -> Result:
    """One installation."""
    return Result(_find(asked).as_json())


def installation_of(asked: Inquiry) -> Result:
    """The installation that covers a repository, whoever may read that one besides."""
    world, path = asked.world, asked.path
    if "repository_id" in path:
        repository = world.repositories.get(path["repository_id"])
    else:
        repository = world.repository_named(f"{path['owner']}/{path['repo']}")
    covering = (each for each in world.installations.values() if repository is not None and each.covers(repository))
    found = next(covering, None)
    if found is None:
        raise not_found()
    return Result(found.as_json())


def access_tokens(asked: Inquiry) -> Result:
    """A new token for an installation: for all that it has, or for less."""
    found = _find(asked)
    if found.suspended_at is not None:
        raise Refused(403, SUSPENDED)
    chosen = _repositories(asked, found)
    permissions = asked.body.get("permissions")
    if permissions and not permissions.keys() <= found.permissions.keys():
        raise Refused(422, "The permissions requested are not granted to this installation.")
    ids = None if chosen is None else frozenset(repository.id for repository in chosen)
    token, grant = asked.site.tokens.issue(found, permissions or None, ids)
    content: Json = {
        "token": token,
        "expires_at": iso(grant.expires_at),
        "permissions": dict(grant.permissions),
        "repository_selection": found.repository_selection if chosen is None else "selected",
    }
    if chosen is not None:
        content["repositories"] = [repository.as_json() for repository in chosen]
    return Result(content, 201)


def _find(asked: Inquiry) -> Installation:
    found = asked.world.installations.get(asked.path["installation_id"])
    if found is None:
        raise not_found()
    return found


def _repositories(asked: Inquiry, found: Installation) -> list[Repository] | None:
    """The repositories that the token is to be for, if not for all."""
    names, ids = asked.body.get("repositories"), asked.body.get("repository_ids")
    if names is None and ids is None:
        return None
    chosen = [each for each in found.repositories if each.name in (names or ()) or each.id in (ids or ())]
    if len(chosen) < len({*(names or ()), *(ids or ())}):
        raise Refused(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        )
    return chosen
