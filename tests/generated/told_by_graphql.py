"""What rows must say of an answer of GraphQL: for each column the path of the value, and how it is read.

Written from https://docs.github.com/en/graphql/reference/objects and from the contract in db/README.md; not from what
ghsync does. Whatever belongs to something has that as ``parent``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ghsync.mirror import (
    check_run,
    check_suite,
    comment,
    commit_status,
    issue,
    label,
    milestone,
    pull_request,
    release,
    review,
    review_thread,
    workflow_run,
)
from ghsync.mirror.noun import Noun
from tests.generated import answering, told
from tests.generated.told import At, Json, or_none, same

API = "https://api.github.test"
NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)

LABEL = label.Payload(1, "bug", answering.LABEL, "d73a4a", "It does not work")
MILESTONE = milestone.Payload(5, answering.MILESTONE, "First")

DECIDED = ("MERGEABLE", "CONFLICTING")


@dataclass(frozen=True)
class By(At):
    """A column with who did something: null is one who has deleted the account."""

    read: Callable[[Any], Any] = dict

    def of(self, shown: Json) -> Any:
        """What the column must hold."""
        return login(At(self.path, dict).of(shown))


@dataclass(frozen=True)
class Of:
    """A column that is worked out of the whole object."""

    read: Callable[[Json], Any]

    def of(self, shown: Json) -> Any:
        """What the column must hold."""
        return self.read(shown)


def found(path: str, shown: Any) -> Any:
    """What is at a path, None where nothing is."""
    return At(path, lambda value: value).of(shown)


def key(value: Any) -> str | None:
    """GitHub's ids, which may be sent as text."""
    return str(int(value)) if value else None


def lower(value: Any) -> str | None:
    """A word in small letters."""
    return str(value).lower() or None


def lock_reason(value: Any) -> str | None:
    """As REST writes them: https://docs.github.com/en/rest/issues/issues#lock-an-issue"""
    words = {"OFF_TOPIC": "off-topic", "TOO_HEATED": "too heated", "RESOLVED": "resolved", "SPAM": "spam"}
    return words.get(value, lower(value))


def moment(value: Any) -> datetime | None:
    """A time; the first year is none."""
    read = datetime.fromisoformat(value)
    return read.astimezone(UTC) if read.year > 1 else None


def changed(value: Any) -> datetime | None:
    """A time of change; one that cannot be yet is the question's."""
    read = moment(value)
    return NOW if read and read > NOW + timedelta(minutes=10) else read


def login(person: Json | None) -> str:
    """The login of an account; that of a bot says so."""
    if person is None:
        return "ghost"
    is_bot = person["__typename"] == "Bot" and not person["login"].endswith("[bot]")
    return f"{person['login']}[bot]" if is_bot else str(person["login"])


def people(nodes: list[Json]) -> list[Json]:
    """``[{id, login}]``."""
    return [{"id": one["databaseId"], "login": login(one)} for one in nodes]


def asked(pull: Json) -> list[Json]:
    """Who is asked for review, without those who are gone."""
    nodes = found("reviewRequests.nodes", pull) or []
    return [one["requestedReviewer"] for one in nodes if one["requestedReviewer"]]


def reviewers(pull: Json) -> list[Json]:
    """Those asked who are people: of bots the other doors tell nothing."""
    return people([one for one in asked(pull) if one["__typename"] not in ("Bot", "Team")])


def teams(pull: Json) -> list[Json]:
    """``[{id, slug}]``."""
    return [{"id": one["databaseId"], "slug": one["slug"]} for one in asked(pull) if one["__typename"] == "Team"]


def labels(nodes: list[Json]) -> list[Json]:
    """``[{id, name, color, description}]``: GraphQL tells which, and REST told what they are."""
    one = {"id": LABEL.id, "name": LABEL.name, "color": LABEL.color, "description": LABEL.description}
    return [one] * len(nodes)


def the_milestone(number: int) -> Json:
    """``{id, number, title, state, due_on}``: GraphQL tells which, and REST told what it is."""
    assert number == MILESTONE.number
    return {
        "id": MILESTONE.id, "number": number, "title": MILESTONE.title, "state": "open", "due_on": None,
    }  # fmt: skip


def metadata(shown: Json) -> Json:
    """The type, the summaries and the parent of an issue, by their names in REST."""
    kind, parent = shown.get("issueType"), shown.get("parent")
    said = {
        "type": kind and {"name": kind["name"], "color": kind["color"].lower()},
        "sub_issues_summary": _snake(shown.get("subIssuesSummary")),
        "issue_dependencies_summary": _snake(shown.get("issueDependenciesSummary")),
        "parent_issue_url": parent and f"{API}/repos/{parent['repository']['nameWithOwner']}/issues/{parent['number']}",
    }
    return {name: value for name, value in said.items() if value is not None}


