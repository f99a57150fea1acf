"""What is known about the query that is being answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ghsync.simulator.graphql.refusals import forbidden

if TYPE_CHECKING:
    from graphql import GraphQLResolveInfo

    from ghsync.simulator.graphql.cost import Cost
    from ghsync.simulator.graphql.limits import Budget, Limits
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.world import World


class Viewer(Protocol):
    """Whoever asks."""

    def sees(self, repository: Repository, /) -> bool:
        """Whether a repository is there for them."""

    def may(self, permission: str, /) -> bool:
        """Whether they have a permission, `issues` for one."""

    def may_push(self, repository: Repository, /) -> bool:
        """Whether they may push to a repository."""


@dataclass
class Request:
    """The context of an execution: the world, who asks, and the seconds it has taken so far."""

    world: World
    viewer: Viewer
    limits: Limits
    budget: Budget
    cost: Cost
    seconds: float

    def count(self, nodes: int) -> None:
        """Note that nodes were read."""
        self.seconds += nodes * self.limits.node_seconds

    def require(self, permission: str) -> None:
        """Refuse what the viewer has no permission for."""
        if not self.viewer.may(permission):
            raise forbidden()

    def visible(self, repository: Repository | None) -> Repository | None:
        """A repository, if the viewer sees it."""
        return repository if repository is not None and self.viewer.sees(repository) else None


def of(info: GraphQLResolveInfo) -> Request:
    """The request that a field is resolved for."""
    request: Any = info.context
    if not isinstance(request, Request):
        raise TypeError("a query is executed with a request")
    return request
