"""Branches and tags: commits and pushes, with what a push does to pull requests."""

from datetime import timedelta

from ghsync.simulator.account import Account
from ghsync.simulator.commit import NO_COMMIT, Change, Commit
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World, organization_part

MERGEABILITY_DELAY = timedelta(seconds=4)
"""How long GitHub's background job takes to find out whether a pull request can be merged."""


def commit(world: World, author: Account, message: str, *changes: Change) -> Commit:
    """Make a commit that is on no branch yet."""
    sha, tree_sha = world.identities.next_sha(), world.identities.next_sha()
    return Commit(sha, tree_sha, message, author, world.now(), changes)


def create(
    world: World, repository: Repository, branch: str, *commits: Commit, by: Account, base: str = "main"
) -> None:
    """Push a new branch, which starts at another."""
    start = repository.branches[base]
    repository.branches[branch] = [*start, *commits]
    _send(world, repository, f"refs/heads/{branch}", NO_COMMIT, by, list(commits), base=base)


def push(world: World, repository: Repository, branch: str, *commits: Commit, by: Account) -> None:
    """Push commits on top of a branch."""
    before = repository.tip(branch).sha
    repository.branches[branch] = [*repository.branches[branch], *commits]
    _send(world, repository, f"refs/heads/{branch}", before, by, list(commits))
    _follow(world, repository, branch, before, by)


def force_push(
    world: World, repository: Repository, branch: str, *commits: Commit, by: Account, instead_of: int = 1
) -> None:
    """Push commits in the place of the last few of a branch."""
    before = repository.tip(branch).sha
    repository.branches[branch] = [*repository.branches[branch][:-instead_of], *commits]
    _send(world, repository, f"refs/heads/{branch}", before, by, list(commits), forced=True)
    _follow(world, repository, branch, before, by)


def delete(world: World, repository: Repository, branch: str, *, by: Account) -> None:
    """Delete a branch."""
    before = repository.branches.pop(branch)[-1].sha
    _send(world, repository, f"refs/heads/{branch}", before, by, [])


def tag(world: World, repository: Repository, name: str, *, by: Account, base: str | None = None) -> None:
    """Tag the tip of a branch, the default one unless another is named."""
    branch = base or repository.default_branch
    repository.tags[name] = repository.tip(branch)
    _send(world, repository, f"refs/tags/{name}", NO_COMMIT, by, [], base=branch)


def own_commits(pull_request: PullRequest) -> list[Commit]:
    """The commits of a pull request's head that its base has not."""
    base = set(pull_request.repository.branches[pull_request.base_branch])
    head = pull_request.head_repository.branches[pull_request.head_branch]
    return [commit for commit in head if commit not in base]


def look_again(world: World, pull_request: PullRequest) -> None:
    """Let the background job find out anew whether a pull request can be merged."""
    pull_request.mergeability_known_at = world.now() + MERGEABILITY_DELAY
    pull_request.test_merge_commit_sha = world.identities.next_sha()


def _follow(world: World, repository: Repository, branch: str, before: str, by: Account) -> None:
    """What a push does to open pull requests: those it is the head of are told, those it is the base of are not."""
    for pull_request in _open_pull_requests(repository):
        if (pull_request.repository, pull_request.base_branch) == (repository, branch):
            look_again(world, pull_request)
        if (pull_request.head_repository, pull_request.head_branch) == (repository, branch):
            _synchronize(world, pull_request, before, by)


def _synchronize(world: World, pull_request: PullRequest, before: str, by: Account) -> None:
    repository = pull_request.repository
    pull_request.head_commit = pull_request.head_repository.tip(pull_request.head_branch)
    pull_request.base_commit = repository.tip(pull_request.base_branch)
    pull_request.commits = own_commits(pull_request)
    pull_request.issue.updated_at = world.now()
    look_again(world, pull_request)
    world.send_about_repository(
        "pull_request",
        "synchronize",
        repository,
        by,
        number=pull_request.number,
        pull_request=pull_request.as_json(world.now()),
        before=before,
        after=pull_request.head_commit.sha,
    )


def _open_pull_requests(pushed: Repository) -> list[PullRequest]:
    """Every open pull request that merges into a repository, or from it into the one that it is a fork of."""
    return [
        pull_request
        for repository in (pushed, pushed.fork_of)
        if repository is not None
        for pull_request in repository.pull_requests.values()
        if pull_request.issue.state == "open"
    ]


def _send(
    world: World,
    repository: Repository,
    ref: str,
    before: str,
    by: Account,
    commits: list[Commit],
    *,
    base: str | None = None,
    forced: bool = False,
) -> None:
    """Send a push. It is told after the fact, so the state is that after it."""
    installation = world.installation_on(repository.owner)
    repository.pushed_at = world.now()
    if installation is None or not installation.covers(repository) or not installation.hears("push"):
        return
    head = _head(repository, ref)
    after = NO_COMMIT if head is None else head.sha
    payload = {
        "ref": ref,
        "before": before,
        "after": after,
        "repository": repository.as_push_json(),
        "pusher": {"name": by.login, "email": by.email},
        **organization_part(repository.owner),
        "sender": by.as_json(),
        "installation": installation.as_stub_json(),
        "created": before == NO_COMMIT,
        "deleted": head is None,
        "forced": forced,
        "base_ref": None if base is None else f"refs/heads/{base}",
        "compare": _compare_url(repository, ref, before, after),
        "commits": [commit.as_json(repository.html_url) for commit in commits],
        "head_commit": None if head is None else head.as_json(repository.html_url),
    }
    world.send("push", payload)


def _head(repository: Repository, ref: str) -> Commit | None:
    _, kind, name = ref.split("/", 2)
    if kind == "tags":
        return repository.tags.get(name)
    history = repository.branches.get(name)
    return None if history is None else history[-1]


def _compare_url(repository: Repository, ref: str, before: str, after: str) -> str:
    if before == NO_COMMIT:
        return f"{repository.html_url}/compare/{ref.split('/', 2)[2]}"
    return f"{repository.html_url}/compare/{before[:12]}...{after[:12]}"
