"""What GraphQL leaves out of a page: REST's list, in the same order, tells its number."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ghsync.errors import GhsyncError, UnreadableAnswer
from ghsync.github.client import PAGE
from ghsync.github.graphql import answers
from ghsync.reconciler import page, unread
from ghsync.reconciler.catalog import KnownRepository
from ghsync.reconciler.conversations import Conversation
from ghsync.reconciler.page import Until
from ghsync.reconciler.progress import Position, What
from ghsync.reconciler.session import Session

PAGES_FOR_A_NUMBER = 3


class _Number(msgspec.Struct, frozen=True):
    number: int
    pull_request: object = None


@dataclass(frozen=True, slots=True)
class Holes:
    """Those of one page; ``position`` is where the listing was before it."""

    session: Session
    known: KnownRepository
    what: What
    position: Position
    until: Until | None

    async def fill(self, shown: answers.ConnectionPage, numbers: answers.Numbers) -> list[Conversation | int | None]:
        """What is in each: a conversation, its number where it cannot be read, or None where nobody can name it."""
        return [await self._fill(shown, place, numbers) for place, one in enumerate(shown.nodes) if one is None]

    async def _fill(
        self, shown: answers.ConnectionPage, place: int, numbers: answers.Numbers
    ) -> Conversation | int | None:
        pull = self.what == "pull_requests"
        number = numbers.get(("pullRequests" if pull else "issues", place)) or await self._number(shown.nodes, place)
        if number is not None:
            return await page.one(self.session, self.known, number, pull=pull)
        there, kind = self.known.place, "A pull request" if pull else "An issue"
        error = UnreadableAnswer("GitHub does not even tell its number; it is asked for again later.")
        self.session.unread.note_or_raise(unread.parts(there.id), f"{kind} of {there.full_name}", error)
        return None

    async def _number(self, nodes: Sequence[answers.Item | None], place: int) -> int | None:
        pull = self.what == "pull_requests"
        before = next((one.number for one in reversed(nodes[:place]) if one), self.position.last)
        shown = {one.number for one in nodes if one}
        index, passed = self.position.shown + place, before is None
        path = self.known.place.path("pulls" if pull else "issues")
        first, looked_at = index // PAGE + 1, 0
        try:
            asked = page.listed(self.position, self.until)
            async for listed in self.session.listing(path, _Number, page=first, **asked):
                for one in listed.items:
                    if pull or one.pull_request is None:
                        if passed and one.number not in shown:
                            return one.number
                        passed = passed or one.number == before
                looked_at += 1
                if looked_at == PAGES_FOR_A_NUMBER:
                    return None
        except GhsyncError as error:
            if not unread.is_of_one(error):
                raise
        return None
