"""Answering a query: its cost first, then its data, and everything that GitHub refuses on the way.

https://docs.github.com/en/graphql/overview/rate-limits-and-node-limits-for-the-graphql-api
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    execute_sync,
    parse,
)

from ghsync.simulator.graphql import refusals, schema, validation
from ghsync.simulator.graphql.cost import Cost, Measure
from ghsync.simulator.graphql.limits import Budget, FullBudget, Limits
from ghsync.simulator.graphql.refusals import Refused
from ghsync.simulator.graphql.request import Request, Viewer

if TYPE_CHECKING:
    from ghsync.simulator.payload import Json
    from ghsync.simulator.world import World

DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Answer:
    """What goes back: the body, the HTTP status, the points it has cost, the seconds it has taken."""

    payload: Json
    cost: int
    seconds: float
    status: int = 200


def answer(
    world: World,
    viewer: Viewer,
    query: str,
    variables: Mapping[str, object],
    *,
    budget: Budget | None = None,
    limits: Limits = DEFAULT_LIMITS,
    lacks: frozenset[str] = frozenset(),
    scopes: Set[str] | None = None,
) -> Answer:
    """Answer a query as GitHub would. Nobody waits and nothing is spent here: the answer says what is due.

    ``lacks`` are fields and arguments that an older server does not have yet, as ``Issue.issueType`` and
    ``Issue.stateReason(enableDuplicate:)``; ``scopes`` those of a personal token, None for all.
    """
    try:
        document = _read(query, lacks)
    except Faulty as faulty:
        return _refused(limits, *faulty.errors)
    if scopes is not None and (denied := validation.denied(loaded(lacks), document, scopes)):
        return _refused(limits, *denied)
    asked = _request(world, viewer, document, variables, budget, limits)
    if asked.cost.points > asked.budget.remaining:
        message = "API rate limit already exceeded for this installation."
        return _refusal(limits, "RATE_LIMITED", message, cost=0)
    if asked.cost.nodes > limits.nodes:
        message = f"The query may give {asked.cost.nodes:,} nodes, which exceeds the limit of {limits.nodes:,}."
        return _refusal(limits, "MAX_NODE_LIMIT_EXCEEDED", message)
    result = execute_sync(loaded(lacks), document, context_value=asked, variable_values=dict(variables))
    return _answer(result, asked)


class Faulty(Exception):
    """A query that cannot be executed."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


@lru_cache(maxsize=64)
def _read(query: str, lacks: frozenset[str]) -> DocumentNode:
    """A query's document. Clients ask the same few queries again and again, with other variables."""
    try:
        document = parse(query)
    except GraphQLError as error:
        raise Faulty([error]) from error
    errors = validation.errors(loaded(lacks), document)
    if errors:
        raise Faulty(errors)
    return document


@cache
def loaded(lacks: frozenset[str] = frozenset()) -> GraphQLSchema:
    """The schema, which is read once, of today or of a server that lacks some of it."""
    return schema.without(schema.load(), lacks)


def _request(
    world: World,
    viewer: Viewer,
    document: DocumentNode,
    variables: Mapping[str, object],
    budget: Budget | None,
    limits: Limits,
) -> Request:
    full = FullBudget(resets_at=world.now() + timedelta(hours=1))
    return Request(
        world=world,
        viewer=viewer,
        limits=limits,
        budget=budget or full,
        cost=measure(document, variables),
        seconds=limits.base_seconds,
    )


def measure(document: DocumentNode, variables: Mapping[str, object]) -> Cost:
    """The cost of a document's first operation."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    operation = next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    return Measure(loaded(), fragments, variables).measure(operation)


def _answer(result: ExecutionResult, asked: Request) -> Answer:
    points, seconds = asked.cost.points, asked.seconds
    if seconds > asked.limits.timeout_seconds:
        return Answer(_timed_out(), points, asked.limits.timeout_seconds, status=502)
    payload: dict[str, Any] = {"data": result.data}
    if result.errors:
        payload["errors"] = [refusals.as_json(error) for error in result.errors]
    return Answer(payload, points, seconds)


def _timed_out() -> Json:
    message = "Something went wrong while executing your query. It took too long."
    return {"data": None, "errors": [{"message": message}]}


def _refusal(limits: Limits, kind: str, message: str, *, cost: int = 1) -> Answer:
    return _refused(limits, GraphQLError(message, original_error=Refused(kind, message)), cost=cost)


def _refused(limits: Limits, *errors: GraphQLError, cost: int = 1) -> Answer:
    """Nothing was executed; such an answer has no data at all."""
    return Answer({"errors": [refusals.as_json(error) for error in errors]}, cost, limits.base_seconds)
