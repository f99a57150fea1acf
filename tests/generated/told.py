"""What a row must say of a payload: for each column the path of the value, and how it is read.

Written from GitHub's documentation, https://docs.github.com/en/webhooks/webhook-events-and-payloads and
https://docs.github.com/en/rest, and from the contract in db/README.md; not from what ghsync does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.generated.making import NAME_CHARACTERS

UNSTORABLE = {0: "\N{REPLACEMENT CHARACTER}", 0xD83D: "\N{REPLACEMENT CHARACTER}"}

Json = dict[str, Any]
Read = Callable[[Any], Any]


@dataclass(frozen=True)
class At:
    """A column: where its value is, how it is read, and what stands for null or nothing."""

    path: str
    read: Read
    default: Any = None

    def of(self, shown: Json) -> Any:
        """What the column must hold."""
        value: Any = shown
        for name in self.path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        read = None if value is None else self.read(value)
        return self.default if read is None else read


@dataclass(frozen=True)
class By(At):
    """A column with who did something: null is one who has deleted the account, and nobody where it is not told."""

    read: Read = dict

    def of(self, shown: Json) -> Any:
        """What the column must hold."""
        person = shown.get(self.path, {})
        return "ghost" if person is None else login(person)


def same(value: Any) -> Any:
    """As it was sent; NUL and half of a surrogate pair, which no text can hold, are replaced."""
    return value.translate(UNSTORABLE) if isinstance(value, str) else value


def key(value: Any) -> str | None:
    """GitHub's ids, as text; 0 is none."""
    return str(value) if value else None


def number(value: Any) -> int | None:
    """A number that fits in an integer column, else unknown."""
    return value if -(2**31) <= value < 2**31 else None


def moment(value: Any) -> datetime | None:
    """A time as ISO 8601 or as epoch seconds."""
    if isinstance(value, int):
        return datetime.fromtimestamp(value, UTC) if 0 <= value < 10**11 else None
    return datetime.fromisoformat(value).astimezone(UTC)


def name(value: Any) -> str | None:
    """The name of an account or a repository; nobody's is as long as that."""
    return same(value) if len(value) <= NAME_CHARACTERS else None


def lower(value: Any) -> str:
    """A word in small letters."""
    return str(same(value)).lower()


def or_none(value: Any) -> Any:
    """An empty text is none."""
    return same(value) or None


def login(value: Any) -> str | None:
    """The login of a person."""
    return name(value["login"]) if "id" in value and "login" in value else None


def people(value: Any) -> list[Json]:
    """``[{id, login}]``, without those who cannot be read."""
    return [{"id": one["id"], "login": name(one["login"])} for one in value if one and login(one) is not None]


def asked(value: Any) -> list[Json]:
    """Those asked for review who are people."""
    return people([one for one in value if one and "login" in one])


def labels(value: Any) -> list[Json]:
    """``[{id, name, color, description}]``, without those that have no id, as strings have not."""
    return [
        {
            "id": one["id"],
            "name": same(one.get("name")) or "",
            "color": same(one.get("color")),
            "description": or_none(one.get("description")),
        }
        for one in value
        if isinstance(one, dict) and "id" in one
    ]


def milestone(value: Any) -> Json | None:
    """``{id, number, title, state, due_on}``."""
    if number(value["number"]) is None:
        return None
    due_on = value.get("due_on")
    return {
        "id": value["id"],
        "number": value["number"],
        "title": same(value["title"]),
        "state": same(value["state"]),
        "due_on": moment(due_on) if due_on else None,
    }


CREATED = {"created_at": At("created_at", moment)}
DATED = CREATED | {"updated_at": At("updated_at", moment)}
IDENTIFIED = {"github_id": At("id", key), "node_id": At("node_id", same)}

CONVERSATION = IDENTIFIED | DATED | {
    "number": At("number", number),
    "title": At("title", same, ""),
    "body": At("body", or_none),
    "state": At("state", or_none, "open"),
    "html_url": At("html_url", same),
    "labels": At("labels", labels, []),
    "assignees": At("assignees", people, []),
    "milestone": At("milestone", milestone),
    "locked": At("locked", bool, False),
    "created_by": By("user"),
    "closed_at": At("closed_at", moment),
}  # fmt: skip

ISSUE = CONVERSATION | {
    "state_reason": At("state_reason", same),
    "active_lock_reason": At("active_lock_reason", same),
    "comments_count": At("comments", number),
}

