"""Users, bots, mannequins, organizations and teams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import GraphQLResolveInfo

from ghsync.simulator.graphql import lists, request
from ghsync.simulator.graphql.connections import Connection, Order, connect
from ghsync.simulator.graphql.fields import Fields, always, value
from ghsync.simulator.graphql.refusals import not_found

if TYPE_CHECKING:
    from ghsync.simulator.account import Account, Team
    from ghsync.simulator.repository import Repository

BY_ID = Order(lambda node: (node.id,))


@dataclass(frozen=True)
class Member:
    """A user as a member of an organization."""

    account: Account
    role: str


def actor(account: Account | None) -> Account | None:
    """Who did something: of a deleted account GraphQL says null, where REST names a ghost."""
    return None if account is None or account.deleted else account


def login(account: Account) -> str:
    """The login, which is a bot's without the suffix that REST gives it."""
    return account.login.removesuffix("[bot]")


def find_owner(info: GraphQLResolveInfo, name: str) -> Account | None:
    """The user or organization of a login; logins are found in small and capital letters alike."""
    accounts = request.of(info).world.accounts.values()
    return next((each for each in accounts if each.login.lower() == name.lower() and not each.deleted), None)


def resolve_organization(_root: object, info: GraphQLResolveInfo, *, login: str) -> Account:
    """The organization of a login."""
    account = find_owner(info, login)
    if account is None or account.type != "Organization":
        raise not_found(f"Could not resolve to an Organization with the login of '{login}'.")
    return account


def resolve_owner(_root: object, info: GraphQLResolveInfo, *, login: str) -> Account | None:
    """The user or organization of a login, or null."""
    return find_owner(info, login)


def _repositories(account: Account, info: GraphQLResolveInfo, **arguments: Any) -> Connection:
    asked = request.of(info)
    owned = [each for each in asked.world.repositories.values() if each.owner is account and asked.viewer.sees(each)]
    return lists.repositories(info, owned, **arguments)


def _repository(
    account: Account,
    info: GraphQLResolveInfo,
    *,
    name: str,
    followRenames: bool,
) -> Repository:
    return lists.find_repository(info, account.login, name, follow_renames=followRenames)


def _members(account: Account, info: GraphQLResolveInfo, **page: object) -> Connection:
    asked = request.of(info)
    asked.require("members")
    found = [Member(member, role) for member, role in asked.world.members.get(account, {}).items()]
    return connect(info, found, Order(lambda member: (member.account.id,)), **lists.bounds(page))


def _teams(account: Account, info: GraphQLResolveInfo, **page: object) -> Connection:
    asked = request.of(info)
    asked.require("members")
    teams = [team for team in asked.world.teams.values() if team.organization is account]
    return connect(info, teams, BY_ID, **lists.bounds(page))


def _team(account: Account, info: GraphQLResolveInfo, *, slug: str) -> Team | None:
    asked = request.of(info)
    asked.require("members")
    teams = (team for team in asked.world.teams.values() if team.organization is account)
    return next((team for team in teams if team.slug == slug), None)


ACTOR: Fields = {
    "avatarUrl": "avatar_url",
    "databaseId": "id",
    "id": "node_id",
    "login": value(login),
    "url": "html_url",
}

OWNER: Fields = {**ACTOR, "login": "login", "repositories": _repositories, "repository": _repository}

ORGANIZATION: Fields = {
    **OWNER,
    "description": "description",
    "membersWithRole": _members,
    "team": _team,
    "teams": _teams,
}

MEMBERS: Fields = {
    "edges": "edges",
    "nodes": value(lambda connection: [member.account for member in connection.page]),
    "pageInfo": value(lambda connection: connection),
    "totalCount": "total",
}

MEMBER_EDGE: Fields = {
    "cursor": "cursor",
    "node": "node.account",
    "role": value(lambda edge: edge.node.role.upper()),
}

TEAM: Fields = {
    "combinedSlug": value(lambda team: f"{team.organization.login}/{team.slug}"),
    "databaseId": "id",
    "description": "description",
    "id": "node_id",
    "name": "name",
    "organization": "organization",
    "privacy": always("VISIBLE"),
    "slug": "slug",
    "url": "html_url",
}
