"""Labels, milestones and releases.

https://docs.github.com/en/rest/issues/labels
https://docs.github.com/en/rest/issues/milestones
https://docs.github.com/en/rest/releases/releases
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ghsync.simulator.refusals import not_found
from ghsync.simulator.release import visible_releases
from ghsync.simulator.rest.inquiry import Result

if TYPE_CHECKING:
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.rest.inquiry import Inquiry

NEVER = datetime.max.replace(tzinfo=UTC)


def labels(asked: Inquiry, repository: Repository) -> Result:
    """Every label of the repository."""
    return asked.page(repository.labels, lambda label: label.as_json())


def label(asked: Inquiry, repository: Repository) -> Result:
    """One label, by its name in any letters."""
    wanted = asked.path["name"].lower()
    found = next((each for each in repository.labels if each.name.lower() == wanted), None)
    if found is None:
        raise not_found()
    return Result(found.as_json())


def milestones(asked: Inquiry, repository: Repository) -> Result:
    """Milestones, open ones and the next due first unless it is asked otherwise."""
    state = asked.choice("state", "open", "closed", "all")
    backwards = asked.choice("direction", "asc", "desc") == "desc"
    found = [each for each in repository.milestones if state in (each.state, "all")]
    found.sort(key=lambda each: (each.due_on or NEVER, each.number), reverse=backwards)
    return asked.page(found, lambda each: each.as_json())


def milestone(asked: Inquiry, repository: Repository) -> Result:
    """One milestone."""
    found = next((each for each in repository.milestones if each.number == asked.path["number"]), None)
    if found is None:
        raise not_found()
    return Result(found.as_json())


def releases(asked: Inquiry, repository: Repository) -> Result:
    """Releases, those of the newest commits first."""
    found = visible_releases(repository, may_push=asked.viewer.may_push(repository))
    found.sort(key=lambda each: (each.created_at, each.id), reverse=True)
    return asked.page(found, lambda each: each.as_rest_json())


def release(asked: Inquiry, repository: Repository) -> Result:
    """One release."""
    seen = visible_releases(repository, may_push=asked.viewer.may_push(repository))
    found = next((each for each in seen if each.id == asked.path["release_id"]), None)
    if found is None:
        raise not_found()
    return Result(found.as_rest_json())
