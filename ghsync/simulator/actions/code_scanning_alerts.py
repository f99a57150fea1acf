"""What a tool finds in the code, and what people say to it.

Who dismisses an alert or takes that back is the sender; the commit and the branch are empty then.
"""

from ghsync.simulator.account import Account
from ghsync.simulator.code_scanning_alert import CodeScanningAlert, DismissedReason, Instance, Rule
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World

SHORT = ("appeared_in_branch", "reopened_by_user")
"""What GitHub documents with less of the alert than the other actions."""


def create(
    world: World,
    repository: Repository,
    rule: Rule,
    ref: str,
    commit_sha: str,
    *,
    by: Account,
    tool: str = "CodeQL",
    path: str = "src/main.c",
    line: int = 1,
) -> CodeScanningAlert:
    """Find something for the first time."""
    alert = CodeScanningAlert(
        repository=repository,
        number=len(repository.code_scanning_alerts) + 1,
        rule=rule,
        tool=tool,
        path=path,
        line=line,
        created_at=world.now(),
        updated_at=world.now(),
        instances={ref: Instance(ref, commit_sha)},
    )
    repository.code_scanning_alerts[alert.number] = alert
    _send_found(world, "created", alert, by)
    return alert


def appear(world: World, alert: CodeScanningAlert, ref: str, commit_sha: str, *, by: Account) -> None:
    """Find it on another branch, too."""
    _look(world, alert, Instance(ref, commit_sha))
    _send_found(world, "appeared_in_branch", alert, by)


def fix(world: World, alert: CodeScanningAlert, ref: str, commit_sha: str, *, by: Account) -> None:
    """Find it no longer where it was."""
    _look(world, alert, Instance(ref, commit_sha, "fixed"))
    alert.fixed_at = world.now()
    _send_found(world, "fixed", alert, by)


def reopen(world: World, alert: CodeScanningAlert, ref: str, commit_sha: str, *, by: Account) -> None:
    """Find again what was fixed."""
    _look(world, alert, Instance(ref, commit_sha))
    alert.fixed_at = None
    _send_found(world, "reopened", alert, by)


def dismiss(
    world: World,
    alert: CodeScanningAlert,
    *,
    by: Account,
    reason: DismissedReason = "false positive",
    comment: str | None = None,
) -> None:
    """Say that it does not matter, wherever it is found."""
    alert.dismissed_at = alert.updated_at = world.now()
    alert.dismissed_by, alert.dismissed_reason, alert.dismissed_comment = by, reason, comment
    _send(world, "closed_by_user", alert, by, "", "")


def reopen_by_user(world: World, alert: CodeScanningAlert, *, by: Account) -> None:
    """Say that it matters after all."""
    alert.dismissed_at = alert.dismissed_by = alert.dismissed_reason = alert.dismissed_comment = None
    alert.updated_at = world.now()
    _send(world, "reopened_by_user", alert, by, "", "")


def place(pull_request: PullRequest) -> tuple[str, str]:
    """Where a tool looks at a pull request: the merge that GitHub has tried, or its head as long as there is none."""
    sha = pull_request.test_merge_commit_sha or pull_request.head_commit.sha
    return f"refs/pull/{pull_request.number}/merge", sha


def _look(world: World, alert: CodeScanningAlert, instance: Instance) -> None:
    alert.instances.pop(instance.ref, None)
    alert.instances[instance.ref] = instance
    alert.updated_at = world.now()


def _send_found(world: World, action: str, alert: CodeScanningAlert, by: Account) -> None:
    _send(world, action, alert, by, alert.newest.ref, alert.newest.commit_sha)


def _send(world: World, action: str, alert: CodeScanningAlert, by: Account, ref: str, commit_oid: str) -> None:
    shown = alert.as_short_json() if action in SHORT else alert.as_json()
    fields = {"alert": shown, "ref": ref, "commit_oid": commit_oid}
    world.send_about_repository("code_scanning_alert", action, alert.repository, by, **fields)
