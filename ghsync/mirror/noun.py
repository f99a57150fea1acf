"""What a mirrored noun is: a table, its key, and groups of columns that are ordered together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal, Protocol

import sqlalchemy as sa

from ghsync.database import moment, one_of, reference

SOURCES = ("webhook", "backfill", "reconcile", "resync", "replay")
OBSERVED_BY = ("guid", "arrival", "api")

Row = dict[str, Any]

# What one request to the API can ask for; `sync_jobs` has a kind of the same name for each. ``heads`` are the pull
# requests whose head commit the row speaks of.
Refetch = Literal["installation", "repository", "issue", "pull_request", "comment", "heads"]

# How old a report is that does not say when the thing changed: older than any other, or as new as the question was.
Undated = Literal["oldest", "as_asked"]

CLOCKS_DIFFER_BY = timedelta(minutes=10)
"""How far GitHub's clock, which sets updated_at, and the one that timed the observation may be apart.

A time of change that is later than its observation by more cannot be: it orders nothing.
"""

TOLD_WITHIN = timedelta(minutes=1)
"""For how long after a change GitHub may tell of it.

Of two reports of one change that were made further apart the later may be an echo of what was so before: a GUID is not
signed, so that whoever has seen a signed body can send it again under another one.
"""

# What a row concerns besides itself: the pull request that it names, or those that have its commit at their heads.
About = Literal["commit", "pull request"]

# Written by the mirror itself, so no news to a reader of the change feed.
BOOKKEEPING = frozenset({"id", "observed_at", "observed_by", "synced_at", "sync_source", "verified_at"})


def its_repository() -> sa.Column[Any]:
    """The repository that a row lives in: the table's key begins with it, and is its index."""
    return reference(
        "repository_id", "github_repositories.id", "Its repository", nullable=False, ondelete="CASCADE", index=False
    )


def mirror_columns() -> tuple[Any, ...]:
    """The columns and CHECKs that every mirrored table carries."""
    return (
        moment("updated_at", "When GitHub last changed it, by GitHub's clock; null while unknown"),
        moment("observed_at", "When GitHub held this state; breaks ties of updated_at", nullable=False),
        sa.Column("observed_by", sa.String(10), nullable=False, comment="What observed_at was read from"),
        moment("synced_at", "When this row was last written", default=True),
        sa.Column("sync_source", sa.String(20), nullable=False, comment="The door the last write came through"),
        moment("verified_at", "When GitHub's API last confirmed this row"),
        moment("deleted_at", "When it was gone from GitHub; null while it is there"),
        one_of("sync_source", SOURCES),
        one_of("observed_by", OBSERVED_BY),
    )


def version_columns(group: str) -> tuple[Any, ...]:
    """The version of a column group other than the core."""
    return (
        moment(f"{group}_updated_at", f"updated_at of the payload that last reported the {group} columns"),
        moment(f"{group}_observed_at", f"observed_at of the payload that last reported the {group} columns"),
    )


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a payload came from and when GitHub held it (ARCHITECTURE: Order)."""

    observed_at: datetime
    observed_by: str
    source: str

    def columns(self) -> Row:
        """The bookkeeping that a row of this origin carries."""
        return {
            "observed_at": self.observed_at,
            "observed_by": self.observed_by,
            "sync_source": self.source,
            "verified_at": self.observed_at if self.observed_by == "api" else None,
        }


@dataclass(frozen=True, slots=True)
class Listing:
    """Where the API lists all that a repository has: REST below ``path``, and each by itself there, ``by`` a column.

    Whoever may not read it lacks the ``permission``. Where all ``kinds`` that it is for are switched off, the address
    does not answer. Rows whose column ``hidden`` is true need not be listed although they are there.

    Where there is a ``query``, that document of ``ghsync/github/queries`` asks GraphQL for the same under REST's names;
    an answer in which the field ``whole`` is null is not all of a thing.
    """

    path: str
    by: str
    params: Mapping[str, object] = field(default_factory=dict)
    permission: str | None = None
    kinds: tuple[str, ...] = ()
    hidden: str | None = None
    query: str | None = None
    whole: str | None = None


@dataclass(frozen=True)
class Group:
    """Columns that one payload reports together; an older report never overwrites a newer one.

    Reports that are not ``dated`` are ordered by their observation alone.
    """

    name: str
    columns: tuple[str, ...]
    undated: Undated = "oldest"
    dated: bool = True

    @cached_property
    def updated_at(self) -> str:
        """The first half of the group's version."""
        return "updated_at" if self.name == "core" else f"{self.name}_updated_at"

    @cached_property
    def observed_at(self) -> str:
        """The second half of the group's version."""
        return "observed_at" if self.name == "core" else f"{self.name}_observed_at"


