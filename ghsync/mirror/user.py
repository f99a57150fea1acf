"""Small payload pieces that several nouns embed: people and teams."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

# GitHub writes most times as ISO strings; `push` payloads and old installations have epoch seconds.
Time = datetime | int | None


class User(Struct, frozen=True):
    """An account as embedded in payloads; ``login`` is what people see, ``id`` is what stays."""

    id: int
    login: str
    type: str = "User"


class Team(Struct, frozen=True):
    """A team asked for review."""

    id: int
    slug: str = ""


def login(user: User | None) -> str | None:
    """The login, or None for a deleted account."""
    return user.login if user else None


def people(users: Sequence[User | None] | None) -> list[dict[str, Any]]:
    """``[{id, login}]`` in GitHub's order."""
    return [{"id": user.id, "login": user.login} for user in users or () if user]


def teams(asked: list[Team] | None) -> list[dict[str, Any]]:
    """``[{id, slug}]`` in GitHub's order."""
    return [{"id": team.id, "slug": team.slug} for team in asked or ()]


def time(value: Time) -> datetime | None:
    """GitHub's time as an aware datetime."""
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int) else value
