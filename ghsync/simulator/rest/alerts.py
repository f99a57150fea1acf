"""Security alerts of a repository, and of all of an organization.

What is off in a repository is refused there, for each kind in its own way, and code that nothing has looked at yet is
not found; an organization has the alerts of those in which it is on.

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
    from ghsync.simulator.secret_scanning_alert import SecretScanningAlert


class Alert(Protocol):
    """What alerts of every kind have."""

    number: int
    created_at: datetime
    updated_at: datetime


T = TypeVar("T")
SomeAlert = TypeVar("SomeAlert", bound=Alert)


def code_scanning(asked: Inquiry, repository: Repository) -> Result:
    """What was found on one branch or pull request, which is the default branch unless another is named."""
    if not repository.has_code_scanning:
        raise Refused(403, "Code scanning is not enabled for this repository.")
    if not repository.code_scanning_alerts:
        raise Refused(404, "no analysis found")
    ref = _ref(asked, repository)
    return asked.page(_sorted(asked, _of_code_scanning(asked, repository, ref)), lambda alert: alert.as_json(ref))


def _of_code_scanning(asked: Inquiry, repository: Repository, ref: str) -> list[CodeScanningAlert]:
    tool, severity = asked.query.get("tool_name"), asked.query.get("severity")
    state = asked.choice("state", "", "open", "closed", "dismissed", "fixed")
    return [
        alert
        for alert in repository.code_scanning_alerts.values()
        if ref in alert.instances
        and tool in (None, alert.tool)
        and (state in ("", alert.state(ref)) or (state == "closed" and alert.state(ref) != "open"))
        and severity in (None, alert.rule.severity, alert.rule.security_severity_level)
    ]


def organization_code_scanning(asked: Inquiry) -> Result:
    """What was found on the default branches."""

    def of(repository: Repository) -> list[CodeScanningAlert]:
        is_on = repository.has_code_scanning
        return _of_code_scanning(asked, repository, _ref(asked, repository)) if is_on else []

    return asked.page(
        _everywhere(asked, "security_events", of), lambda one: _beside(one[1], one[0].as_json(_ref(asked, one[1])))
    )


def dependabot(asked: Inquiry, repository: Repository) -> Result:
    """What Dependabot warns of. Its pages have cursors, and no numbers."""
    if not repository.has_dependabot_alerts:
        raise Refused(403, "Dependabot alerts are disabled for this repository.")
    if "page" in asked.query:
        raise Refused(400, "Pagination using the `page` parameter is not supported.")
    alerts = _sorted(asked, _of_dependabot(asked, repository))
    return _cursor_page(asked, alerts, lambda alert: alert.number, lambda alert: alert.as_json())


def organization_dependabot(asked: Inquiry) -> Result:
    """What Dependabot warns of in all of them."""

    def of(repository: Repository) -> list[DependabotAlert]:
        return _of_dependabot(asked, repository) if repository.has_dependabot_alerts else []

    if "page" in asked.query:
        raise Refused(400, "Pagination using the `page` parameter is not supported.")
    return _cursor_page(
        asked,
        _everywhere(asked, "vulnerability_alerts", of),
        lambda one: one[1].id * 100_000 + one[0].number,
        lambda one: _beside(one[1], one[0].as_json()),
    )


def _of_dependabot(asked: Inquiry, repository: Repository) -> list[DependabotAlert]:
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

    return [alert for alert in repository.dependabot_alerts.values() if fits(alert)]


def secret_scanning(asked: Inquiry, repository: Repository) -> Result:
    """Secrets that were found."""
    if not repository.has_secret_scanning:
        raise Refused(404, "Secret scanning is disabled on this repository.")
    hidden = _hidden(asked)
    return asked.page(
        _sorted(asked, _of_secret_scanning(asked, repository)), lambda alert: {**alert.as_rest_json(), **hidden}
    )


def organization_secret_scanning(asked: Inquiry) -> Result:
    """Secrets that were found in all of them."""

    def of(repository: Repository) -> list[SecretScanningAlert]:
        return _of_secret_scanning(asked, repository) if repository.has_secret_scanning else []

    hidden = _hidden(asked)
    return asked.page(
        _everywhere(asked, "secret_scanning_alerts", of),
        lambda one: _beside(one[1], {**one[0].as_rest_json(), **hidden}),
    )


def _of_secret_scanning(asked: Inquiry, repository: Repository) -> list[SecretScanningAlert]:
    state = asked.choice("state", "", "open", "resolved")
    kinds, resolutions = _several(asked, "secret_type"), _several(asked, "resolution")
    return [
        alert
        for alert in repository.secret_scanning_alerts.values()
        if state in ("", alert.state)
        and (kinds is None or alert.secret_type in kinds)
        and (resolutions is None or alert.resolution in resolutions)
    ]


def _hidden(asked: Inquiry) -> Json:
    return {"secret": None} if asked.query.get("hide_secret") == "true" else {}


def single_code_scanning(asked: Inquiry, repository: Repository) -> Result:
    """One of them, as it was seen last wherever that was."""
    return Result(_one(asked, repository.code_scanning_alerts).as_json())


def single_dependabot(asked: Inquiry, repository: Repository) -> Result:
    """One of them."""
    return Result(_one(asked, repository.dependabot_alerts).as_json())


def single_secret_scanning(asked: Inquiry, repository: Repository) -> Result:
    """One of them."""
    return Result({**_one(asked, repository.secret_scanning_alerts).as_rest_json(), **_hidden(asked)})


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


def _everywhere(
    asked: Inquiry, permission: str, of: Callable[[Repository], list[SomeAlert]]
) -> list[tuple[SomeAlert, Repository]]:
    """What there is in all repositories of an organization that whoever asks sees, the newest first."""
    login = asked.path["organization"].lower()
    owner = next((each for each in asked.world.members if each.login.lower() == login), None)
    if owner is None or not asked.viewer.belongs_to(owner):
        raise not_found()
    asked.require(permission)
    seen = [each for each in asked.world.repositories.values() if each.owner is owner and asked.viewer.sees(each)]
    found = [(alert, repository) for repository in seen for alert in of(repository)]
    return sorted(found, key=lambda one: (one[0].created_at, one[1].id, one[0].number), reverse=True)


def _beside(repository: Repository, alert: Json) -> Json:
    return {**alert, "repository": repository.as_minimal_json()}


def _cursor_page(asked: Inquiry, alerts: list[T], key: Callable[[T], int], show: Callable[[T], Json]) -> Result:
    """One page of a list, after that alert which the cursor names; its place is sought where it is now."""
    after, size = _number(asked.query.get("after")), asked.page_size
    start = 0 if after is None else next((place + 1 for place, each in enumerate(alerts) if key(each) == after), 0)
    page = alerts[start : start + size]
    links = {"next": {"after": _cursor(key(page[-1]))}} if start + size < len(alerts) else {}
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
