"""Security alerts of a repository.

What is off is refused, for each kind in its own way, and code that nothing has looked at yet is not found.

https://docs.github.com/en/rest/code-scanning/code-scanning
https://docs.github.com/en/rest/dependabot/alerts
https://docs.github.com/en/rest/secret-scanning/secret-scanning
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeVar

from ghsync.simulator.refusals import Refused, not_found
from ghsync.simulator.rest.inquiry import Result

if TYPE_CHECKING:
    from datetime import datetime

    from ghsync.simulator.code_scanning_alert import CodeScanningAlert
    from ghsync.simulator.dependabot_alert import DependabotAlert
    from ghsync.simulator.payload import Json
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.rest.inquiry import Inquiry


class Alert(Protocol):
    """What alerts of every kind have."""

    number: int
    created_at: datetime
    updated_at: datetime


SomeAlert = TypeVar("SomeAlert", bound=Alert)


def code_scanning(asked: Inquiry, repository: Repository) -> Result:
    """What was found on one branch or pull request, which is the default branch unless another is named."""
    if not repository.has_code_scanning:
        raise Refused(403, "Code scanning is not enabled for this repository.")
    if not repository.code_scanning_alerts:
        raise Refused(404, "no analysis found")
    ref, tool = _ref(asked, repository), asked.query.get("tool_name")
    state = asked.choice("state", "", "open", "closed", "dismissed", "fixed")
    severity = asked.query.get("severity")
    found = [
        alert
        for alert in repository.code_scanning_alerts.values()
        if ref in alert.instances
        and tool in (None, alert.tool)
        and (state in ("", alert.state(ref)) or (state == "closed" and alert.state(ref) != "open"))
        and severity in (None, alert.rule.severity, alert.rule.security_severity_level)
    ]

    def shown(alert: CodeScanningAlert) -> Json:
        return alert.as_json(ref)

    return asked.page(_sorted(asked, found), shown)


def dependabot(asked: Inquiry, repository: Repository) -> Result:
    """What Dependabot warns of. Its pages have cursors, and no numbers."""
    if not repository.has_dependabot_alerts:
        raise Refused(403, "Dependabot alerts are disabled for this repository.")
    if "page" in asked.query:
        raise Refused(400, "Pagination using the `page` parameter is not supported.")
    wanted = {name: _several(asked, name) for name in ("state", "severity", "ecosystem", "package", "scope")}

    def fits(alert: DependabotAlert) -> bool:
        advisory = alert.advisory
        found = {
            "state": alert.state,
            "severity": advisory.severity,
            "ecosystem": advisory.ecosystem,
            "package": advisory.package,
            "scope": alert.scope,
        }
        return all(values is None or found[name] in values for name, values in wanted.items())

    alerts = _sorted(asked, [alert for alert in repository.dependabot_alerts.values() if fits(alert)])
    return _cursor_page(asked, alerts, lambda alert: alert.as_json())


def secret_scanning(asked: Inquiry, repository: Repository) -> Result:
    """Secrets that were found."""
    if not repository.has_secret_scanning:
        raise Refused(404, "Secret scanning is disabled on this repository.")
    state = asked.choice("state", "", "open", "resolved")
    kinds, resolutions = _several(asked, "secret_type"), _several(asked, "resolution")
    hidden = asked.query.get("hide_secret") == "true"
    found = [
        alert
        for alert in repository.secret_scanning_alerts.values()
        if state in ("", alert.state)
        and (kinds is None or alert.secret_type in kinds)
        and (resolutions is None or alert.resolution in resolutions)
    ]
    return asked.page(
        _sorted(asked, found),
        lambda alert: {**alert.as_rest_json(), **({"secret": None} if hidden else {})},
    )


def single_code_scanning(asked: Inquiry, repository: Repository) -> Result:
    """One of them, as it was seen last wherever that was."""
    return Result(_one(asked, repository.code_scanning_alerts).as_json())


def single_dependabot(asked: Inquiry, repository: Repository) -> Result:
    """One of them."""
    return Result(_one(asked, repository.dependabot_alerts).as_json())


def single_secret_scanning(asked: Inquiry, repository: Repository) -> Result:
    """One of them."""
    hidden = {"secret": None} if asked.query.get("hide_secret") == "true" else {}
    return Result({**_one(asked, repository.secret_scanning_alerts).as_rest_json(), **hidden})


def _one(asked: Inquiry, alerts: Mapping[int, SomeAlert]) -> SomeAlert:
    found = alerts.get(int(asked.path["alert_number"]))
    if found is None:
        raise not_found()
    return found


def _ref(asked: Inquiry, repository: Repository) -> str:
    """The full name of the branch or pull request that is asked about."""
    if "pr" in asked.query:
        return f"refs/pull/{asked.query['pr']}/merge"
    ref = asked.query.get("ref", f"refs/heads/{repository.default_branch}")
    return ref if ref.startswith("refs/") else f"refs/heads/{ref.removeprefix('heads/')}"


def _several(asked: Inquiry, name: str) -> list[str] | None:
    """A parameter with one value, or several that commas part."""
    value = asked.query.get(name)
    return None if value is None else value.split(",")


def _sorted(asked: Inquiry, found: list[SomeAlert]) -> list[SomeAlert]:
    """The newest first, unless it is asked otherwise."""
    order, direction = asked.choice("sort", "created", "updated"), asked.choice("direction", "desc", "asc")

    def key(alert: Alert) -> tuple[datetime, int]:
        return (alert.created_at if order == "created" else alert.updated_at, alert.number)

    return sorted(found, key=key, reverse=direction == "desc")


def _cursor_page(asked: Inquiry, alerts: list[SomeAlert], show: Callable[[SomeAlert], Json]) -> Result:
    """One page of a list, after that alert which the cursor names; its place is sought where it is now."""
    after, size = _number(asked.query.get("after")), asked.page_size
    start = 0 if after is None else next((place + 1 for place, each in enumerate(alerts) if each.number == after), 0)
    page = alerts[start : start + size]
    links = {"next": {"after": _cursor(page[-1].number)}} if start + size < len(alerts) else {}
    return Result([show(alert) for alert in page], links=links, address=asked.address)


def _cursor(number: int) -> str:
    return base64.urlsafe_b64encode(f"v2:{number}".encode()).decode()


def _number(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("v2:"))
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise Refused(400, "Invalid cursor") from error
