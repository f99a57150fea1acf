"""All that asks GitHub something, each in a situation in which it does."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ghsync.database import transaction
from ghsync.doctor import there
from ghsync.inbox.recorder import Recorder
from ghsync.reconciler import alerts, installations, places, refetch
from ghsync.reconciler.audit import audit
from ghsync.reconciler.heal import heal
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.resync import resync
from ghsync.reconciler.runs import Tally
from ghsync.reconciler.sweep import sweep
from ghsync.settings import Settings
from tests.faulty import Answer
from tests.matrix import world
from tests.matrix.mirror import Stale
from tests.matrix.ways import WAYS, edited, redirected

REPOSITORY = "GET /repositories/{repository_id:int}"
ONE_ISSUE = f"{REPOSITORY}/issues/{{number:int}}"


@dataclass(frozen=True)
class Stage:
    """What a doer works with."""

    reconciler: Reconciler
    settings: Settings
    stale: Stale

    @property
    def repository(self) -> str:
        """Our id of the repository."""
        return self.stale.one("SELECT id FROM github_repositories")

    def make_due(self, kind: str, key: str) -> None:
        """Let a job be due."""
        self.stale.connection.execute("INSERT INTO sync_jobs (kind, key) VALUES (%s, %s)", [kind, key])


Do = Callable[[Stage], Awaitable[list[str]]]
"""Answers what it tells of by itself."""


@dataclass(frozen=True)
class Doer:
    """One that asks; ``always`` is how some kinds of requests are answered there, ``gone`` where something is gone.

    One that is ``spare`` is tried with what no other asks.
    """

    do: Do
    always: Mapping[str, Answer] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    as_person: bool = False
    spare: bool = False


async def _discover(stage: Stage) -> list[str]:
    app = stage.reconciler.app_session("reconcile", "interactive")
    await installations.refresh(stage.reconciler, app)
    return [app.unread.sentence] if app.unread.sentence else []


async def _see(stage: Stage) -> list[str]:
    session = await stage.reconciler.session(None, "resync", "interactive")
    await installations.see(session, "lighthouse/lamp")
    return []


async def _resync(stage: Stage) -> list[str]:
    async with transaction(stage.reconciler.engine) as conn:
        (place,) = await places.everything(conn)
    await resync(stage.reconciler, place, kind="resync", full=True, priority="interactive")
    return []


async def _sweep(stage: Stage) -> list[str]:
    await sweep(stage.reconciler, complete_every=timedelta(days=9))
    return []


async def _sweep_all(stage: Stage) -> list[str]:
    await sweep(stage.reconciler, complete_every=timedelta(0), discover=True)
    return []


async def _heal(stage: Stage) -> list[str]:
    recorder = Recorder(stage.reconciler.engine, timeout_seconds=5)
    try:
        _, healed = await heal(stage.reconciler, recorder)
    finally:
        await recorder.close()
    return [] if healed.recorded else ["Nothing was brought."]


async def _audit(stage: Stage) -> list[str]:
    await audit(stage.reconciler)
    return []


async def _doctor(stage: Stage) -> list[str]:
    found = [one async for one in there.findings(stage.reconciler.github, stage.settings)]
    return [f"{one.check} {one.state}: {one.said}" for one in found]


def _refetch(kind: str, of: Callable[[Stage], str]) -> Do:
    async def do(stage: Stage) -> list[str]:
        stage.make_due(f"refetch_{kind}", of(stage))
        tally = Tally()
        if kind == "installation":
            await refetch.installation_round(stage.reconciler, tally)
        elif kind == "repository":
            await refetch.repository_round(stage.reconciler, tally)
        else:
            await refetch.conversation_round(stage.reconciler, f"refetch_{kind}", tally)
        return []

    return do


def _numbered(kind: str, number: int) -> Do:
    return _refetch(kind, lambda stage: f"{stage.repository}#{number}")


def _left_out(listed: Any) -> Any:
    """A listing in which nothing is, as of a replica that lags."""
    if isinstance(listed, list):
        return []
    if "repositories" in listed:
        return {**listed, "total_count": 0, "repositories": []}
    for node in listed["data"].get("nodes") or [listed["data"]["node"]]:
        for connection in ("issues", "pullRequests", "heads", "labels", "milestones", "releases", "things"):
            if connection in node:
                node[connection]["nodes"] = []
    return listed


def _unending(answer: Any) -> Any:
    """Threads that have another page."""
    for pull_request in _pull_requests(answer):
        pull_request["reviewThreads"]["pageInfo"]["hasNextPage"] = True
    return answer


def _without_reviewers(answer: Any) -> Any:
    """Of a server or a token to which GraphQL does not show who is asked for review."""
    for pull_request in _pull_requests(answer):
        del pull_request["reviewRequests"]
    return answer


def _pull_requests(answer: Any) -> list[Any]:
    node = answer["data"].get("node", {}).get("pullRequests", answer["data"])
    return [each for each in node.get("nodes", []) if "reviewThreads" in each]


def _there(given: Any) -> Any:
    """The issue is where the pull request is now."""
    if not given.url.endswith(f"/issues/{world.ISSUE}"):
        return given
    return redirected(given.url.removesuffix(str(world.ISSUE)) + str(world.PULL_REQUEST))(given)


NO_GRAPHQL = {
    f"GraphQL {name}": WAYS["404"] for name in ("Bulk", "Conversations", "Heads", "Newest", "Refetch", "Releases")
}
NOTHING_LISTED = dict.fromkeys(
    (
        "GET /app/installations",
        "GET /installation/repositories",
        "GET /orgs/{organization}/members",
        f"{REPOSITORY}/labels",
        f"{REPOSITORY}/milestones",
        f"{REPOSITORY}/releases",
        "GraphQL Bulk",
        "GraphQL Conversations",
        "GraphQL Releases",
    ),
    edited(_left_out),
)

NO_ALERTS = {f"{REPOSITORY}/{path}": edited(_left_out) for _, path, _ in alerts.LISTINGS.values()}

DOERS: Mapping[str, Doer] = {
    "discovery": Doer(_discover),
    "discovery, of what is not listed": Doer(_discover, NOTHING_LISTED),
    "a first look with a personal token": Doer(_see, as_person=True),
    "reading": Doer(_resync),
    "reading through REST": Doer(_resync, NO_GRAPHQL),
    "reading, of conversations that are not listed": Doer(_resync, {"GraphQL Conversations": edited(_left_out)}),
    "reading, of reviewers that are not shown": Doer(_resync, {"GraphQL Conversations": edited(_without_reviewers)}),
    "reading, of alerts that are not listed": Doer(_resync, NO_ALERTS),
    "reading, of many threads": Doer(_resync, {"GraphQL Conversations": edited(_unending)}),
    "sweep": Doer(_sweep),
    "sweep through REST": Doer(_sweep, NO_GRAPHQL),
    "sweep of all that there is": Doer(_sweep_all, spare=True),
    "sweep of all that there is, of what is not listed": Doer(_sweep_all, NOTHING_LISTED, spare=True),
    "healing": Doer(_heal),
    "healing, of what cannot be read": Doer(_heal, {"GET /app/hook/deliveries/{delivery_id:int}": WAYS["html"]}),
    "refetch of an installation": Doer(
        _refetch("installation", lambda stage: stage.stale.one("SELECT github_id FROM github_installations"))
    ),
    "refetch of a repository": Doer(_refetch("repository", lambda stage: stage.repository)),
    "refetch of a repository, of what is not listed": Doer(
        _refetch("repository", lambda stage: stage.repository), NOTHING_LISTED
    ),
    "refetch of an issue": Doer(_numbered("issue", world.ISSUE)),
    "refetch of an issue through REST": Doer(_numbered("issue", world.ISSUE), NO_GRAPHQL),
    "refetch of an issue that is elsewhere": Doer(
        _numbered("issue", world.ISSUE), NO_GRAPHQL | {ONE_ISSUE: _there}, frozenset({"github_issues"})
    ),
    "refetch of an issue that is gone": Doer(
        _numbered("issue", world.ISSUE), NO_GRAPHQL | {ONE_ISSUE: WAYS["404"]}, frozenset({"github_issues"})
    ),
    "refetch of a pull request": Doer(_numbered("pull_request", world.PULL_REQUEST)),
    "refetch of a pull request through REST": Doer(_numbered("pull_request", world.PULL_REQUEST), NO_GRAPHQL),
    "refetch of a pull request, of reviewers that are not shown": Doer(
        _numbered("pull_request", world.PULL_REQUEST), {"GraphQL Refetch": edited(_without_reviewers)}
    ),
    "refetch of checks": Doer(_numbered("checks", world.PULL_REQUEST)),
    "refetch of checks through REST": Doer(_numbered("checks", world.PULL_REQUEST), NO_GRAPHQL),
    "audit": Doer(_audit),
    "doctor": Doer(_doctor),
    "doctor of a personal token": Doer(_doctor, as_person=True),
}
