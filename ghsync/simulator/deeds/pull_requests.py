"""What is done to pull requests, from the first push to the merge."""

from ghsync.simulator import prose
from ghsync.simulator.account import Account, Team
from ghsync.simulator.actions import branches, pull_requests, repositories
from ghsync.simulator.deeds.stage import Impossible, Kinds, Stage, name_of
from ghsync.simulator.pull_request import MergeableState, MergeMethod, PullRequest
from ghsync.simulator.repository import Repository

READY_STATES: tuple[MergeableState, ...] = ("clean", "clean", "clean", "blocked", "behind", "dirty", "unstable")
METHODS: tuple[MergeMethod, ...] = ("merge", "squash", "rebase")


def open_pull_request(stage: Stage) -> str:
    """Push a branch and propose it."""
    repository = stage.repository()
    by = stage.bot() if stage.random.random() < 0.15 else stage.member(repository.owner)
    return _propose(stage, repository, repository, by)


def open_from_fork(stage: Stage) -> str:
    """Propose a branch of one's own fork."""
    repository, by = stage.repository(), stage.anyone()
    owned = [each for each in stage.world.repositories.values() if each.owner is by]
    fork = next((each for each in owned if each.fork_of is repository), None)
    if fork is None and any(each.name == repository.name for each in owned):
        raise Impossible
    if fork is None:
        fork = repositories.create(stage.world, by, repository.name, by=by, fork_of=repository)
    return _propose(stage, repository, fork, by)


def push(stage: Stage) -> str:
    """Push to the head."""
    pull_request = stage.open_pull_request(_can_be_pushed_to)
    by = pull_request.issue.author
    pull_request.ready_state = stage.random.choice(READY_STATES)
    source, branch = pull_request.head_repository, pull_request.head_branch
    branches.push(stage.world, source, branch, stage.commit(by), by=by)
    return f"{by.login} pushed to {name_of(pull_request)}"


def force_push(stage: Stage) -> str:
    """Push the head anew: what was checked and reviewed is no longer there."""
    pull_request = stage.open_pull_request(lambda each: _can_be_pushed_to(each) and bool(each.commits))
    by = pull_request.issue.author
    source, branch = pull_request.head_repository, pull_request.head_branch
    count = stage.random.randint(1, len(pull_request.commits))
    branches.force_push(stage.world, source, branch, stage.commit(by), by=by, instead_of=count)
    return f"{by.login} force-pushed {name_of(pull_request)}"


def push_base(stage: Stage) -> str:
    """Push to the default branch: what can be merged has to be found out anew, and no pull request is told."""
    repository = stage.repository()
    by = stage.member(repository.owner)
    for pull_request in repository.pull_requests.values():
        if pull_request.issue.state == "open" and stage.random.random() < 0.3:
            pull_request.ready_state = stage.random.choice(READY_STATES)
    branches.push(stage.world, repository, repository.default_branch, stage.commit(by), by=by)
    return f"{by.login} pushed to {repository.full_name}"


def convert_to_draft(stage: Stage) -> str:
    """Turn one back into a draft."""
    pull_request = stage.open_pull_request(lambda each: not each.draft)
    by = pull_request.issue.author
    pull_requests.convert_to_draft(stage.world, pull_request, by=by)
    return f"{by.login} made {name_of(pull_request)} a draft"


def make_ready(stage: Stage) -> str:
    """Turn a draft into one to be reviewed."""
    pull_request = stage.open_pull_request(lambda each: each.draft)
    by = pull_request.issue.author
    pull_requests.ready_for_review(stage.world, pull_request, by=by)
    return f"{by.login} made {name_of(pull_request)} ready"


def request_review(stage: Stage) -> str:
    """Ask someone to review, who may have reviewed before."""
    pull_request = stage.open_pull_request(lambda each: len(each.requested_reviewers) < 3)
    author = pull_request.issue.author
    chosen = stage.member(pull_request.repository.owner, author, *pull_request.requested_reviewers)
    pull_requests.request_review(stage.world, pull_request, chosen, by=author)
    return f"{author.login} asked {chosen.login} to review {name_of(pull_request)}"


def request_team(stage: Stage) -> str:
    """Ask a team to review."""
    pull_request = stage.open_pull_request()
    author, owner = pull_request.issue.author, pull_request.repository.owner
    asked = pull_request.requested_teams
    team = stage.pick(each for each in stage.world.teams.values() if each.organization is owner and each not in asked)
    pull_requests.request_review(stage.world, pull_request, team, by=author)
    return f"{author.login} asked {team.slug} to review {name_of(pull_request)}"


def request_bot(stage: Stage) -> str:
    """Ask a machine to review."""
    bot = stage.bot()
    pull_request = stage.open_pull_request(lambda each: bot not in (each.issue.author, *each.requested_reviewers))
    author = pull_request.issue.author
    pull_requests.request_review(stage.world, pull_request, bot, by=author)
    return f"{author.login} asked {bot.login} to review {name_of(pull_request)}"


def withdraw_request(stage: Stage) -> str:
    """Ask no longer."""
    pull_request = stage.open_pull_request(lambda each: bool(each.requested_reviewers or each.requested_teams))
    author = pull_request.issue.author
    asked: list[Account | Team] = [*pull_request.requested_reviewers, *pull_request.requested_teams]
    chosen = stage.pick(asked)
    pull_requests.remove_review_request(stage.world, pull_request, chosen, by=author)
    return f"{author.login} took a request on {name_of(pull_request)} back"