SNAKE = {
    "total": "total",
    "completed": "completed",
    "percentCompleted": "percent_completed",
    "blockedBy": "blocked_by",
    "blocking": "blocking",
    "totalBlockedBy": "total_blocked_by",
    "totalBlocking": "total_blocking",
}


def _snake(summary: Json | None) -> Json | None:
    return summary and {SNAKE[name]: value for name, value in summary.items()}


def is_merged(pull: Json) -> bool:
    """Whether it is merged."""
    return At("mergedAt", moment).of(pull) is not None


def into_default(pull: Json) -> bool:
    """Whether it was merged into the default branch."""
    return is_merged(pull) and pull["baseRefName"] == found("baseRepository.defaultBranchRef.name", pull)


def reported(path: str, read: Callable[[Any], Any] = same) -> Of:
    """What is told with whether it can be merged, while GitHub has decided that."""
    return Of(lambda pull: At(path, read).of(pull) if pull["mergeable"] in DECIDED else None)


def auto_merge(order: Json) -> Json:
    """How it is to be merged, and by whose order."""
    return {"merge_method": order["mergeMethod"].lower(), "enabled_by": login(order["enabledBy"])}


def review_comments(pull: Json) -> int:
    """How many comments there are on lines."""
    return sum(thread["comments"]["totalCount"] for thread in pull["reviewThreads"]["nodes"])


def submitted(thread: Json) -> list[Json]:
    """The comments of a thread that all can see."""
    return [one for one in thread["comments"]["nodes"] if one["state"] == "SUBMITTED"]


FIRST = "first"
NOTHING = At("", same)

CHANGED = {"updated_at": At("updatedAt", changed), "deleted_at": NOTHING}
DATED = CHANGED | {"created_at": At("createdAt", moment)}
NAMED = {"github_id": At("fullDatabaseId", key), "node_id": At("id", same)}
NUMBERED = {"github_id": At("databaseId", key), "node_id": At("id", same)}

CONVERSATION = NAMED | DATED | {
    "number": At("number", same),
    "title": At("title", same),
    "body": At("body", or_none),
    "state": At("closed", {True: "closed", False: "open"}.get),
    "html_url": At("url", same),
    "labels": At("labels.nodes", labels, []),
    "assignees": At("assignees.nodes", people, []),
    "milestone": At("milestone.number", the_milestone),
    "locked": At("locked", same),
    "comments_count": At("comments.totalCount", same),
    "created_by": By("author"),
    "created_by_id": At("author.databaseId", key),
    "closed_at": At("closedAt", moment),
}  # fmt: skip

ISSUE = CONVERSATION | {
    "state_reason": At("stateReason", lower),
    "active_lock_reason": At("activeLockReason", lock_reason),
    "metadata": Of(metadata),
    "transferred_to": NOTHING,
}

PULL_REQUEST = CONVERSATION | {
    "head_ref": At("headRefName", same),
    "head_sha": At("headRefOid", same),
    "head_repository_id": At("headRepository.databaseId", key),
    "base_ref": At("baseRefName", same),
    "base_sha": At("baseRefOid", same),
    "draft": At("isDraft", same),
    "merged": Of(is_merged),
    "merged_at": At("mergedAt", moment),
    "merged_into_default": Of(into_default),
    "merge_commit_sha": Of(lambda pull: found("mergeCommit.oid", pull) if is_merged(pull) else None),
    "merged_by": Of(lambda pull: login(pull["mergedBy"]) if is_merged(pull) else None),
    "reviewers": Of(reviewers),
    "requested_teams": Of(teams),
    "auto_merge": At("autoMergeRequest", auto_merge),
    "author_association": At("authorAssociation", same),
    "additions": At("additions", same),
    "deletions": At("deletions", same),
    "changed_files": At("changedFiles", same),
    "commits": At("commits.totalCount", same),
    "review_comments_count": Of(review_comments),
    "reported_mergeable": reported("mergeable", {"MERGEABLE": True, "CONFLICTING": False}.get),
    "reported_mergeable_state": reported("mergeStateStatus", lower),
    "reported_head_sha": reported("headRefOid"),
    "reported_base_sha": reported("baseRefOid"),
    "reported_base_ref": reported("baseRefName"),
}

SAID = NAMED | CHANGED | {
    "number": At("parent.number", same),
    "author": By("author"),
    "author_id": At("author.databaseId", key),
    "body": At("body", same),
    "html_url": At("url", same),
}  # fmt: skip

