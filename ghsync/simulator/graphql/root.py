"""Who asks, and what they have left."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from graphql import GraphQLResolveInfo

from ghsync.simulator.account import Account
from ghsync.simulator.graphql import request
from ghsync.simulator.graphql.fields import Fields, value


def resolve_viewer(_root: object, info: GraphQLResolveInfo) -> Account:
    """The App's bot, which GraphQL calls a user here."""
    app = request.of(info).world.app
    return Account(app.id, f"{app.slug}[bot]")


def resolve_rate_limit(_root: object, info: GraphQLResolveInfo, **_arguments: object) -> dict[str, Any]:
    """The budget as it is after this query."""
    asked = request.of(info)
    budget, points = asked.budget, asked.cost.points
    return {
        "cost": points,
        "limit": budget.limit,
        "nodeCount": asked.cost.nodes,
        "remaining": budget.remaining - points,
        "resetAt": budget.resets_at,
        "used": budget.used + points,
    }


RATE_LIMIT: Fields = {
    name: value(itemgetter(name)) for name in ("cost", "limit", "nodeCount", "remaining", "resetAt", "used")
}
