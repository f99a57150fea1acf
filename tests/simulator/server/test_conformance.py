"""What the simulated GitHub answers and sends, over HTTP, is what GitHub documents.

Its published models, strict, accept everything; a field that they do not know is listed here with the reason.
"""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from githubkit import webhooks
from githubkit_schemas.latest import models
from pydantic import TypeAdapter

from ghsync.simulator.app import EVERY_EVENT, SECURITY_EVENTS, Installation
from ghsync.simulator.delivery import Delivery
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.keys import Keys, public_key
from ghsync.simulator.release import visible_releases
from ghsync.simulator.repository import Repository
from ghsync.simulator.rest.routes import OF_REPOSITORY, PREFIXES, endpoints
from ghsync.simulator.rest.versions import NEW
from ghsync.simulator.sender import Sender
from ghsync.simulator.server import create_server
from ghsync.simulator.serving import serving
from ghsync.simulator.site import Site
from ghsync.simulator.traffic import Traffic
from ghsync.simulator.world import World
from tests.fixtures.test_deliveries import MISSING_IN_SOME_MODELS, UNDOCUMENTED, undocumented_fields
from tests.simulator.conftest import Scene
from tests.simulator.server.conftest import SECRET, Caller
from tests.simulator.server.receiver import receiving

pytestmark = pytest.mark.anyio

DEEDS = 3_000
PERSONAL_TOKEN = "ghp_member"

MODELS: dict[str, Any] = {
    "/app": models.Integration,
    "/app/hook/config": models.WebhookConfig,
    "/app/hook/deliveries": list[models.HookDeliveryItem],
    "/app/hook/deliveries/{delivery_id:int}": models.HookDelivery,
    "/app/hook/deliveries/{delivery_id:int}/attempts": models.AppHookDeliveriesDeliveryIdAttemptsPostResponse202,
    "/app/installations": list[models.Installation],
    "/app/installations/{installation_id:int}": models.Installation,
    "/app/installations/{installation_id:int}/access_tokens": models.InstallationToken,
    "/installation/repositories": models.InstallationRepositoriesGetResponse200,
    "/meta": models.ApiOverview,
    "/orgs/{organization}/code-scanning/alerts": list[models.CodeScanningOrganizationAlertItems],
    "/orgs/{organization}/dependabot/alerts": list[models.DependabotAlertWithRepository],
    "/orgs/{organization}/members": list[models.SimpleUser],
    "/orgs/{organization}/memberships/{person}": models.OrgMembership,
    "/orgs/{organization}/secret-scanning/alerts": list[models.OrganizationSecretScanningAlert],
    "/rate_limit": models.RateLimitOverview,
    "/repos/{owner}/{repo}/installation": models.Installation,
    "/repositories/{repository_id:int}/installation": models.Installation,
    "/user": models.PrivateUser,
    "/user/repos": list[models.Repository],
}

MODELS_OF_REPOSITORY: dict[str, Any] = {
    "": models.FullRepository,
    "/actions/runs": models.ReposOwnerRepoActionsRunsGetResponse200,
    "/actions/runs/{run_id:int}": models.WorkflowRun,
    "/branches": list[models.ShortBranch],
    "/code-scanning/alerts": list[models.CodeScanningAlertItems],
    "/code-scanning/alerts/{alert_number:int}": models.CodeScanningAlert,
    "/commits/{ref:path}/check-runs": models.ReposOwnerRepoCommitsRefCheckRunsGetResponse200,
    "/commits/{ref:path}/check-suites": models.ReposOwnerRepoCommitsRefCheckSuitesGetResponse200,
    "/commits/{ref:path}/status": models.CombinedCommitStatus,
    "/commits/{ref:path}/statuses": list[models.Status],
    "/dependabot/alerts": list[models.DependabotAlert],
    "/dependabot/alerts/{alert_number:int}": models.DependabotAlert,
    "/issues": list[models.Issue],
    "/issues/comments": list[models.IssueComment],
    "/issues/comments/{comment_id:int}": models.IssueComment,
    "/issues/{number:int}": models.Issue,
    "/issues/{number:int}/comments": list[models.IssueComment],
    "/labels": list[models.Label],
    "/labels/{name:path}": models.Label,
    "/milestones": list[models.Milestone],
    "/milestones/{number:int}": models.Milestone,
    "/pulls": list[models.PullRequestSimple],
    "/pulls/comments": list[models.PullRequestReviewComment],
    "/pulls/{number:int}": models.PullRequest,
    "/pulls/{number:int}/comments": list[models.PullRequestReviewComment],
    "/pulls/{number:int}/requested_reviewers": models.PullRequestReviewRequest,
    "/pulls/{number:int}/reviews": list[models.PullRequestReview],
    "/releases": list[models.Release],
    "/releases/{release_id:int}": models.Release,
    "/secret-scanning/alerts": list[models.SecretScanningAlert],
    "/secret-scanning/alerts/{alert_number:int}": models.SecretScanningAlert,
}