WRITTEN = SAID | DATED

COMMENT = WRITTEN | {
    "kind": Of(lambda _: "issue_comment"),
    "comments_count": At("parent.comments.totalCount", same),
    **dict.fromkeys(("review_id", "in_reply_to_id", "path", "line", "commit_sha"), NOTHING),
}

REVIEW_COMMENT = WRITTEN | {
    "kind": Of(lambda _: "review_comment"),
    "review_id": At("pullRequestReview.fullDatabaseId", key),
    "in_reply_to_id": At("replyTo.fullDatabaseId", key),
    "path": At("path", same),
    "line": At("originalLine", same),
    "commit_sha": At("originalCommit.oid", same),
}

REVIEW = SAID | {
    "body": At("body", or_none),
    "state": At("state", lower),
    "commit_sha": At("commit.oid", same),
    "author_association": At("authorAssociation", same),
    "author_can_push": At("authorCanPushToRepository", same),
    "submitted_at": At("submittedAt", moment),
}

THREAD = {
    "node_id": At("id", same),
    "number": At("parent.number", same),
    "path": At(f"{FIRST}.path", same),
    "line": At(f"{FIRST}.originalLine", same),
    "first_comment_id": At(f"{FIRST}.fullDatabaseId", key),
    "resolved": At("isResolved", same),
    "resolved_by": Of(lambda thread: login(thread["resolvedBy"]) if thread["isResolved"] else None),
    "updated_at": NOTHING,
    "deleted_at": NOTHING,
}

CHECKED = {"head_sha": At("sha", same)}
APP = {"app_id": At("parent.app.databaseId", key), "app_slug": At("parent.app.slug", same)}

CHECK_SUITE = NUMBERED | DATED | CHECKED | {
    "app_id": At("app.databaseId", key),
    "app_slug": At("app.slug", same),
    "head_branch": At("branch.name", same),
    "status": At("status", lower),
    "conclusion": At("conclusion", lower),
}  # fmt: skip

CHECK_RUN = NUMBERED | CHECKED | APP | {
    "name": At("name", same),
    "check_suite_id": At("parent.databaseId", key),
    "status": At("status", lower),
    "conclusion": Of(lambda run: lower(run["conclusion"] or "") if run["status"] == "COMPLETED" else None),
    "html_url": At("url", same),
    "title": At("title", or_none),
    "summary": At("summary", or_none),
    "started_at": At("startedAt", moment),
    "completed_at": At("completedAt", moment),
    "updated_at": NOTHING,
    "deleted_at": NOTHING,
}  # fmt: skip

WORKFLOW_RUN = NUMBERED | DATED | CHECKED | {
    "workflow_id": At("workflow.databaseId", key),
    "name": At("workflow.name", same),
    "event": At("event", same),
    "head_branch": At("parent.branch.name", same),
    "run_number": At("runNumber", same),
    "run_attempt": NOTHING,
    "status": At("parent.status", lower),
    "conclusion": At("parent.conclusion", lower),
    "check_suite_id": At("parent.databaseId", key),
    "html_url": At("url", same),
}  # fmt: skip

STATUS = DATED | CHECKED | {
    "github_id": Of(lambda status: answering.number_in(status["id"])),
    "context": At("context", same),
    "state": At("state", lower),
    "description": At("description", same),
    "target_url": At("targetUrl", same),
    "creator": By("creator"),
    "updated_at": At("createdAt", changed),
}  # fmt: skip

PAGE = {
    "after": At("pageInfo.endCursor", same),
    "total": At("totalCount", same),
    "ended": At("pageInfo.hasNextPage", {True: False, False: True}.get),
}

Rows = Iterator[tuple[Noun, Mapping[str, At | Of], Json]]


def conversation(shown: Json) -> Rows:
    """The rows of an issue or a pull request, and of what is said of it: columns, and the object that tells of them."""
    if shown["__typename"] == "Issue":
        yield issue.noun, ISSUE, shown
    else:
        yield pull_request.noun, PULL_REQUEST, shown
        yield from _reviewed(shown)
    for one in shown["comments"]["nodes"]:
        yield comment.noun, COMMENT, one | {"parent": shown}


def _reviewed(shown: Json) -> Rows:
    for one in shown["reviews"]["nodes"]:
        if one["state"] != "PENDING":
            yield review.noun, REVIEW, one | {"parent": shown}
    for thread in shown["reviewThreads"]["nodes"]:
        said = submitted(thread)
        for one in said:
            yield comment.noun, REVIEW_COMMENT, one | {"parent": shown}
        if said:
            yield review_thread.noun, THREAD, thread | {"parent": shown, FIRST: said[0]}


