"""What scanners find, and what is said and done about it."""

from datetime import datetime, timedelta
from typing import Any, Literal

from ghsync.simulator import prose
from ghsync.simulator.actions import code_scanning_alerts, dependabot_alerts, secret_scanning_alerts
from ghsync.simulator.code_scanning_alert import CodeScanningAlert, Rule
from ghsync.simulator.deeds.stage import Kinds, Stage
from ghsync.simulator.dependabot_alert import Advisory, DependabotAlert
from ghsync.simulator.dependabot_alert import DismissedReason as DependabotReason
from ghsync.simulator.repository import Repository
from ghsync.simulator.secret_scanning_alert import Resolution, SecretScanningAlert

DEPENDABOT_REASONS: tuple[DependabotReason, ...] = ("fix_started", "no_bandwidth", "not_used", "tolerable_risk")
RESOLUTIONS: tuple[Resolution, ...] = ("false_positive", "wont_fix", "revoked", "used_in_tests")


def find_in_code(stage: Stage) -> str:
    """Find something in the code of a pull request, or of the default branch."""
    repository = stage.pick(each for each in stage.repositories() if each.has_code_scanning)
    ref, sha = _place(stage, repository)
    alert = code_scanning_alerts.create(
        stage.world,
        repository,
        rule(stage.random.choice(prose.RULES)),
        ref,
        sha,
        by=stage.bot(),
        tool=stage.random.choice(prose.SCANNERS[:-1]),
        path=prose.path(stage.random),
        line=stage.random.randint(1, 300),
    )
    return f"{alert.tool} found {alert.rule.id} in {_named(repository, ref)}"


def find_elsewhere(stage: Stage) -> str:
    """Find it somewhere else, too."""
    alert = _code_alert(stage)
    ref, sha = _place(stage, alert.repository, *alert.instances)
    code_scanning_alerts.appear(stage.world, alert, ref, sha, by=stage.bot())
    return f"{alert.rule.id} is in {_named(alert.repository, ref)}, too"


def fix_in_code(stage: Stage) -> str:
    """Find it no longer where it was."""
    alert = _code_alert(stage, "open")
    newest = alert.newest
    code_scanning_alerts.fix(stage.world, alert, newest.ref, newest.commit_sha, by=stage.bot())
    return f"{alert.rule.id} is no longer in {_named(alert.repository, newest.ref)}"


def find_again(stage: Stage) -> str:
    """Find again what was fixed."""
    alert = _code_alert(stage, "fixed")
    newest = alert.newest
    code_scanning_alerts.reopen(stage.world, alert, newest.ref, newest.commit_sha, by=stage.bot())
    return f"{alert.rule.id} is in {_named(alert.repository, newest.ref)} again"


def dismiss_in_code(stage: Stage) -> str:
    """Say that what was found does not matter."""
    alert = _code_alert(stage, "open")
    by = stage.member(alert.repository.owner)
    code_scanning_alerts.dismiss(stage.world, alert, by=by, comment=stage.random.choice((None, *prose.REMARKS[:3])))
    return f"{by.login} dismissed {alert.rule.id} in {alert.repository.full_name}"


def reopen_in_code(stage: Stage) -> str:
    """Say that it matters after all."""
    alert = _code_alert(stage, "dismissed")
    by = stage.member(alert.repository.owner)
    code_scanning_alerts.reopen_by_user(stage.world, alert, by=by)
    return f"{by.login} reopened {alert.rule.id} in {alert.repository.full_name}"


def warn(stage: Stage) -> str:
    """Warn of something that a repository depends on."""
    repository = stage.pick(each for each in stage.repositories() if each.has_dependabot_alerts)
    found = stage.random.choice(prose.PACKAGES)
    published = stage.world.now() - timedelta(days=stage.random.randint(0, 30))
    scope: Literal["development", "runtime"] = stage.random.choice(("development", "runtime"))
    number = len(repository.dependabot_alerts) + 1
    alert = dependabot_alerts.create(
        stage.world,
        repository,
        advisory(found, number, published),
        by=stage.bot(),
        manifest_path=found[2],
        scope=scope,
    )
    return f"Dependabot warned {repository.full_name} of {alert.advisory.package}"


def update_dependency(stage: Stage) -> str:
    """Depend on it no longer."""
    alert = _dependabot_alert(stage, "open")
    dependabot_alerts.fix(stage.world, alert, by=stage.bot())
    return f"{alert.repository.full_name} no longer depends on that {alert.advisory.package}"


def dismiss_dependency(stage: Stage) -> str:
    """Say that it does not matter."""
    alert = _dependabot_alert(stage, "open")
    by, reason = stage.member(alert.repository.owner), stage.random.choice(DEPENDABOT_REASONS)
    dependabot_alerts.dismiss(stage.world, alert, by=by, reason=reason)
    return f"{by.login} dismissed a warning of {alert.advisory.package} in {alert.repository.full_name}"