PERMISSIONS = "missing in the permissions of a check's App, and there only"
UNKNOWN_OF_REPOSITORY = {
    "actions": PERMISSIONS,
    "archived_at": "missing in the labels of an issue or a pull request, which have `archived_by`",
    "members": PERMISSIONS,
    "parent": "missing in the teams of a pull request only",
    "pull_requests": PERMISSIONS,
    "secret_scanning_alerts": PERMISSIONS,
    "security_events": PERMISSIONS,
    "statuses": PERMISSIONS,
    "vulnerability_alerts": PERMISSIONS,
}
UNKNOWN_OF_APP = {
    "actions": "missing in the permissions of the App itself only",
    "custom_properties": "missing in repositories that are listed, as GitHub lists those of an organization",
    "members": "missing in the permissions of the App itself only",
    "pull_requests": "missing in the permissions of the App itself only",
    "secret_scanning_alerts": "missing in the permissions of the App itself only",
    "security_events": "missing in the permissions of the App itself only",
    "statuses": "missing in the permissions of the App itself only",
    "vulnerability_alerts": "missing in the permissions of the App itself only",
}
"""Fields of answers that githubkit's models, or some of them, do not have."""


@dataclass(repr=False)
class Library:
    """A world in which much has happened, behind a server, and all that was asked of it."""

    world: World
    site: Site
    http: httpx.AsyncClient
    app: Caller
    token: str
    unknown: Counter[str] = field(default_factory=Counter)

    async def read(self, path: str, model: Any, *, token: str | None = None) -> Any:
        """Every page of an answer, each accepted by the model; answers the first."""
        first, url = None, path
        while url:
            headers = {"Authorization": f"Bearer {token or self.token}", "X-GitHub-Api-Version": NEW}
            answered = await self.http.get(url, headers=headers)
            assert answered.status_code == 200, (url, answered.text)
            self.accept(answered, model)
            first = answered.json() if first is None else first
            url = answered.links.get("next", {}).get("url", "")
        return first

    def accept(self, answered: httpx.Response, model: Any) -> None:
        """Let a model, strict, read an answer; note what it does not know."""
        parsed = TypeAdapter(model).validate_json(answered.content, strict=True)
        self.unknown.update(undocumented_fields(parsed, answered.json()))

    async def read_delivery(self, number: int) -> None:
        """One delivery of the log; what it was sent as and answered with has no model."""
        path = f"/app/hook/deliveries/{number}"
        answered = await self.app.as_app("GET", path)
        parsed = TypeAdapter(models.HookDelivery).validate_json(answered.content, strict=True)
        about = {name: value for name, value in answered.json().items() if name not in ("request", "response")}
        self.unknown.update(undocumented_fields(parsed, about))


@pytest.fixture(scope="module")
def lived() -> World:
    """A world with a past, and with much traffic since."""
    plan = Plan(organizations=2, repositories=6, people=14, conversations=180, security_alerts=True)
    world = generate(plan, seed=6, events=EVERY_EVENT)
    traffic = Traffic(world, seed=9)
    for _ in range(DEEDS):
        traffic.act()
    return world


