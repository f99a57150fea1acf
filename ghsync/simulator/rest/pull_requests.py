"""Pull requests, their reviews and the comments on their lines.

https://docs.github.com/en/rest/pulls
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ghsync.simulator.refusals import not_found
from ghsync.simulator.rest.inquiry import Result
from ghsync.simulator.rest.issues import shown_time
from ghsync.simulator.review import submitted

if TYPE_CHECKING:
    from ghsync.simulator.payload import Json
    from ghsync.simulator.pull_request import PullRequest
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.rest.inquiry import Inquiry
    from ghsync.simulator.review_comment import ReviewComment

ORDERS: dict[str, Callable[[PullRequest], Any]] = {
    "created": lambda each: (each.issue.created_at, each.number),
    "updated": lambda each: (each.issue.updated_at, each.number),
    "popularity": lambda each: (len(each.issue.comments), each.number),
}

COMMENT_ORDERS: dict[str, Callable[[ReviewComment], Any]] = {
    "created": lambda comment: (comment.created_at, comment.id),
    "updated": lambda comment: (comment.updated_at, comment.id),
}


def listing(asked: Inquiry, repository: Repository) -> Result:
    """Pull requests. Those created last come first; in any other order, the first do unless it is asked otherwise."""
    state = asked.choice("state", "open", "closed", "all")
    order = asked.choice("sort", "created", "updated", "popularity")
    direction = asked.choice("direction", *("desc", "asc") if order == "created" else ("asc", "desc"))
    head, base = asked.query.get("head"), asked.query.get("base")
    found = [
        each
        for each in repository.pull_requests.values()
        if state in (each.issue.state, "all")
        and base in (None, each.base_branch)
        and head in (None, f"{each.head_repository.owner.login}:{each.head_branch}")
    ]
    found.sort(key=ORDERS[order], reverse=direction == "desc")
    now = asked.world.now()
    return asked.page(found, lambda each: each.as_short_json(now))


def single(asked: Inquiry, repository: Repository) -> Result:
    """One pull request, with what a list leaves out."""
    return Result(_find(asked, repository).as_json(asked.world.now()))


def reviews(asked: Inquiry, repository: Repository) -> Result:
    """The reviews that were submitted, the oldest first."""
    found = submitted(_find(asked, repository).reviews)
    return asked.page(found, lambda review: review.as_rest_json())


def requested_reviewers(asked: Inquiry, repository: Repository) -> Result:
    """Those who were asked for a review and have not given one."""
    found = _find(asked, repository)
    users = [account.as_json() for account in found.requested_users]
    return Result({"users": users, "teams": [team.as_json() for team in found.requested_teams]})


def comments(asked: Inquiry, repository: Repository) -> Result:
    """The comments on the lines of one pull request."""
    return _page(asked, _find(asked, repository).review_comments)


def all_comments(asked: Inquiry, repository: Repository) -> Result:
    """The comments on the lines of all pull requests."""
    return _page(asked, [each for found in repository.pull_requests.values() for each in found.review_comments])


def _page(asked: Inquiry, found: list[ReviewComment]) -> Result:
    since = asked.moment("since")
    wanted = [each for each in found if since is None or shown_time(each.updated_at) >= since]
    order = COMMENT_ORDERS[asked.choice("sort", "created", "updated")]
    # A direction without an order is ignored: https://docs.github.com/en/rest/pulls/comments
    backwards = "sort" in asked.query and asked.choice("direction", "asc", "desc") == "desc"
    wanted.sort(key=order, reverse=backwards)
    return asked.page(wanted, _comment)


def _comment(comment: ReviewComment) -> Json:
    return comment.as_json()


def _find(asked: Inquiry, repository: Repository) -> PullRequest:
    found = repository.pull_requests.get(asked.path["number"])
    if found is None:
        raise not_found()
    return found
