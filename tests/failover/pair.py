"""A primary and its synchronous standby."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ghsync import migrate
from tests import debian, postgres
from tests.debian import Node

DATABASE = "ghsync"


@dataclass
class Pair:
    """A primary and its synchronous standby; ``url`` names both."""

    primary: Node
    standby: Node

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in (self.primary, self.standby))
        return f"postgresql://postgres@{hosts}/{DATABASE}?target_session_attrs=read-write"


@contextmanager
def running(folder: Path) -> Iterator[Pair]:
    with debian.node(folder, "primary") as primary, debian.node(folder, "standby") as standby:
        primary.create()
        primary.start()
        postgres.execute(primary.url(), f"CREATE DATABASE {DATABASE}")
        migrate.upgrade(primary.url(DATABASE))
        standby.follow(primary)
        standby.start()
        postgres.execute(
            primary.url(), "ALTER SYSTEM SET synchronous_standby_names = 'standby'", "SELECT pg_reload_conf()"
        )
        yield Pair(primary, standby)