@dataclass(frozen=True, eq=False)
class Noun:
    """One mirrored table: ``key`` identifies a row, the core and each of ``groups`` are ordered by themselves.

    ``refetch`` says what is asked of the API where two payloads tie and differ: the row itself, the ``repository`` or
    the pull request that it belongs to with all of these rows, or nothing. ``undated`` is how a report without
    updated_at is ordered; of a noun that is not ``dated`` GitHub tells no time of change.

    ``sticky`` columns never become null again, but for ``posthumous`` ones, which only a tombstone has. ``final``
    booleans go from true to false only where the API, asked later, says so; ``settled`` says which column such a
    boolean settles: ``{"state": ("merged", "closed")}``, and ``bound`` columns are empty while it is false:
    ``{"merged_at": "merged"}``. ``initial`` columns are set once, by the first write; then they belong to others. Of
    ``latest`` times the latest counts, and a tombstone is lifted by what comes after it of the times ``alive``.
    ``generated`` ones follow from others, ``unmirrored`` ones are written by others alone. ``silent`` columns are
    bookkeeping, and no news. ``belongs_to`` is the column with the number of the issue or pull request that a row is,
    or is a part of. Every other column of the table is the core's.

    ``word`` is what people call it. What is ``about`` a pull request or a commit concerns that pull request, or those
    that have the commit at their heads; from what is ``tracked`` `pr_tracking` is derived, row by row. Issues and pull
    requests show the columns that are ``shown``, so these rows are written before them; `overlay` says how. The rows
    that have a ``listing`` are all read from it.
    """

    table: sa.Table
    word: str
    key: tuple[str, ...]
    refetch: Refetch | None
    groups: tuple[Group, ...] = ()
    sticky: tuple[str, ...] = ()
    posthumous: tuple[str, ...] = ()
    final: tuple[str, ...] = ()
    settled: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    bound: Mapping[str, str] = field(default_factory=dict)
    generated: tuple[str, ...] = ()
    initial: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    alive: tuple[str, ...] = ("verified_at",)
    unmirrored: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    belongs_to: str | None = None
    about: About | None = None
    shown: tuple[str, ...] = ()
    listing: Listing | None = None
    tracked: bool = False
    undated: Undated = "oldest"
    dated: bool = True

    def __post_init__(self) -> None:
        """Refuse a name that is no column: it would leave its column to the core."""
        named = {*self._beside_the_core, *self.alive, *self.silent, *self.shown}
        if unknown := named - {column.name for column in self.table.columns}:
            raise ValueError(f"{self.name} has no columns {sorted(unknown)}.")

    def __str__(self) -> str:
        return self.name

    @cached_property
    def name(self) -> str:
        """The table's name, which is also the entity's in the change feed."""
        return str(self.table.name)

    @cached_property
    def core(self) -> tuple[str, ...]:
        """The columns that nothing else speaks of: what every report of the thing tells."""
        elsewhere = {*self._beside_the_core, *BOOKKEEPING, "updated_at", "deleted_at"}
        return tuple(column.name for column in self.table.columns if column.name not in elsewhere)

    @cached_property
    def _beside_the_core(self) -> frozenset[str]:
        named = {*self.key, *self.sticky, *self.posthumous, *self.final, *self.generated}
        named.update(self.initial, self.latest, self.unmirrored)
        for group in self.groups:
            named.update(group.columns, (group.updated_at, group.observed_at))
        return frozenset(named)

    @cached_property
    def core_group(self) -> Group:
        """The core, as a group."""
        return Group("core", (*self.core, "observed_by", "sync_source"), self.undated, self.dated)

    @cached_property
    def all_groups(self) -> tuple[Group, ...]:
        """The core and the other groups."""
        return (self.core_group, *self.groups)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every column that a row of this noun may carry, keys first."""
        grouped = [name for group in self.all_groups for name in (*group.columns, group.updated_at, group.observed_at)]
        return (
            *self.key,
            *grouped,
            *self.initial,
            *self.sticky,
            *self.final,
            *self.latest,
            "verified_at",
            "deleted_at",
        )

    @cached_property
    def reported(self) -> tuple[str, ...]:
        """The columns whose changes go into the feed."""
        versions = {name for group in self.groups for name in (group.updated_at, group.observed_at)}
        silent = BOOKKEEPING | versions | {"repository_id", *self.initial, *self.latest, *self.silent}
        return tuple(name for name in (*self.columns, *self.generated) if name not in silent)

    @property
    def in_repository(self) -> bool:
        """Whether its rows belong to a repository, which then begins their key."""
        return self.key[0] == "repository_id"

    def identity(self, row: Row) -> tuple[Any, ...]:
        """The key's values in a row."""
        return tuple(row[name] for name in self.key)


class Thing(Protocol):
    """The module of a noun whose rows are objects of a repository that GitHub shows by themselves."""

    noun: Noun

    @property
    def Payload(self) -> type[Any]:  # noqa: N802 (modules have a class of this name)
        """What is read of such an object."""

    def row(self, payload: Any, origin: Origin, *, deleted: bool = False) -> Row:
        """The row of such an object."""
