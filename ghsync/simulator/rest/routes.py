"""Which address is answered by which handler, and which permission it takes.

https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ghsync.simulator.rest import (
    accounts,
    alerts,
    apps,
    catalog,
    commits,
    hooks,
    issues,
    pull_requests,
    repositories,
    service,
    workflow_runs,
)
from ghsync.simulator.rest.scope import Handler, OfRepository, of_app, within

PREFIXES = ("/repos/{owner}/{repo}", "/repositories/{repository_id:int}")

ISSUES = ("issues", "pull_requests")
PULLS = ("pull_requests",)
ACTIONS = ("actions",)
CONTENTS = ("contents",)
CHECKS = ("checks",)
STATUSES = ("statuses",)

OF_REPOSITORY: tuple[tuple[str, OfRepository, tuple[str, ...]], ...] = (
    ("", repositories.single, ("metadata",)),
    ("/actions/runs", workflow_runs.listing, ACTIONS),
    ("/actions/runs/{run_id:int}", workflow_runs.single, ACTIONS),
    ("/branches", commits.branches, CONTENTS),
    ("/code-scanning/alerts", alerts.code_scanning, ("security_events",)),
    ("/code-scanning/alerts/{alert_number:int}", alerts.single_code_scanning, ("security_events",)),
    ("/commits/{ref:path}/check-runs", commits.check_runs, CHECKS),
    ("/commits/{ref:path}/check-suites", commits.check_suites, CHECKS),
    ("/commits/{ref:path}/status", commits.combined_status, STATUSES),
    ("/commits/{ref:path}/statuses", commits.statuses, STATUSES),
    ("/dependabot/alerts", alerts.dependabot, ("vulnerability_alerts",)),
    ("/dependabot/alerts/{alert_number:int}", alerts.single_dependabot, ("vulnerability_alerts",)),
    ("/issues", issues.listing, ISSUES),
    ("/issues/comments", issues.all_comments, ISSUES),
    ("/issues/comments/{comment_id:int}", issues.single_comment, ISSUES),
    ("/issues/{number:int}", issues.single, ISSUES),
    ("/issues/{number:int}/comments", issues.comments, ISSUES),
    ("/labels", catalog.labels, ISSUES),
    ("/labels/{name:path}", catalog.label, ISSUES),
    ("/milestones", catalog.milestones, ISSUES),
    ("/milestones/{number:int}", catalog.milestone, ISSUES),
    ("/pulls", pull_requests.listing, PULLS),
    ("/pulls/comments", pull_requests.all_comments, PULLS),
    ("/pulls/{number:int}", pull_requests.single, PULLS),
    ("/pulls/{number:int}/comments", pull_requests.comments, PULLS),
    ("/pulls/{number:int}/requested_reviewers", pull_requests.requested_reviewers, PULLS),
    ("/pulls/{number:int}/reviews", pull_requests.reviews, PULLS),
    ("/releases", catalog.releases, CONTENTS),
    ("/releases/{release_id:int}", catalog.release, CONTENTS),
    ("/secret-scanning/alerts", alerts.secret_scanning, ("secret_scanning_alerts",)),
    ("/secret-scanning/alerts/{alert_number:int}", alerts.single_secret_scanning, ("secret_scanning_alerts",)),
)


@dataclass(frozen=True)
class Endpoint:
    """An address with its handler. A free one costs nothing of the rate limit."""

    path: str
    handle: Handler
    method: str = "GET"
    free: bool = False


def endpoints() -> Iterator[Endpoint]:
    """Everything that is answered, in the order in which it is looked for."""
    yield Endpoint("/app", of_app(apps.app))
    yield Endpoint("/app/hook/config", of_app(hooks.config))
    yield Endpoint("/app/hook/config", of_app(hooks.configure), "PATCH")
    yield Endpoint("/app/hook/deliveries", of_app(hooks.deliveries))
    yield Endpoint("/app/hook/deliveries/{delivery_id:int}", of_app(hooks.delivery))
    yield Endpoint("/app/hook/deliveries/{delivery_id:int}/attempts", of_app(hooks.redeliver), "POST")
    yield Endpoint("/app/installations", of_app(apps.installations))
    yield Endpoint("/app/installations/{installation_id:int}", of_app(apps.installation))
    yield Endpoint("/app/installations/{installation_id:int}/access_tokens", of_app(apps.access_tokens), "POST")
    yield Endpoint("/installation/repositories", repositories.of_installation)
    yield Endpoint("/meta", service.meta)
    yield Endpoint("/orgs/{organization}/code-scanning/alerts", alerts.organization_code_scanning)
    yield Endpoint("/orgs/{organization}/dependabot/alerts", alerts.organization_dependabot)
    yield Endpoint("/orgs/{organization}/members", accounts.members)
    yield Endpoint("/orgs/{organization}/memberships/{person}", accounts.membership)
    yield Endpoint("/orgs/{organization}/secret-scanning/alerts", alerts.organization_secret_scanning)
    yield Endpoint("/rate_limit", service.rate_limit, free=True)
    yield Endpoint("/user", accounts.user)
    yield Endpoint("/user/repos", repositories.of_user)
    for prefix in PREFIXES:
        yield Endpoint(f"{prefix}/installation", of_app(apps.installation_of))
        for path, handle, permissions in OF_REPOSITORY:
            yield Endpoint(prefix + path, within(handle, *permissions))
