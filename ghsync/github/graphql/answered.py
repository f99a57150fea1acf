"""The pieces that GraphQL's answers are made of, and what it needs to be told to say the same as REST.

Names, capitals and shapes differ from REST's, and some things are missing. A label and a milestone have no numeric id,
so a `Catalog`, read before, knows them. A bot's login has no ``[bot]``. Somebody who has deleted the account is
null where REST names the ghost.
https://docs.github.com/en/graphql/reference/objects
"""

from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from ghsync.mirror import label, milestone
from ghsync.mirror.user import GHOST, User


@dataclass(frozen=True, slots=True)
class Catalog:
    """A repository's labels by node id, and its milestones by number."""

    labels: dict[str, label.Payload] = field(default_factory=dict)
    milestones: dict[int, milestone.Payload] = field(default_factory=dict)

    def label(self, node_id: str, name: str) -> label.Payload:
        """The label with this node id, or with this name where node ids have another form; `KeyError` without either.

        https://docs.github.com/en/graphql/guides/migrating-graphql-global-node-ids
        """
        found = self.labels.get(node_id)
        if found is None and name:
            found = next((each for each in self.labels.values() if each.name.lower() == name.lower()), None)
        if found is None:
            raise KeyError(node_id)
        return found


class UnknownLabel(LookupError):
    """A label or milestone that the catalog does not have: it was made since, so read the catalog anew."""


class AnswerPart(Struct, frozen=True, rename="camel"):
    """Part of an answer: snake case here, camel case on the wire."""


class PageInfo(AnswerPart, frozen=True):
    """Where a connection goes on."""

    has_next_page: bool = False
    end_cursor: str | None = None


class Count(AnswerPart, frozen=True):
    """A connection of which only the size was asked."""

    total_count: int = 0


class Person(AnswerPart, frozen=True):
    """An account, or a team asked for review, which has a slug instead of a login."""

    typename: str = msgspec.field(default="User", name="__typename")
    login: str = ""
    slug: str = ""
    database_id: int | None = None

    @property
    def user(self) -> User:
        """As REST shows it."""
        bot = self.typename == "Bot" and not self.login.endswith("[bot]")
        return User(self.database_id or 0, f"{self.login}[bot]" if bot else self.login, self.typename)


class Oid(AnswerPart, frozen=True):
    """A commit, by its hash."""

    oid: str


class Numbered(AnswerPart, frozen=True):
    """Something of which only the numeric id was asked, which may not be told."""

    full_database_id: int | None = None


def user(person: Person | None) -> User:
    """Who did something."""
    return person.user if person else GHOST


def lower(word: str | None) -> str | None:
    """A word in small letters, as REST writes those that GraphQL has in capitals."""
    return word.lower() if word else None
