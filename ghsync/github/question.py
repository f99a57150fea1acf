"""One of the documents, asked by one credential: without what its GitHub lacks and what it is not shown.

What a query is refused for is left out, remembered, and told once; then the same is asked again. An installation
asks with a new token before that: a permission may have been granted since the last one was made.
"""

from collections.abc import Iterable, Mapping
from types import ModuleType

import structlog

from ghsync import jobs
from ghsync.database import transaction
from ghsync.errors import GhsyncError, GraphQLDenied, GraphQLUnavailable, GraphQLUnknown, PermissionMissing, TooHeavy
from ghsync.github import documents, introspection, omissions, parts
from ghsync.github.client import GitHub, GraphQLAnswer, Meter
from ghsync.github.credentials import Credential
from ghsync.github.partial import Problem
from ghsync.github.tokens import ANY_REQUEST, Token
from ghsync.jobs import Job

log = structlog.get_logger()

REFUSALS = 6
"""A query that is refused more often is given up: each time something else was left out."""


async def ask(
    github: GitHub, credential: Credential, name: str, variables: Mapping[str, object], *, priority: str, meter: Meter
) -> GraphQLAnswer:
    """The answer to one of the documents in ``ghsync/github/queries``.

    Raises `GraphQLDenied` where something is kept back that cannot be left out, and what `GitHub.graphql` does.
    """
    refused: GhsyncError | None = None
    renewed_for: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    for _ in range(REFUSALS):
        token = await github.token(credential)
        kept_back = frozenset(part for part in github.denied(credential) & parts.PARTS.keys() if not _has(token, part))
        left_out = await _left_out(github, credential, name) | denied | kept_back
        text, given = _without(name, variables, left_out)
        try:
            answer = await github.graphql(credential, text, given, priority=priority, meter=meter)
        except GraphQLUnknown as error:
            refused = error
            if not await _learn_schema(github, credential, name, text, left_out, error, priority, meter):
                raise
        except (GraphQLDenied, PermissionMissing) as error:
            refused = error
            fresh = _denied(error, text, left_out)
            about = frozenset(fresh or {ANY_REQUEST})
            if not renewed_for and await github.renew(credential, token, about):
                renewed_for = about
                continue
            github.note(credential, denied=about)
            lacking = {part: why for part, why in fresh.items() if not _has(token, part)}
            if not lacking:  # what it should be shown may have been taken away meanwhile, or be there again
                raise
            denied |= lacking.keys()
            await _learn_denied(github, credential, lacking, token)
        else:
            github.note(credential, shown=renewed_for - denied)
            return answer
    raise refused or GraphQLUnavailable("GraphQL was not asked.")


def _without(name: str, variables: Mapping[str, object], left_out: frozenset[str]) -> tuple[str, dict[str, object]]:
    """A document without some of its parts, and the variables that it takes then."""
    if not left_out:
        return documents.document(name), dict(variables)
    text = _syntax().without(name, left_out)
    taken = _syntax().asked(text)
    return text, {each: value for each, value in variables.items() if each in taken}


def _syntax() -> ModuleType:
    """Only where something is left out: most servers show all, and a process that never takes a document apart needs
    no parser.
    """
    from ghsync.github import syntax

    return syntax


async def look(github: GitHub, credential: Credential, *, priority: str, meter: Meter) -> dict[str, str]:
    """Ask what this GitHub's schema lacks, and remember it; answers each part with the reason."""
    answer = await github.graphql(credential, introspection.QUERY, {}, priority=priority, meter=meter)
    lacking = introspection.lacking(answer.data)
    await omissions.learn(github.engine, github.api_url, lacking, complete=True)
    return lacking


async def _left_out(github: GitHub, credential: Credential, name: str) -> frozenset[str]:
    known = await omissions.of(github.engine, github.api_url, credential)
    for one in known:
        if one.part == name:
            raise GraphQLUnavailable(f"GraphQL cannot be asked for this ({one.reason}); REST is asked instead.")
    return frozenset(one.part for one in known).intersection(parts.PARTS)


async def _learn_schema(
    github: GitHub,
    credential: Credential,
    name: str,
    text: str,
    left_out: frozenset[str],
    error: GraphQLUnknown,
    priority: str,
    meter: Meter,
) -> bool:
    """Find out what the schema lacks; whether that is something more than was known."""
    lacking: Mapping[str, str] = {}
    try:
        lacking = await look(github, credential, priority=priority, meter=meter)
    except (GraphQLUnavailable, TooHeavy) as problem:  # then the errors have to do
        log.warning("schema_not_told", error=str(problem))
    told = _blamed(text, error.problems)
    if not (lacking.keys() | told.keys()) - left_out:
        told = {name: _reason(error.problems)}  # it cannot be asked at all
    await omissions.learn(github.engine, github.api_url, told)
    found = {**told, **lacking}
    _tell(github.api_url, {part: why for part, why in found.items() if part not in left_out})
    return bool((found.keys() & parts.PARTS.keys()) - left_out)


def _denied(error: GraphQLDenied | PermissionMissing, text: str, left_out: frozenset[str]) -> dict[str, str]:
    """The parts that may not be seen and can be left out, each with the reason."""
    told = _blamed(text, error.problems) if isinstance(error, GraphQLDenied) else {}
    return {part: why for part, why in told.items() if part not in left_out}


def _has(token: Token | None, part: str) -> bool:
    """Whether a token is known to have the permission for a part."""
    return token is not None and parts.PARTS[part].permission in (token.permissions or ())


async def _learn_denied(github: GitHub, credential: Credential, fresh: Mapping[str, str], token: Token | None) -> None:
    """Remember what the credential may not see; where it should see that, have its installation read again."""
    await omissions.learn(github.engine, credential.key, fresh, token.permissions if token else None)
    known = {one.part for one in await omissions.of(github.engine, github.api_url, credential)}
    if credential.installation is not None and not fresh.keys() <= known:
        job = Job("refetch_installation", str(credential.installation), None, "it may see less than it did")
        async with transaction(github.engine) as conn:
            await jobs.schedule(conn, [job])
    _tell(credential.key, fresh)


def _blamed(text: str, problems: Iterable[Problem]) -> dict[str, str]:
    """The parts that a query was refused for, each with the reason."""
    return {part: one.reason for one in problems for part in _parts_of(text, one)}


def _parts_of(text: str, problem: Problem) -> set[str]:
    """By where in the answer or in the query it is, or else by the scope or the field that GitHub names."""
    places = _syntax().places_of(text, problem.path) if problem.denied and problem.path else []
    if not places:
        places = [place for at in problem.locations if (place := _syntax().place_at(text, at.line, at.column))]
    if places:
        return {part for place in places if (part := parts.nearest(place))}
    told = problem.extensions
    return {
        name
        for name, part in parts.PARTS.items()
        if part.scope in problem.scopes
        or any((kind, field) == (told.type_name, told.field_name) for kind, field, _ in introspection.coordinates(name))
    }


def _reason(problems: Iterable[Problem]) -> str:
    return next((one.reason for one in problems if one.unknown), "its schema lacks a part of it")


def _tell(asker: str, found: Mapping[str, str]) -> None:
    for part, why in sorted(found.items()):
        log.warning("graphql_part_left_out", asker=asker, part=part, reason=why)
