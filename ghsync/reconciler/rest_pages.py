"""Issues and pull requests of a repository through REST: a request a page, and more for each, whose lists lack much."""

from collections.abc import AsyncIterator, Iterable

from msgspec import structs

from ghsync.mirror import issue, pull_request
from ghsync.reconciler import conversations, heads, page, unread
from ghsync.reconciler.catalog import KnownRepository
from ghsync.reconciler.conversations import Conversation
from ghsync.reconciler.page import Page, Until
from ghsync.reconciler.progress import Progress, What
from ghsync.reconciler.session import ListingPage, Session, UnreadableItem

Item = Conversation | int | None


async def pages(
    session: Session,
    known: KnownRepository,
    progress: Progress,
    kinds: Iterable[What],
    until: Until | None = None,
    *,
    pause: bool = False,
) -> AsyncIterator[Page]:
    """What has not ended of these kinds, each from its start; or what changed, as far back as ``until``.

    With a ``pause`` what is closed is not asked for.
    """
    progress = page.begun(known, progress, kinds)
    pulls_ended = progress.pull_requests.ended or progress.pull_requests.state == "closed"
    while left := page.left(progress, kinds, pause=pause):
        what = left[0]
        async for read in _of_kind(session, known, progress, what, until):
            yield read
            progress = read.progress
            if progress.position(what).ended:
                break
        else:
            is_all_open = what == "pull_requests" and progress.position(what).state != "closed" and until is None
            progress = progress.at(what, progress.position(what).over())
            if is_all_open:  # their heads came with them
                progress = progress.at("heads", structs.replace(progress.heads, ended=True))
            yield Page({}, progress)
    if pulls_ended and not progress.heads.ended:
        async for opened in session.listing(known.place.path("pulls"), pull_request.Payload, state="open"):
            for wrong in opened.wrong:
                page.note_head(session, known, wrong.number, wrong.error)
            yield Page({}, progress, heads.listed(opened.items, opened.observed_at))


async def _of_kind(
    session: Session, known: KnownRepository, progress: Progress, what: What, until: Until | None
) -> AsyncIterator[Page]:
    """The pages of one kind."""
    pull = what == "pull_requests"
    path = known.place.path("pulls" if pull else "issues")
    async for listed in session.listing(path, issue.Payload, **page.listed(progress.position(what), until)):
        items = [*await _items(session, known, listed, pull=pull)]
        items += [await _wrong(session, known, each, pull=pull) for each in listed.wrong]
        found = [each for each in items if isinstance(each, Conversation)]
        before = progress.position(what)
        position = structs.replace(
            before.reaching(max(page.changes(found), default=None)),
            ended=page.reaches(found, until, what),
            partial=before.partial or any(each.number is None for each in listed.wrong),
        )
        progress = progress.at(what, position)
        pulls = [each.payload for each in found if isinstance(each.payload, pull_request.Payload)]
        numbers = [each for each in items if isinstance(each, int)]
        yield Page({what: found}, progress, heads.listed(pulls, listed.observed_at), numbers)


async def _items(
    session: Session, known: KnownRepository, listed: ListingPage[issue.Payload], *, pull: bool
) -> list[Item]:
    """What a page shows that can be read: lists of issues have pull requests too."""
    if pull:
        return [await page.one(session, known, each.number, pull=True) for each in listed.items]
    issues = [each for each in listed.items if each.pull_request is None]
    return [await conversations.with_comments(session, known, each, listed.observed_at) for each in issues]


async def _wrong(session: Session, known: KnownRepository, item: UnreadableItem, *, pull: bool) -> Item:
    """One that its list shows so that it cannot be read: by itself it may be, and may be none of its kind."""
    if item.number is not None:
        found = await page.one(session, known, item.number, pull=pull)
        told = found.payload if isinstance(found, Conversation) else None
        return None if isinstance(told, issue.Payload) and told.pull_request is not None else found
    place, kind = known.place, "A pull request" if pull else "An issue"
    session.unread.note_or_raise(unread.parts(place.id), f"{kind} of {place.full_name}", item.error)
    return None
