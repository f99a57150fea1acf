"""Issues, which pull requests are too, and their comments.

https://docs.github.com/en/rest/issues
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ghsync.simulator.refusals import Moved, Refused, not_found
from ghsync.simulator.rest.inquiry import Result

if TYPE_CHECKING:
    from ghsync.simulator.issue import Comment, Issue
    from ghsync.simulator.payload import Json
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.rest.inquiry import Inquiry

ORDERS: dict[str, Callable[[Issue], Any]] = {
    "created": lambda issue: (issue.created_at, issue.number),
    "updated": lambda issue: (issue.updated_at, issue.number),
    "comments": lambda issue: (len(issue.comments), issue.number),
}

COMMENT_ORDERS: dict[str, Callable[[Comment], Any]] = {
    "created": lambda comment: (comment.created_at, comment.id),
    "updated": lambda comment: (comment.updated_at, comment.id),
}


def listing(asked: Inquiry, repository: Repository) -> Result:
    """Issues and pull requests, open ones and the newest first unless it is asked otherwise."""
    state = asked.choice("state", "open", "closed", "all")
    since = asked.moment("since")
    order = ORDERS[asked.choice("sort", "created", "updated", "comments")]
    found = [
        issue
        for issue in repository.issues.values()
        if state in (issue.state, "all") and (since is None or shown_time(issue.updated_at) >= since)
    ]
    found.sort(key=order, reverse=asked.choice("direction", "desc", "asc") == "desc")
    return asked.page(found, lambda issue: issue.as_json())


def single(asked: Inquiry, repository: Repository) -> Result:
    """One issue; one that was transferred leads to where it is now."""
    issue = _find(asked, repository)
    return Result({**issue.as_json(), "closed_by": None})


def comments(asked: Inquiry, repository: Repository) -> Result:
    """The comments of one issue or pull request, the oldest first."""
    since = asked.moment("since")
    found = [
        comment
        for comment in _find(asked, repository).comments
        if since is None or shown_time(comment.updated_at) >= since
    ]
    return asked.page(found, _comment)


def all_comments(asked: Inquiry, repository: Repository) -> Result:
    """The comments of all issues and pull requests."""
    since = asked.moment("since")
    order = COMMENT_ORDERS[asked.choice("sort", "created", "updated")]
    found = [
        comment
        for issue in repository.issues.values()
        for comment in issue.comments
        if since is None or shown_time(comment.updated_at) >= since
    ]
    found.sort(key=order, reverse=asked.choice("direction", "asc", "desc") == "desc")
    return asked.page(found, _comment)


def single_comment(asked: Inquiry, repository: Repository) -> Result:
    """One comment."""
    wanted = asked.path["comment_id"]
    every = (comment for issue in repository.issues.values() for comment in issue.comments)
    found = next((comment for comment in every if comment.id == wanted), None)
    if found is None:
        raise not_found()
    return Result(found.as_json())


def shown_time(moment: datetime) -> datetime:
    """A time as it is shown, and compared with what is asked for: without the part of a second."""
    return moment.replace(microsecond=0)


def _comment(comment: Comment) -> Json:
    return comment.as_json()


def _find(asked: Inquiry, repository: Repository) -> Issue:
    number = asked.path["number"]
    issue = repository.issues.get(number)
    if issue is not None:
        return issue
    if number not in repository.departed:
        raise not_found()
    moved = repository.departed[number]
    if moved is None:
        raise Refused(410, "This issue was deleted")
    home = moved.repository
    if home.id not in asked.world.repositories or not asked.viewer.sees(home):
        raise not_found()
    raise Moved(f"/repositories/{home.id}/issues/{moved.number}{_rest(asked.address, number)}")


def _rest(address: str, number: int) -> str:
    """What follows the number in a path."""
    return address.partition(f"/issues/{number}")[2]
