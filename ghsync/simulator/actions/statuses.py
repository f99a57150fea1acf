"""Commit statuses, which no pull request is told of either."""

from ghsync.simulator.account import Account
from ghsync.simulator.commit import Commit
from ghsync.simulator.commit_status import CommitStatus, StatusState
from ghsync.simulator.payload import iso
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World


def create(
    world: World,
    repository: Repository,
    commit: Commit,
    context: str,
    state: StatusState,
    *,
    by: Account,
    description: str | None = None,
    target_url: str | None = None,
) -> CommitStatus:
    """Set the status of a commit in a context."""
    status = CommitStatus(
        id=world.identities.next_id("status"),
        repository=repository,
        commit=commit,
        context=context,
        state=state,
        creator=by,
        created_at=world.now(),
        description=description,
        target_url=target_url,
    )
    repository.statuses.setdefault(commit.sha, []).append(status)
    _send(world, status, by)
    return status


def _send(world: World, status: CommitStatus, by: Account) -> None:
    repository, commit = status.repository, status.commit
    world.send_about_repository(
        "status",
        None,
        repository,
        by,
        id=status.id,
        sha=commit.sha,
        name=repository.full_name,
        avatar_url=by.avatar_url,
        target_url=status.target_url,
        context=status.context,
        description=status.description,
        state=status.state,
        commit=commit.as_rest_json(repository.id, repository.api_url, repository.html_url),
        branches=[
            {
                "name": name,
                "commit": {"sha": commit.sha, "url": f"{repository.api_url}/commits/{commit.sha}"},
                "protected": False,
            }
            for name, history in repository.branches.items()
            if history[-1] is commit
        ],
        created_at=iso(status.created_at),
        updated_at=iso(status.created_at),
    )
