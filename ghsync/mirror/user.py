"""Small payload pieces that several nouns embed: people and teams, the same whichever door they came through.

REST and hooks name the ghost where GraphQL and some payloads have null. And some bots have a name of their own in each
place, but one id.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

# GitHub writes most times as ISO strings; `push` payloads and old installations have epoch seconds, which are here
# those that datetime can hold.
Time = datetime | Annotated[int, Meta(ge=0, le=253_402_300_799)] | None

# What columns hold is refused by the decoder, and not by PostgreSQL, which would refuse all that is written with it.
Integer = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Id = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""GitHub's, of 64 bits: rows have it as a text, alone and as a part of names, for which there is no other limit."""
Name = Annotated[str, Meta(max_length=100)]
"""Of an account or a repository: GitHub's have 39 and 100 characters at most, and ours are made of several."""
Word = Annotated[str, Meta(max_length=50)]
Key = Annotated[str, Meta(max_length=255)]


class User(Struct, frozen=True):
    """An account as embedded in payloads; ``login`` is what people see, ``id`` is what stays."""

    id: Id
    login: Name
    type: str = "User"


GHOST = User(10_137, "ghost")
"""Who stands for all that have deleted their accounts: https://github.com/ghost"""


Author = User | UnsetType | None
"""Who did something: null for one who has deleted the account, and unset where it is not told."""


class Team(Struct, frozen=True):
    """A team asked for review."""

    id: Id
    slug: str = ""


NAMES = {175_728_472: "copilot-pull-request-reviewer[bot]", 198_982_749: "Copilot"}
"""GitHub's own bots that are called otherwise in other places, as `copilot-swe-agent` is in GraphQL, by id."""


def login(user: User | None) -> str | None:
    """The login, or None where there is nobody."""
    return NAMES.get(user.id, user.login) if user else None


def author(user: Author) -> str | None:
    """The login of who did something that is there: of one who has deleted the account, the ghost's."""
    return None if user is UNSET else login(user or GHOST)


def identity(user: Author) -> str | None:
    """GitHub's id of an account; None for a deleted one, whom nobody can tell from another, or where it is not told."""
    return str(user.id) if user and user.id and user.id != GHOST.id else None


def people(users: Sequence[User | None] | None) -> list[dict[str, Any]]:
    """``[{id, login}]`` in GitHub's order, without those who have deleted their accounts."""
    return [{"id": user.id, "login": login(user)} for user in users or () if user and user.id != GHOST.id]


def teams(asked: list[Team] | None) -> list[dict[str, Any]]:
    """``[{id, slug}]`` in GitHub's order."""
    return [{"id": team.id, "slug": team.slug} for team in asked or ()]


def time(value: Time) -> datetime | None:
    """GitHub's time as an aware datetime; the first year, of which programs make "never", is no time."""
    if isinstance(value, int):
        return datetime.fromtimestamp(value, UTC)
    if value is None or (value.tzinfo is UTC and value.year > 1):
        return value
    return _in_utc(value)


def _in_utc(value: datetime) -> datetime | None:
    """A time that says another zone or none."""
    try:
        moved = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:
        return None
    return moved if moved.year > 1 else None