PULL_REQUEST = CONVERSATION | {
    "head_ref": At("head.ref", same),
    "head_sha": At("head.sha", same),
    "head_repository_id": At("head.repo.id", key),
    "base_ref": At("base.ref", same),
    "base_sha": At("base.sha", same),
    "draft": At("draft", bool, False),
    "merged_at": At("merged_at", moment),
    "merged": At("merged_at", bool, False),
    "reviewers": At("requested_reviewers", asked, []),
}

STATS = {
    "additions": At("additions", number),
    "deletions": At("deletions", number),
    "changed_files": At("changed_files", number),
    "commits": At("commits", number),
    "review_comments_count": At("review_comments", number),
    "merged_by": At("merged_by", login),
}

COMMENT = IDENTIFIED | DATED | {
    "author": By("user"),
    "body": At("body", same),
    "html_url": At("html_url", same),
}  # fmt: skip

REVIEW_COMMENT = COMMENT | {
    "review_id": At("pull_request_review_id", key),
    "in_reply_to_id": At("in_reply_to_id", key),
    "path": At("path", same),
    "line": At("original_line", number),
    "commit_sha": At("original_commit_id", same),
}

REVIEW = IDENTIFIED | {
    "author": By("user"),
    "state": At("state", lower),
    "body": At("body", or_none),
    "html_url": At("html_url", same),
    "commit_sha": At("commit_id", same),
    "author_association": At("author_association", same),
    "submitted_at": At("submitted_at", moment),
}

LABEL = IDENTIFIED | {
    "name": At("name", same),
    "color": At("color", same),
    "description": At("description", or_none),
    "is_default": At("default", bool),
}

MILESTONE = IDENTIFIED | DATED | {
    "number": At("number", number),
    "title": At("title", same),
    "description": At("description", or_none),
    "state": At("state", same),
    "html_url": At("html_url", same),
    "created_by": At("creator", login),
    "due_on": At("due_on", moment),
    "closed_at": At("closed_at", moment),
}  # fmt: skip

RELEASE = IDENTIFIED | {
    "tag_name": At("tag_name", same),
    "name": At("name", or_none),
    "body": At("body", or_none),
    "draft": At("draft", bool, False),
    "prerelease": At("prerelease", bool, False),
    "html_url": At("html_url", same),
    "created_by": By("author"),
    "published_at": At("published_at", moment),
}

APP = {"app_id": At("app.id", key), "app_slug": At("app.slug", same)}

CHECK_RUN = IDENTIFIED | APP | {
    "head_sha": At("head_sha", same),
    "name": At("name", same),
    "check_suite_id": At("check_suite.id", key),
    "status": At("status", same, "queued"),
    "html_url": At("html_url", same),
    "title": At("output.title", or_none),
    "summary": At("output.summary", or_none),
    "started_at": At("started_at", moment),
    "completed_at": At("completed_at", moment),
}  # fmt: skip

CHECK_SUITE = IDENTIFIED | DATED | APP | {
    "head_sha": At("head_sha", same),
    "head_branch": At("head_branch", same),
    "status": At("status", same),
    "conclusion": At("conclusion", same),
}  # fmt: skip

WORKFLOW_RUN = IDENTIFIED | DATED | {
    "workflow_id": At("workflow_id", key),
    "name": At("name", same),
    "event": At("event", same),
    "head_sha": At("head_sha", same),
    "head_branch": At("head_branch", same),
    "run_number": At("run_number", number),
    "run_attempt": At("run_attempt", number),
    "status": At("status", same),
    "conclusion": At("conclusion", same),
    "check_suite_id": At("check_suite_id", key),
    "html_url": At("html_url", same),
}  # fmt: skip

STATUS = {
    "github_id": At("id", key),
    "context": At("context", same, "default"),
    "state": At("state", same),
    "description": At("description", same),
    "target_url": At("target_url", same),
    **DATED,
}

ALERT = DATED | {
    "number": At("number", number),
    "html_url": At("html_url", same),
}  # fmt: skip

REPOSITORY = IDENTIFIED | DATED | {
    "full_name": At("full_name", same),
    "default_branch": At("default_branch", or_none, "main"),
    "html_url": At("html_url", same),
    "description": At("description", same),
    "homepage": At("homepage", same),
    "language": At("language", same),
    "private": At("private", same),
    "archived": At("archived", same, False),
    "disabled": At("disabled", same, False),
    "fork": At("fork", same, False),
}  # fmt: skip

INSTALLATION = DATED | {
    "github_id": At("id", key),
    "app_id": At("app_id", key),
    "app_slug": At("app_slug", same),
    "repository_selection": At("repository_selection", same),
    "suspended_at": At("suspended_at", moment),
}  # fmt: skip
