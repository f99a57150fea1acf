"""Where deeds are done: the world, the chances, and ways to find someone or something to act with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, TypeVar

from ghsync.simulator import prose
from ghsync.simulator.actions import branches
from ghsync.simulator.commit import Change, Commit
from ghsync.simulator.issue import IssueType

if TYPE_CHECKING:
    from ghsync.simulator.account import Account
    from ghsync.simulator.issue import Issue
    from ghsync.simulator.pull_request import PullRequest
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.world import World

TRIES = 8

T = TypeVar("T")


class Impossible(Exception):
    """There is nothing at present that this could be done to."""


@dataclass
class Stage:
    """A world with the chances of a seed. Whatever is picked and is not there makes the deed impossible.

    What is `spared` is left alone, for whoever wants nobody else to change it.
    """

    world: World
    random: Random
    spared: list[Repository] = field(default_factory=list)
    types: dict[Account, IssueType] = field(default_factory=dict)

    def pick(self, things: Iterable[T]) -> T:
        """One of some things."""
        found: Sequence[T] = list(things)
        if not found:
            raise Impossible
        return self.random.choice(found)

    def one(self, numbered: Mapping[int, T], last: int, fits: Callable[[T], bool]) -> T:
        """Something by its number: by chance if what fits is common, else after a look at everything."""
        for _ in range(TRIES):
            found = numbered.get(self.random.randint(1, max(last, 1)))
            if found is not None and fits(found):
                return found
        return self.pick(each for each in numbered.values() if fits(each))

    def repository(self) -> Repository:
        """A repository of an organization in which things can be done; those picked first are the busiest."""
        return self.pick(self.repositories())

    def repositories(self) -> list[Repository]:
        """Every repository in which things can be done; forks are for their owners only."""
        return [
            each
            for each in self.world.repositories.values()
            if each.fork_of is None and not each.archived and each not in self.spared
        ]

    def issue(self, fits: Callable[[Issue], bool] = lambda _issue: True) -> Issue:
        """An issue that is no pull request."""
        repository = self.repository()
        last = repository.last_number
        return self.one(repository.issues, last, lambda each: each.pull_request is None and fits(each))

    def conversation(self, fits: Callable[[Issue], bool] = lambda _issue: True) -> Issue | PullRequest:
        """An issue or a pull request."""
        repository = self.repository()
        found = self.one(repository.issues, repository.last_number, fits)
        return found.pull_request or found

    def pull_request(self, fits: Callable[[PullRequest], bool] = lambda _pull_request: True) -> PullRequest:
        """A pull request."""
        repository = self.repository()
        return self.one(repository.pull_requests, repository.last_number, fits)

    def open_pull_request(self, fits: Callable[[PullRequest], bool] = lambda _pull_request: True) -> PullRequest:
        """A pull request that is open."""
        return self.pull_request(lambda each: each.issue.state == "open" and fits(each))

    def member(self, owner: Account, *others_than: Account) -> Account:
        """Someone who works for an organization."""
        return self.pick(each for each in self.world.members.get(owner, {}) if each not in others_than)

    def anyone(self) -> Account:
        """Someone who has an account."""
        return self.pick(each for each in self.world.accounts.values() if each.type == "User" and not each.deleted)

    def bot(self) -> Account:
        """A machine."""
        bots = [each for each in self.world.accounts.values() if each.type == "Bot"]
        return self.pick(bots) if bots else self.world.add_account("ci-relay[bot]", "Bot")

    def organizations(self) -> list[Account]:
        """Every organization that someone works for."""
        return [each for each in self.world.members if self.world.members[each]]

    def commit(self, by: Account) -> Commit:
        """A commit that is on no branch yet."""
        change = Change(prose.path(self.random), self.random.randint(1, 90), self.random.randint(0, 30))
        return branches.commit(self.world, by, prose.deed(self.random), change)

    def issue_type(self, organization: Account) -> IssueType:
        """The type of issue that an organization has."""
        if organization not in self.types:
            number = self.world.identities.next_id("issue_type")
            self.types[organization] = IssueType(
                number, organization, "Bug", "Something works wrongly", "red", self.world.now()
            )
        return self.types[organization]


Deed = Callable[[Stage], str]
"""Something that is done; it tells what. It raises Impossible if there is nothing that it could be done to."""

Kinds = Mapping[str, tuple[float, Deed]]
"""Deeds by name, with how often they are done compared with others."""


def name_of(conversation: Issue | PullRequest) -> str:
    """An issue or a pull request as people write it."""
    return f"{conversation.repository.full_name}#{conversation.number}"