@pytest.fixture
async def library(lived: World, private_key: str) -> AsyncIterator[Library]:
    installation = busiest(lived)
    person = next(iter(lived.members[installation.account]))
    app = create_server(lived, Keys(public_key(private_key), SECRET, {PERSONAL_TOKEN: person}))
    site: Site = app.state.site
    site.budgets.limits["core"] = 100_000
    async with serving(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        scene = Scene(lived, installation.account, person, person, installation.repositories[0], installation)
        caller = Caller(http, site, scene, private_key, headers={"X-GitHub-Api-Version": NEW})
        yield Library(lived, site, http, caller, await caller.log_in())


def test_every_address_has_a_model() -> None:
    of_repository = {prefix + path for prefix in PREFIXES for path in MODELS_OF_REPOSITORY}
    assert {endpoint.path for endpoint in endpoints()} == MODELS.keys() | of_repository
    assert [path for path, _, _ in OF_REPOSITORY] == list(MODELS_OF_REPOSITORY)


def busiest(world: World) -> Installation:
    """The installation that sees most."""
    working = (each for each in world.installations.values() if each.suspended_at is None)
    return max(working, key=lambda each: len(each.repositories))


def repositories(world: World) -> Iterator[Repository]:
    """Those with something in them that the App sees."""
    for repository in busiest(world).repositories:
        if repository.issues:
            yield repository


async def test_githubs_models_accept_every_answer_about_a_repository(library: Library) -> None:
    met: Counter[str] = Counter()
    for repository in repositories(library.world):
        for path, model in MODELS_OF_REPOSITORY.items():
            for filled in fillings(repository, path):
                await library.read(f"/repositories/{repository.id}{filled}", model)
                met[path] += 1
    assert met.keys() == MODELS_OF_REPOSITORY.keys()
    assert library.unknown.keys() == UNKNOWN_OF_REPOSITORY.keys()


def fillings(repository: Repository, path: str) -> Iterator[str]:
    """The addresses of a template, for a part of what is there."""
    if path.startswith("/commits"):
        for pull_request in list(repository.pull_requests.values())[-20:]:
            yield path.replace("{ref:path}", pull_request.head_commit.sha) + "?per_page=3"
    elif "{" in path:
        yield from (re.sub(r"\{.*\}", str(named), path) for named in names(repository, path))
    elif not path.endswith("/alerts"):
        yield f"{path}?state=all&per_page=100"
    elif repository.code_scanning_alerts:
        yield f"{path}?per_page=3"


def names(repository: Repository, path: str) -> list[Any]:
    """What can stand in a template, by the noun that it begins with."""
    several = {
        "/code-scanning": list(repository.code_scanning_alerts),
        "/dependabot": list(repository.dependabot_alerts),
        "/secret-scanning": list(repository.secret_scanning_alerts),
        "/actions": [run.id for run in repository.workflow_runs()[:20]],
        "/issues": list(repository.issues)[:40],
        "/issues/comments": [each.comments[0].id for each in list(repository.issues.values())[:40] if each.comments],
        "/labels": [label.name for label in repository.labels],
        "/milestones": [milestone.number for milestone in repository.milestones],
        "/pulls": list(repository.pull_requests)[:40],
        "/releases": [release.id for release in visible_releases(repository, may_push=False)],
    }
    return several[max((each for each in several if path.startswith(each)), key=len)]


async def test_githubs_models_accept_every_answer_about_app_and_accounts(library: Library) -> None:
    installation = library.app.scene.installation
    assertion = library.app.assertion()
    await library.read("/app", MODELS["/app"], token=assertion)
    await library.read("/app/hook/config", MODELS["/app/hook/config"], token=assertion)
    await library.read("/app/installations?per_page=1", MODELS["/app/installations"], token=assertion)
    one = f"/app/installations/{installation.id}"
    await library.read(one, MODELS["/app/installations/{installation_id:int}"], token=assertion)
    name = installation.repositories[0].name
    answered = await library.app.as_app("POST", f"{one}/access_tokens", {"repositories": [name]})
    library.accept(answered, MODELS["/app/installations/{installation_id:int}/access_tokens"])
    seen = installation.repositories[0]
    for path in (f"/repos/{seen.full_name}", f"/repositories/{seen.id}"):
        await library.read(f"{path}/installation", models.Installation, token=assertion)
    for path in ("/installation/repositories", "/meta", "/rate_limit"):
        await library.read(path, MODELS[path])
    members = f"/orgs/{installation.account.login}/members?per_page=2"
    first, *_ = await library.read(members, MODELS["/orgs/{organization}/members"])
    person = f"/orgs/{installation.account.login}/memberships/{first['login']}"
    await library.read(person, MODELS["/orgs/{organization}/memberships/{person}"])
    for path in ("/user", "/user/repos"):
        await library.read(path, MODELS[path], token=PERSONAL_TOKEN)
    assert library.unknown.keys() == UNKNOWN_OF_APP.keys()


async def test_githubs_models_accept_what_is_refused(library: Library) -> None:
    path = f"/repositories/{library.app.scene.repository.id}/issues/999999"
    for token in (library.token, "ghs_odd"):
        answered = await library.http.get(path, headers={"Authorization": f"Bearer {token}"})
        library.accept(answered, models.BasicError)
    assert library.unknown.keys() == set()


def samples(world: World) -> list[Delivery]:
    """One delivery of each event and action; some models do not know that an account may be a mannequin."""
    found: dict[tuple[str, str | None], Delivery] = {}
    for delivery in world.deliveries:
        if b'"Mannequin"' in delivery.body:
            continue
        found.setdefault((delivery.event, json.loads(delivery.body).get("action")), delivery)
    return list(found.values())


@pytest.mark.slow
async def test_githubs_models_accept_everything_that_arrives_and_the_log_of_it(library: Library) -> None:
    wanted = samples(library.world)
    library.site.hook_log.clock.advance(days=1)
    async with receiving(SECRET) as receiver, Sender(library.site) as sender:
        library.site.hook.url = receiver.url
        library.world.deliveries.extend(wanted)
        await sender.flush()
    assert Counter(receiver.guids) == Counter(each.guid for each in wanted)
    assert {each.event for each in receiver.arrived} >= {*EVERY_EVENT, *SECURITY_EVENTS} - {"star", "watch"}
    for arrived in receiver.arrived:
        assert arrived.verified
        parsed = webhooks.parse(arrived.event, arrived.body)
        unknown = set(undocumented_fields(parsed, json.loads(arrived.body)))
        assert unknown <= UNDOCUMENTED.keys() | MISSING_IN_SOME_MODELS, arrived.event
    listing, one = "/app/hook/deliveries", "/app/hook/deliveries/{delivery_id:int}"
    shown = await library.read(f"{listing}?per_page=100", MODELS[listing], token=library.app.assertion())
    for item in shown[:10]:
        await library.read_delivery(item["id"])
    answered = await library.app.as_app("POST", f"{listing}/{shown[0]['id']}/attempts")
    library.accept(answered, MODELS[f"{one}/attempts"])
    assert library.unknown.keys() == set()
