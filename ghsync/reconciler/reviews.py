"""What was said of one pull request: its reviews, and the threads on its lines.

GraphQL shows the first of each with the pull request; what goes on is asked for by itself. REST knows no threads, and
does not say when a review was changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ghsync.errors import GraphQLUnavailable
from ghsync.github.client import MOST_PAGES, PAGE
from ghsync.github.decoding import decoded
from ghsync.github.graphql import answers
from ghsync.github.graphql.answered import user
from ghsync.github.graphql.conversations import IssueNode
from ghsync.github.graphql.pull_requests import PullRequestNode, Requests
from ghsync.github.graphql.reviews import ReviewThread, Threads
from ghsync.mirror import comment, pull_request, review, review_thread
from ghsync.mirror.comment import ReviewComment
from ghsync.mirror.noun import Origin
from ghsync.projector.batch import Batch
from ghsync.reconciler import parts, unread
from ghsync.reconciler.catalog import KnownRepository
from ghsync.reconciler.session import Session


@dataclass(frozen=True, slots=True)
class Discussion:
    """Reviews, threads and comments of one pull request; ``complete`` says that there are no others.

    Through REST there are no threads: then ``threads`` is None.
    """

    reviews: list[review.Payload] = field(default_factory=list)
    comments: list[ReviewComment] = field(default_factory=list)
    threads: list[ReviewThread] | None = None
    complete: bool = False


async def whole(session: Session, node: PullRequestNode) -> PullRequestNode:
    """The same pull request with all of its threads."""
    threads = node.review_threads
    known = {each.id for each in threads.nodes}
    while threads.page_info.has_next_page:
        answer = await session.graphql("threads", pullRequest=node.id, after=threads.page_info.end_cursor)
        found = answers.threads(answer.data).node
        if found is None:
            raise GraphQLUnavailable(f"GraphQL does not show the threads of #{node.number}; REST is asked instead.")
        more = found.review_threads
        stands = known.issuperset(each.id for each in more.nodes) or len(known) > MOST_PAGES
        if more.page_info.has_next_page and stands:
            raise GraphQLUnavailable(f"GraphQL's pages of the threads of #{node.number} do not move on.")
        known.update(each.id for each in more.nodes)
        threads = Threads((*threads.nodes, *more.nodes), more.page_info)
    return msgspec.structs.replace(node, review_threads=threads)


async def with_reviewers(
    session: Session,
    known: KnownRepository,
    nodes: Sequence[IssueNode | PullRequestNode],
    before: int,
    listed: Mapping[str, Any],
) -> list[IssueNode | PullRequestNode]:
    """The same page with who is asked for review, where GraphQL does not show it, as REST has it in the list.

    REST is asked for what is ``listed`` in the same order, and ``before`` is how many the pages before it have shown.
    Whoever is not found there hides it still.
    """
    hiding = {node.number for node in nodes if isinstance(node, PullRequestNode) and node.hides_reviewers}
    if not hiding:
        return list(nodes)
    asked: dict[int, pull_request.Payload] = {}
    for page in range(before // PAGE + 1, (before + len(nodes) - 1) // PAGE + 2):
        answer = await session.get(known.place.path("pulls"), per_page=PAGE, page=page, **listed)
        asked |= {told.number: told for told in decoded(answer.body, _listing, "The list of pull requests")}
    return [
        msgspec.structs.replace(node, review_requests=Requests.of(asked[node.number]))
        if isinstance(node, PullRequestNode) and node.number in hiding & asked.keys()
        else node
        for node in nodes
    ]


async def with_reviewers_of_one(session: Session, known: KnownRepository, node: PullRequestNode) -> PullRequestNode:
    """The same pull request with who is asked for review, where GraphQL does not show it."""
    if not node.hides_reviewers:
        return node
    answer = await session.get(known.place.path("pulls", node.number))
    told = decoded(answer.body, _one, f"{known.place.full_name}#{node.number}")
    return msgspec.structs.replace(node, review_requests=Requests.of(told))


_one = msgspec.json.Decoder(pull_request.Payload)
_listing = msgspec.json.Decoder(list[pull_request.Payload])


async def shown(session: Session, known: KnownRepository, node: PullRequestNode) -> Discussion:
    """What GraphQL shows with a pull request that is `whole`."""
    reviews = [each.payload for each in node.reviews.nodes]
    if node.reviews.page_info.has_next_page:
        reviews, _ = await _reviews(session, known, node.number)
    threads = node.review_threads
    comments, whole = list(threads.comments()), True
    if threads.cut:
        comments, whole = await _comments(session, known, node.number)
    return Discussion(reviews, comments, [each for each in threads.nodes if each.submitted], complete=whole)


async def listed(session: Session, known: KnownRepository, told: pull_request.Payload) -> Discussion:
    """The same through REST: a request for the reviews, and one for the comments if there are any."""
    reviews, _ = await _reviews(session, known, told.number)
    comments, whole = await _comments(session, known, told.number) if told.review_comments else ([], True)
    if not whole:
        return Discussion(reviews, comments)
    return Discussion(reviews, comments, complete=len(comments) == (told.review_comments or 0))


def add(batch: Batch, repository_id: int, number: int, said: Discussion, origin: Origin) -> None:
    """Add the rows of what was said; a review that is pending is its author's alone."""
    for one in said.reviews:
        if not one.pending:
            batch.add(review.noun, repository_id, review.row(one, number, origin))
    for each in said.comments:
        batch.add(comment.noun, repository_id, comment.review_row(each, number, origin))
    for thread in said.threads or ():
        row = review_thread.row(
            thread.payload, number, origin, resolved=thread.is_resolved, by=user(thread.resolved_by)
        )
        batch.add(review_thread.noun, repository_id, row)


async def _reviews(session: Session, known: KnownRepository, number: int) -> tuple[list[review.Payload], bool]:
    place = known.place
    name, job = f"The reviews of {place.full_name}#{number}", unread.conversation(place.id, number, pull=True)
    return await parts.read(session, place, ("pulls", number, "reviews"), review.Payload, name, job)


async def _comments(session: Session, known: KnownRepository, number: int) -> tuple[list[ReviewComment], bool]:
    place = known.place
    name, job = f"The comments on lines of {place.full_name}#{number}", unread.conversation(place.id, number, pull=True)
    return await parts.read(session, place, ("pulls", number, "comments"), ReviewComment, name, job)
