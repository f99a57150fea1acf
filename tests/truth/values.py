"""What all of the truth is told in."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ghsync.simulator.account import Account
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World

Row = dict[str, Any]
Key = tuple[Any, ...]
Rows = dict[Key, Row]
Tables = dict[str, Rows]

GHOST = "ghost"


def visible(world: World, repository: Repository) -> bool:
    """Whether the App may see a repository."""
    installation = world.installation_on(repository.owner)
    return not repository.deleted and installation is not None and installation.covers(repository)


def people(accounts: Iterable[Account]) -> list[Row]:
    """Those who are assigned, or asked."""
    return [{"id": account.id, "login": account.login} for account in accounts if not account.deleted]


def login(account: Account) -> str:
    """An account's name; who has deleted theirs is the ghost."""
    return GHOST if account.deleted else account.login


def second(moment: datetime | None) -> datetime | None:
    """A moment as GitHub tells it: without fractions."""
    return moment and moment.replace(microsecond=0)
