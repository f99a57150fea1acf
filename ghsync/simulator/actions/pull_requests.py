"""Pull requests: from draft to merge."""

from ghsync.simulator.account import Account, Team
from ghsync.simulator.actions import branches, conversations, issues
from ghsync.simulator.commit import Change, Commit
from ghsync.simulator.issue import Issue
from ghsync.simulator.payload import Json
from ghsync.simulator.pull_request import AutoMerge, MergeableState, MergeMethod, PullRequest
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World


def open_pull_request(
    world: World,
    repository: Repository,
    head: str,
    title: str,
    *,
    by: Account,
    body: str | None = None,
    base: str = "main",
    head_repository: Repository | None = None,
    draft: bool = False,
    ready_state: MergeableState = "clean",
) -> PullRequest:
    """Open a pull request from a branch, of this repository or of a fork."""
    source = head_repository or repository
    issue = Issue(
        id=world.identities.next_id("issue"),
        repository=repository,
        number=repository.next_number(),
        title=title,
        author=by,
        author_association=world.association(by, repository),
        created_at=world.now(),
        updated_at=world.now(),
        body=body,
    )
    pull_request = PullRequest(
        id=world.identities.next_id("pull_request"),
        issue=issue,
        head_repository=source,
        head_branch=head,
        head_commit=source.tip(head),
        base_branch=base,
        base_commit=repository.tip(base),
        mergeability_known_at=world.now(),
        ready_state=ready_state,
        draft=draft,
    )
    issue.pull_request = pull_request
    repository.issues[issue.number] = issue
    repository.pull_requests[issue.number] = pull_request
    pull_request.commits = branches.own_commits(pull_request)
    branches.look_again(world, pull_request)
    conversations.send(world, "opened", pull_request, by)
    return pull_request


def close(world: World, pull_request: PullRequest, *, by: Account) -> None:
    """Close the pull request without merging."""
    pull_request.issue.state = "closed"
    pull_request.issue.closed_at = world.now()
    _send(world, "closed", pull_request, by)


def reopen(world: World, pull_request: PullRequest, *, by: Account) -> None:
    """Open a closed pull request again."""
    pull_request.issue.state = "open"
    pull_request.issue.closed_at = None
    branches.look_again(world, pull_request)
    _send(world, "reopened", pull_request, by)


def ready_for_review(world: World, pull_request: PullRequest, *, by: Account) -> None:
    """Turn the draft into a pull request to be reviewed."""
    pull_request.draft = False
    _send(world, "ready_for_review", pull_request, by)


def convert_to_draft(world: World, pull_request: PullRequest, *, by: Account) -> None:
    """Turn the pull request back into a draft."""
    pull_request.draft = True
    _send(world, "converted_to_draft", pull_request, by)


def request_review(world: World, pull_request: PullRequest, reviewer: Account | Team, *, by: Account) -> None:
    """Ask a user or a team to review."""
    if isinstance(reviewer, Team):
        pull_request.requested_teams.append(reviewer)
    else:
        pull_request.requested_reviewers.append(reviewer)
    _send(world, "review_requested", pull_request, by, **_reviewer_part(reviewer))


def remove_review_request(world: World, pull_request: PullRequest, reviewer: Account | Team, *, by: Account) -> None:
    """Ask no longer."""
    if isinstance(reviewer, Team):
        pull_request.requested_teams.remove(reviewer)
    else:
        pull_request.requested_reviewers.remove(reviewer)
    _send(world, "review_request_removed", pull_request, by, **_reviewer_part(reviewer))


def change_base(world: World, pull_request: PullRequest, base: str, *, by: Account) -> None:
    """Propose the changes to another branch."""
    old = {"ref": {"from": pull_request.base_branch}, "sha": {"from": pull_request.base_commit.sha}}
    pull_request.base_branch = base
    pull_request.base_commit = pull_request.repository.tip(base)
    pull_request.commits = branches.own_commits(pull_request)
    branches.look_again(world, pull_request)
    _send(world, "edited", pull_request, by, changes={"base": old})


def enable_auto_merge(world: World, pull_request: PullRequest, *, by: Account, method: MergeMethod = "squash") -> None:
    """Order the pull request merged as soon as its requirements are met."""
    pull_request.auto_merge = AutoMerge(by, method)
    _send(world, "auto_merge_enabled", pull_request, by)


def disable_auto_merge(
    world: World, pull_request: PullRequest, *, by: Account, reason: str = "disabled manually by user"
) -> None:
    """Take the order back."""
    pull_request.auto_merge = None
    _send(world, "auto_merge_disabled", pull_request, by, reason=reason)


def enqueue(world: World, pull_request: PullRequest, *, by: Account) -> None:
    """Put the pull request into the merge queue."""
    _send(world, "enqueued", pull_request, by)


def dequeue(world: World, pull_request: PullRequest, *, by: Account, reason: str = "MANUAL") -> None:
    """Take the pull request out of the merge queue."""
    _send(world, "dequeued", pull_request, by, reason=reason)


def merge(world: World, pull_request: PullRequest, *, by: Account, method: MergeMethod = "squash") -> None:
    """Merge: the base is pushed, the pull request closed, then the issues it says it closes."""
    repository = pull_request.repository
    added = _merged_commits(world, pull_request, by, method)
    pull_request.merged_at = pull_request.issue.closed_at = world.now()
    pull_request.merged_by = by
    pull_request.merge_commit = added[-1]
    pull_request.issue.state = "closed"
    branches.push(world, repository, pull_request.base_branch, *added, by=by)
    _send(world, "closed", pull_request, by)
    for issue in pull_request.closing_references:
        if issue.state == "open":
            issues.close(world, issue, by=by)
    if repository.delete_branch_on_merge and pull_request.head_repository is repository:
        branches.delete(world, repository, pull_request.head_branch, by=by)


def _merged_commits(world: World, pull_request: PullRequest, by: Account, method: MergeMethod) -> tuple[Commit, ...]:
    title = f"{pull_request.issue.title} (#{pull_request.number})"
    own = pull_request.commits
    changes = [change for commit in own for change in commit.changes]
    if method == "squash":
        return (branches.commit(world, pull_request.issue.author, title, *changes),)
    if method == "rebase":
        return tuple(branches.commit(world, each.author, each.message, *each.changes) for each in own)
    branch = f"{pull_request.head_repository.owner.login}/{pull_request.head_branch}"
    message = f"Merge pull request #{pull_request.number} from {branch}\n\n{pull_request.issue.title}"
    known = set(pull_request.repository.branches[pull_request.base_branch])
    missing = [commit for commit in own if commit not in known]
    return (*missing, branches.commit(world, by, message, *_once(changes)))


def _once(changes: list[Change]) -> list[Change]:
    """One change for each path, as the commit that merges shows them."""
    return list({change.path: change for change in changes}.values())


def _reviewer_part(reviewer: Account | Team) -> Json:
    if isinstance(reviewer, Team):
        return {"requested_team": reviewer.as_json()}
    return {"requested_reviewer": reviewer.as_json()}


def _send(world: World, action: str, pull_request: PullRequest, by: Account, **fields: object) -> None:
    conversations.touch(world, pull_request)
    conversations.send(world, action, pull_request, by, **fields)