def merge(stage: Stage) -> str:
    """Merge one that can be merged."""
    pull_request = stage.open_pull_request(
        lambda each: not each.draft and each.ready_state != "dirty" and bool(each.commits)
    )
    by = stage.member(pull_request.repository.owner)
    pull_requests.merge(stage.world, pull_request, by=by, method=stage.random.choice(METHODS))
    return f"{by.login} merged {name_of(pull_request)}"


def close(stage: Stage) -> str:
    """Close one without merging."""
    pull_request = stage.open_pull_request()
    by = stage.member(pull_request.repository.owner)
    pull_requests.close(stage.world, pull_request, by=by)
    return f"{by.login} closed {name_of(pull_request)}"


def reopen(stage: Stage) -> str:
    """Open a closed one again, if its branch is still there and as it was."""
    pull_request = stage.pull_request(
        lambda each: (
            each.issue.state == "closed"
            and each.merged_at is None
            and _has_branch(each)
            and each.head_repository.tip(each.head_branch) is each.head_commit
        )
    )
    by = stage.member(pull_request.repository.owner)
    pull_requests.reopen(stage.world, pull_request, by=by)
    return f"{by.login} reopened {name_of(pull_request)}"


def change_base(stage: Stage) -> str:
    """Propose it to another branch."""
    pull_request = stage.open_pull_request(_has_branch)
    repository, by = pull_request.repository, stage.member(pull_request.repository.owner)
    base = "main" if pull_request.base_branch != "main" else "maintenance"
    if base not in repository.branches:
        branches.create(stage.world, repository, base, by=by)
    pull_requests.change_base(stage.world, pull_request, base, by=by)
    return f"{by.login} proposed {name_of(pull_request)} to {base}"


def enable_auto_merge(stage: Stage) -> str:
    """Order one merged as soon as it can be."""
    pull_request = stage.open_pull_request(lambda each: each.auto_merge is None)
    by = stage.member(pull_request.repository.owner)
    pull_requests.enable_auto_merge(stage.world, pull_request, by=by, method=stage.random.choice(METHODS))
    return f"{by.login} ordered {name_of(pull_request)} merged"


def disable_auto_merge(stage: Stage) -> str:
    """Take the order back."""
    pull_request = stage.open_pull_request(lambda each: each.auto_merge is not None)
    by = stage.member(pull_request.repository.owner)
    pull_requests.disable_auto_merge(stage.world, pull_request, by=by)
    return f"{by.login} took the order to merge {name_of(pull_request)} back"


def delete_branch(stage: Stage) -> str:
    """Delete the branch of one that is closed."""
    pull_request = stage.pull_request(
        lambda each: each.issue.state == "closed" and _has_branch(each) and not _is_proposed(each)
    )
    by = pull_request.issue.author
    branches.delete(stage.world, pull_request.head_repository, pull_request.head_branch, by=by)
    return f"{by.login} deleted the branch of {name_of(pull_request)}"


def _propose(stage: Stage, repository: Repository, source: Repository, by: Account) -> str:
    random = stage.random
    head = prose.branch(random, repository.last_number + 1)
    if head in source.branches:
        raise Impossible
    commits = [stage.commit(by) for _ in range(random.randint(1, 3))]
    branches.create(stage.world, source, head, *commits, by=by)
    closes = random.randint(1, repository.last_number) if repository.last_number and random.random() < 0.4 else None
    pull_request = pull_requests.open_pull_request(
        stage.world,
        repository,
        head,
        prose.deed(random),
        by=by,
        body=prose.explanation(random, closes),
        head_repository=source,
        draft=random.random() < 0.2,
        ready_state=random.choice(READY_STATES),
    )
    return f"{by.login} proposed {name_of(pull_request)}"


def _has_branch(pull_request: PullRequest) -> bool:
    return pull_request.head_branch in pull_request.head_repository.branches


def _can_be_pushed_to(pull_request: PullRequest) -> bool:
    return _has_branch(pull_request) and not pull_request.head_repository.archived


def _is_proposed(pull_request: PullRequest) -> bool:
    """Whether the branch is also the head of an open pull request."""
    return any(
        each.issue.state == "open" and each.head_branch == pull_request.head_branch
        for each in pull_request.repository.pull_requests.values()
    )


KINDS: Kinds = {
    "open_pull_request": (25, open_pull_request),
    "open_from_fork": (5, open_from_fork),
    "push": (30, push),
    "force_push": (8, force_push),
    "push_base": (10, push_base),
    "convert_to_draft": (4, convert_to_draft),
    "make_ready": (5, make_ready),
    "request_review": (15, request_review),
    "request_team": (4, request_team),
    "withdraw_request": (4, withdraw_request),
    "merge": (15, merge),
    "close_pull_request": (5, close),
    "reopen_pull_request": (4, reopen),
    "change_base": (3, change_base),
    "enable_auto_merge": (4, enable_auto_merge),
    "disable_auto_merge": (3, disable_auto_merge),
    "delete_branch": (5, delete_branch),
}

RARE: Kinds = {"request_bot": (0, request_bot)}
"""Done only where somebody gives it a weight."""
