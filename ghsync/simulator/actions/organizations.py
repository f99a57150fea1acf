"""Organizations: their name, their members, their teams."""

from ghsync.simulator.account import Account, Team
from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import API_URL, Json, iso_with_offset
from ghsync.simulator.world import World


def rename(world: World, account: Account, login: str, *, by: Account) -> None:
    """Give an account another login; the full names of all its repositories change with it."""
    changes = {"login": {"from": account.login}}
    for repository in world.repositories.values():
        if repository.owner is account:
            world.former_names[repository.full_name.lower()] = repository
    account.login = login
    if account.type == "Organization":
        world.send_about_organization("organization", "renamed", account, by, changes=changes)
    installation = world.installation_on(account)
    if installation is None:
        return
    target = account.as_json()
    if account.type == "Organization":
        target |= {**account.as_organization_json(), "description": None}
    payload = {
        "action": "renamed",
        "account": target,
        "changes": changes,
        "target_type": account.type,
        **({"organization": account.as_organization_json()} if account.type == "Organization" else {}),
        "sender": by.as_json(),
        "installation": installation.as_stub_json(),
    }
    world.send("installation_target", payload)


def invite_member(world: World, organization: Account, user: Account, *, by: Account) -> None:
    """Invite a user to the organization."""
    number = world.identities.next_id("invitation")
    invitation = {
        "id": number,
        "node_id": node_id("OI", organization.id, number),
        "login": user.login,
        "email": None,
        "role": "direct_member",
        "created_at": iso_with_offset(world.now()),
        "failed_at": None,
        "failed_reason": None,
        "inviter": by.as_json(),
        "team_count": 0,
        "invitation_teams_url": f"{API_URL}/organizations/{organization.id}/invitations/{number}/teams",
        "invitation_source": "member",
    }
    world.send_about_organization(
        "organization", "member_invited", organization, by, invitation=invitation, user=user.as_json()
    )


def add_member(world: World, organization: Account, user: Account, *, by: Account) -> None:
    """Let a user become a member."""
    world.members[organization][user] = "member"
    theirs = membership(organization, user, "member", "active")
    world.send_about_organization("organization", "member_added", organization, by, membership=theirs)


def remove_member(world: World, organization: Account, user: Account, *, by: Account) -> None:
    """Take a member out, and out of every team."""
    role = world.members[organization].pop(user)
    for team, members in world.team_members.items():
        if team.organization is organization and user in members:
            remove_team_member(world, team, user, by=by)
    theirs = membership(organization, user, role, "inactive")
    world.send_about_organization("organization", "member_removed", organization, by, membership=theirs)


def add_team_member(world: World, team: Team, user: Account, *, by: Account) -> None:
    """Put a member into a team."""
    world.team_members[team].append(user)
    _send_membership(world, "added", team, user, by)


def remove_team_member(world: World, team: Team, user: Account, *, by: Account) -> None:
    """Take a member out of a team."""
    world.team_members[team].remove(user)
    _send_membership(world, "removed", team, user, by)


def delete(world: World, organization: Account, *, by: Account) -> None:
    """Delete the organization."""
    role = world.members[organization][by]
    theirs = membership(organization, by, role, "active")
    world.send_about_organization("organization", "deleted", organization, by, membership=theirs)
    del world.accounts[organization.id], world.members[organization]


def _send_membership(world: World, action: str, team: Team, user: Account, by: Account) -> None:
    world.send_about_organization(
        "membership",
        action,
        team.organization,
        by,
        scope="team",
        member=user.as_json(),
        team=team.as_json(),
    )


def membership(organization: Account, user: Account, role: str, state: str) -> Json:
    """What somebody is in an organization."""
    url = f"{API_URL}/orgs/{organization.login}"
    return {
        "url": f"{url}/memberships/{user.login}",
        "state": state,
        "role": role,
        "organization_url": url,
        "user": user.as_json(),
        "direct_membership": True,
        "enterprise_teams_providing_indirect_membership": [],
    }
