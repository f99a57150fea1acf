"""Members of organizations, and the person who asks.

https://docs.github.com/en/rest/orgs/members
https://docs.github.com/en/rest/users/users
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghsync.simulator.actions import organizations
from ghsync.simulator.payload import iso
from ghsync.simulator.refusals import not_found
from ghsync.simulator.rest.inquiry import Result
from ghsync.simulator.rest.repositories import user_who_asks

if TYPE_CHECKING:
    from ghsync.simulator.account import Account
    from ghsync.simulator.rest.inquiry import Inquiry

UNTOLD = ("name", "company", "location", "hireable", "bio", "twitter_username", "notification_email")


def members(asked: Inquiry) -> Result:
    """The members of an organization; who is no member sees only those who show it, which here is nobody."""
    found = _organization(asked)
    role = asked.choice("role", "all", "admin", "member")
    known = asked.world.members[found] if asked.viewer.belongs_to(found) else {}
    shown = [account for account, theirs in known.items() if role in (theirs, "all")]
    return asked.page(shown, lambda account: account.as_json())


def membership(asked: Inquiry) -> Result:
    """What somebody is in an organization, for who sees that; 404 for who is nothing there."""
    found = _organization(asked)
    known = asked.world.members[found] if asked.viewer.belongs_to(found) else {}
    for account, role in known.items():
        if account.login.lower() == asked.path["person"].lower():
            told = organizations.membership(found, account, role, "active")
            return Result({**told, "organization": found.as_organization_json()})
    raise not_found()


def _organization(asked: Inquiry) -> Account:
    login = asked.path["organization"].lower()
    found = next((each for each in asked.world.members if each.login.lower() == login), None)
    if found is None:
        raise not_found()
    return found


def user(asked: Inquiry) -> Result:
    """The person who asks."""
    person = user_who_asks(asked)
    repositories = [each for each in asked.world.repositories.values() if each.owner is person.account]
    public = sum(each.visibility == "public" for each in repositories)
    return Result(
        {
            **person.account.as_json(),
            **dict.fromkeys(UNTOLD),
            "blog": "",
            "email": person.account.email,
            "public_repos": public,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "created_at": iso(asked.world.app.created_at),
            "updated_at": iso(asked.world.app.created_at),
            "private_gists": 0,
            "total_private_repos": len(repositories) - public,
            "owned_private_repos": len(repositories) - public,
            "disk_usage": 0,
            "collaborators": 0,
            "two_factor_authentication": True,
        }
    )