def auto_dismiss_dependency(stage: Stage) -> str:
    """Let a rule say that it does not matter."""
    alert = _dependabot_alert(stage, "open")
    dependabot_alerts.auto_dismiss(stage.world, alert, by=stage.bot())
    return f"a rule dismissed a warning of {alert.advisory.package} in {alert.repository.full_name}"


def reopen_dependency(stage: Stage) -> str:
    """Say that it matters after all."""
    alert = _dependabot_alert(stage, "dismissed", "auto_dismissed")
    by = stage.member(alert.repository.owner)
    dependabot_alerts.reopen(stage.world, alert, by=by)
    return f"{by.login} reopened a warning of {alert.advisory.package} in {alert.repository.full_name}"


def find_secret(stage: Stage) -> str:
    """Find a secret that was pushed."""
    repository = stage.pick(each for each in stage.repositories() if each.has_secret_scanning)
    kind, name = stage.random.choice(prose.SECRETS)
    secret_scanning_alerts.create(
        stage.world, repository, by=stage.bot(), secret_type=kind, secret_type_display_name=name
    )
    return f"{name} was found in {repository.full_name}"


def resolve_secret(stage: Stage) -> str:
    """Say what was done about it."""
    alert = _secret_alert(stage, "open")
    by, resolution = stage.member(alert.repository.owner), stage.random.choice(RESOLUTIONS)
    secret_scanning_alerts.resolve(stage.world, alert, by=by, resolution=resolution)
    return f"{by.login} resolved an alert about a secret in {alert.repository.full_name}"


def reopen_secret(stage: Stage) -> str:
    """Say that nothing was done after all."""
    alert = _secret_alert(stage, "resolved")
    by = stage.member(alert.repository.owner)
    secret_scanning_alerts.reopen(stage.world, alert, by=by)
    return f"{by.login} reopened an alert about a secret in {alert.repository.full_name}"


def rule(of: tuple[str, str, Any, Any]) -> Rule:
    """A rule as a tool has it."""
    name, description, severity, level = of
    return Rule(name, description, severity, level, ("security",) if level else ("maintainability",))


def advisory(of: tuple[str, str, str, str, str | None, str, Any], number: int, published_at: datetime) -> Advisory:
    """An advisory as GitHub publishes it."""
    ecosystem, package, _, vulnerable, patched, summary, severity = of
    ghsa_id = f"GHSA-{number:04}-mock-ghsy"
    return Advisory(ghsa_id, ecosystem, package, summary, severity, vulnerable, patched, published_at)


def _place(stage: Stage, repository: Repository, *others_than: str) -> tuple[str, str]:
    """A branch or a pull request, with the commit that is looked at there."""
    branch = repository.default_branch
    places = [(f"refs/heads/{branch}", repository.tip(branch).sha)]
    is_open = (each for each in repository.pull_requests.values() if each.issue.state == "open")
    places += [code_scanning_alerts.place(each) for each in is_open]
    return stage.pick(place for place in places if place[0] not in others_than)


def _named(repository: Repository, ref: str) -> str:
    return f"{repository.full_name} at {ref.removeprefix('refs/')}"


def _code_alert(stage: Stage, *states: str) -> CodeScanningAlert:
    repositories = stage.repositories()
    alerts = (alert for each in repositories for alert in each.code_scanning_alerts.values())
    return stage.pick(alert for alert in alerts if not states or alert.state() in states)


def _dependabot_alert(stage: Stage, *states: str) -> DependabotAlert:
    alerts = (alert for each in stage.repositories() for alert in each.dependabot_alerts.values())
    return stage.pick(alert for alert in alerts if alert.state in states)


def _secret_alert(stage: Stage, state: str) -> SecretScanningAlert:
    alerts = (alert for each in stage.repositories() for alert in each.secret_scanning_alerts.values())
    return stage.pick(alert for alert in alerts if alert.state == state)


KINDS: Kinds = {
    "find_in_code": (3, find_in_code),
    "find_in_code_elsewhere": (2, find_elsewhere),
    "fix_in_code": (2, fix_in_code),
    "find_in_code_again": (2, find_again),
    "dismiss_in_code": (2, dismiss_in_code),
    "reopen_in_code": (2, reopen_in_code),
    "warn_of_dependency": (2, warn),
    "update_dependency": (2, update_dependency),
    "dismiss_dependency": (2, dismiss_dependency),
    "auto_dismiss_dependency": (2, auto_dismiss_dependency),
    "reopen_dependency": (2, reopen_dependency),
    "find_secret": (2, find_secret),
    "resolve_secret": (2, resolve_secret),
    "reopen_secret": (2, reopen_secret),
}
