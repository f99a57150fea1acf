"""What holds in every world, whatever was done in it."""

from collections import Counter
from collections.abc import Iterator

from ghsync.simulator.issue import Issue
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World


def violations(world: World) -> list[str]:
    """What does not hold."""
    found = [*_of_names(world), *_of_installations(world)]
    for repository in world.repositories.values():
        found.extend(f"{repository.full_name}: {what}" for what in _of_repository(repository))
        for issue in repository.issues.values():
            found.extend(f"{issue.html_url}: {what}" for what in _of_issue(issue))
        for pull_request in repository.pull_requests.values():
            found.extend(f"{pull_request.issue.html_url}: {what}" for what in _of_pull_request(world, pull_request))
    return found


def _of_names(world: World) -> Iterator[str]:
    names = Counter(repository.full_name.lower() for repository in world.repositories.values())
    yield from (f"two repositories are named {name}" for name, count in names.items() if count > 1)
    logins = Counter(account.login.lower() for account in world.accounts.values())
    yield from (f"two accounts are named {login}" for login, count in logins.items() if count > 1)


def _of_installations(world: World) -> Iterator[str]:
    accounts = Counter(installation.account for installation in world.installations.values())
    yield from (f"two installations on {account.login}" for account, count in accounts.items() if count > 1)
    for installation in world.installations.values():
        covered = Counter(installation.repositories)
        owned = Counter(each for each in world.repositories.values() if each.owner is installation.account)
        if covered.total() != len(covered) or (installation.repository_selection == "all" and covered != owned):
            yield f"the installation on {installation.account.login} covers a repository twice, or not all of them"
        for repository in installation.repositories:
            if repository.owner is not installation.account or repository.id not in world.repositories:
                yield f"the installation on {installation.account.login} covers {repository.full_name}"


def _of_repository(repository: Repository) -> Iterator[str]:
    if any(number != issue.number for number, issue in repository.issues.items()):
        yield "an issue is filed under another number"
    if any(repository.issues.get(number) is not each.issue for number, each in repository.pull_requests.items()):
        yield "a pull request is no issue"
    if repository.issues and max(repository.issues) > repository.last_number:
        yield "a number is to be given twice"
    if repository.issues.keys() & repository.departed.keys():
        yield "an issue is gone and there"
    if repository.tally() != Counter((issue.milestone, issue.state) for issue in repository.issues.values()):
        yield "issues are miscounted"
    if any(not each.draft and each.tag_name not in repository.tags for each in repository.releases.values()):
        yield "a release is published and has no tag"
    tags = [each.tag_name for each in repository.releases.values()]
    for names in ([label.name for label in repository.labels], [each.number for each in repository.milestones], tags):
        if len(set(names)) != len(names):
            yield f"{names} are not unique"


def _of_issue(issue: Issue) -> Iterator[str]:
    if (issue.state == "closed") != (issue.closed_at is not None):
        yield "is closed at no time, or open and closed at some time"
    if issue.updated_at < issue.created_at or any(issue.updated_at < each.created_at for each in issue.comments):
        yield "was changed before it was made"
    if not set(issue.labels) <= set(issue.repository.labels) or len(set(issue.labels)) != len(issue.labels):
        yield "has labels twice, or those of others"
    if issue.milestone is not None and issue.milestone not in issue.repository.milestones:
        yield "is in a milestone that is not there"
    if issue.parent is not None and issue not in issue.parent.children:
        yield "is not among the children of its parent"
    if any(child.parent is not issue for child in issue.children):
        yield "has a child of another parent"
    if any(issue not in other.blocking for other in issue.blocked_by):
        yield "waits for what does not know of it"
    if issue.pull_request is not None and issue.pull_request.issue is not issue:
        yield "is the issue of another pull request"


def _of_pull_request(world: World, pull_request: PullRequest) -> Iterator[str]:
    is_open = pull_request.issue.state == "open"
    if pull_request.merged_at is not None and (is_open or pull_request.merge_commit is None):
        yield "is merged and open, or into nothing"
    source = pull_request.head_repository
    if is_open and source.id in world.repositories:
        if pull_request.head_branch not in source.branches:
            yield "is open and has no branch"
        elif source.tip(pull_request.head_branch) is not pull_request.head_commit:
            yield "does not follow its branch"
    if pull_request.issue.author in pull_request.requested_reviewers:
        yield "asks its author"
    if any((review.state == "PENDING") != (review.submitted_at is None) for review in pull_request.reviews):
        yield "has a review that is pending and submitted"
    if any(not thread.comments for thread in pull_request.threads):
        yield "has a thread without comments"
    for suite in pull_request.repository.check_suites.get(pull_request.head_commit.sha, ()):
        if any((run.status == "completed") != (run.conclusion is not None) for run in suite.runs):
            yield "has a check that is over and has no conclusion"
