"""Repositories, one by one and as somebody sees them.

https://docs.github.com/en/rest/repos/repos
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghsync.simulator.refusals import Refused, inaccessible
from ghsync.simulator.rest.inquiry import Result
from ghsync.simulator.viewer import InstallationViewer, Nobody, Person

if TYPE_CHECKING:
    from ghsync.simulator.payload import Json
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.rest.inquiry import Inquiry


def single(_asked: Inquiry, repository: Repository) -> Result:
    """One repository, with what no list tells."""
    return Result(_whole(repository))


def of_installation(asked: Inquiry) -> Result:
    """The repositories that an installation's token is for."""
    if not isinstance(asked.viewer, InstallationViewer):
        raise Refused(
            403,
            "You must authenticate with an installation access token in order to list repositories for an"
            " installation.",
        )
    selection = asked.viewer.installation.repository_selection
    return asked.page(
        asked.viewer.repositories,
        lambda each: each.as_json(),
        within="repositories",
        repository_selection=selection,
    )


def of_user(asked: Inquiry) -> Result:
    """The repositories that a person works in, by full name."""
    person = user_who_asks(asked)
    found = [each for each in asked.world.repositories.values() if person.works_in(each) and person.sees(each)]
    return asked.page(sorted(found, key=lambda each: each.full_name), lambda each: each.as_json())


def user_who_asks(asked: Inquiry) -> Person:
    """The person who asks, for what Apps have no use for."""
    if isinstance(asked.viewer, Nobody):
        raise Refused(401, "Requires authentication")
    if not isinstance(asked.viewer, Person):
        raise inaccessible()
    return asked.viewer


def _whole(repository: Repository) -> Json:
    owner, source = repository.owner, repository.fork_of
    whole = {
        **repository.as_branch_json(),
        "network_count": repository.forks,
        "subscribers_count": len(repository.stargazers),
        "temp_clone_token": "",
    }
    if owner.type == "Organization":
        whole |= {"custom_properties": {}, "organization": owner.as_json()}
    if source is not None:
        whole |= {"parent": source.as_json(), "source": source.as_json()}
    return whole
