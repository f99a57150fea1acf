"""What the App may read and which events it gets, and what is not mirrored without the rest."""

from collections.abc import Container, Iterator, Mapping, Sequence

from ghsync.doctor.finding import Finding
from ghsync.projector import events

EVENTS = {name: event.permission for name, event in events.EVENTS.items() if event.permission}
"""The permission that GitHub sends an event for; those without one it sends to every App."""

ALERTS = {
    "security_events": "Code scanning alerts",
    "vulnerability_alerts": "Dependabot alerts",
    "secret_scanning_alerts": "Secret scanning alerts",
}
"""Permissions that are optional, as GitHub's page calls them and what they show."""

CHECKS = {
    "actions": ("Actions", "workflow runs"),
    "checks": ("Checks", "check runs"),
    "statuses": ("Commit statuses", "commit statuses"),
}
"""Permissions that an App made for an earlier version lacks: as GitHub's page calls them, and what they show."""

MEMBERS = Finding(
    "members",
    "ok",
    "Members of organizations are read where the App may see them. Those of single repositories are known from events "
    "alone: project_members lacks whoever was asked in before the App was installed, until an event names them.",
)

WANTED_EVENTS = sorted(EVENTS)
WANTED_PERMISSIONS = sorted({*EVENTS.values()} - events.OPTIONAL)


def findings(permissions: Mapping[str, str], subscribed: Container[str]) -> Iterator[Finding]:
    """What the App lacks of each, and what none tells of."""
    yield _permissions(permissions)
    yield _alerts(permissions)
    yield _events(permissions, subscribed)
    yield MEMBERS


def _permissions(given: Container[str]) -> Finding:
    missing = [name for name in WANTED_PERMISSIONS if name not in given]
    if not missing:
        return Finding("permissions", "ok", "The App has all that ghsync needs.")
    if not set(missing) <= CHECKS.keys():
        said = f"The App lacks {', '.join(missing)}: give it read access to them on the App's page on GitHub."
        return Finding("permissions", "failed", said)
    names, shown = (_listed(each) for each in zip(*(CHECKS[name] for name in missing), strict=True))
    said = (
        f"The App lacks {names}: give it read access to them on the App's page on GitHub; "
        f"until then {shown} are not mirrored, and ci_status does not count them."
    )
    return Finding("permissions", "warning", said)


def _alerts(given: Container[str]) -> Finding:
    missing = [name for permission, name in ALERTS.items() if permission not in given]
    if not missing:
        return Finding("alerts", "ok", "The App may read security alerts of all kinds.")
    said = f"{_listed(missing)} are not mirrored: the App may not read them, which is optional."
    return Finding("alerts", "ok", said)


OF_TOKENS = Finding(
    "alerts",
    "ok",
    "Security alerts are mirrored as far as the token may read them: with the scope repo or security_events, of "
    "repositories where its owner sees them.",
)


def _events(permissions: Container[str], subscribed: Container[str]) -> Finding:
    """Without a permission, its events cannot be subscribed to: what lacks is told of the permission alone."""
    later = {
        event for event in WANTED_EVENTS if EVENTS[event] in {*ALERTS, *CHECKS} and EVENTS[event] not in permissions
    }
    missing = [name for name in WANTED_EVENTS if name not in subscribed and name not in later]
    if missing:
        said = f"The App lacks {', '.join(missing)}: subscribe it to them on the App's page on GitHub."
        return Finding("events", "failed", said)
    return Finding("events", "ok", "The App gets all that ghsync reads.")


def _listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