def head(shown: Json) -> Rows:
    """The rows of what is checked of a head; of another commit than the head's nothing counts."""
    commit, sha = _commit(shown), shown["headRefOid"]
    if commit.get("oid") != sha:
        return
    for one in found("status.contexts", commit) or ():
        yield commit_status.noun, STATUS, one | {"sha": sha}
    for suite in found("checkSuites.nodes", commit) or ():
        yield check_suite.noun, CHECK_SUITE, suite | {"sha": sha}
        for run in found("checkRuns.nodes", suite) or ():
            yield check_run.noun, CHECK_RUN, run | {"sha": sha, "parent": suite}
        if workflow := suite.get("workflowRun"):
            yield workflow_run.noun, WORKFLOW_RUN, workflow | {"sha": sha, "parent": suite}


def _commit(shown: Json) -> Json:
    nodes = found("lastCommit.nodes", shown) or [None]
    return dict(nodes[0]["commit"]) if nodes[0] else {}


def is_whole(shown: Json) -> bool:
    """Whether an answer tells all of an item; where it does not, REST has to be asked."""
    if any(map(_is_unfinished, _within(shown))):
        return False
    return _is_known(shown) and _shows_reviewers(shown) if "__typename" in shown else not _hides_statuses(shown)


def _within(shown: Any, name: str = "") -> Iterator[tuple[str, Json]]:
    """All objects, each with the name that it has in what it is in."""
    if isinstance(shown, dict):
        yield name, shown
        for inside, value in shown.items():
            yield from _within(value, inside)
    if isinstance(shown, list):
        for value in shown:
            yield from _within(value, name)


def _is_unfinished(within: tuple[str, Json]) -> bool:
    """Whether something goes on elsewhere, has a hole or lacks its identity."""
    name, shown = within
    nodes = shown.get("nodes", [])
    has_hole = nodes is None or None in nodes or shown.get("reviews", {}) is None
    return has_hole or bool(shown.get("hasNextPage")) or _lacks_identity(name, shown)


def _lacks_identity(name: str, shown: Json) -> bool:
    if name == "requestedReviewer":  # of bots the other doors tell nothing
        return shown["__typename"] != "Bot" and shown.get("databaseId") is None
    if name == "nodes" and "login" in shown:
        return shown.get("databaseId") is None
    identities = [shown[each] for each in ("fullDatabaseId", "databaseId") if each in shown]
    return name in ("", "nodes", "workflowRun") and None in identities


def _is_known(shown: Json) -> bool:
    """Whether REST has told of its labels, by node id or by name, and of its milestone."""
    number = found("milestone.number", shown)
    return number in (None, MILESTONE.number) and all(
        one["id"] == LABEL.node_id or one["name"].lower() == LABEL.name for one in found("labels.nodes", shown) or ()
    )


def _shows_reviewers(shown: Json) -> bool:
    """Whether it is told who is asked for review, or that nobody is."""
    if shown["__typename"] == "Issue":
        return True
    requests = shown.get("reviewRequests", {})
    return requests is None or "nodes" in requests or requests.get("totalCount") == 0


def _hides_statuses(shown: Json) -> bool:
    """Whether the numbers of its statuses are not told: node ids have to be as GitHub's are today, its own too."""
    contexts = found("status.contexts", _commit(shown)) or []
    numbers = [answering.number_in(one["id"]) for one in contexts]
    return bool(contexts) and (answering.number_in(shown["id"]) != key(shown["fullDatabaseId"]) or None in numbers)


def releases(nodes: list[Json]) -> Rows:
    """The rows of releases, of which the document asks in REST's words."""
    columns = told.RELEASE | {"created_by_id": At("author.id", key), "published_at": At("published_at", moment)}
    return ((release.noun, columns, one) for one in nodes)


def tells_news(shown: Json) -> bool:
    """Whether a repository is told of with all that says whether something has changed."""
    return not any(map(_is_unfinished, _within(shown)))


def is_later(shown: Json, than: datetime) -> bool:
    """Whether anything in a repository was changed later."""
    nodes = [shown, *shown["issues"]["nodes"], *shown["pullRequests"]["nodes"]]
    return any(datetime.fromisoformat(each["updatedAt"]) > than for each in nodes)


def is_page(shown: Json | None) -> bool:
    """Whether a repository is shown, and in it no list and no issue or pull request is null or lacks its identity."""
    if not shown or None in [shown[each]["nodes"] for each in ("issues", "pullRequests", "heads")]:
        return False
    items = [*shown["issues"]["nodes"], *shown["pullRequests"]["nodes"]]
    return all(item and item["fullDatabaseId"] is not None for item in items)
