"""Repositories: settings, branches, and what lives in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Literal

from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import API_URL, WEB_URL, Json, epoch, iso

if TYPE_CHECKING:
    from datetime import datetime

    from ghsync.simulator.account import Account
    from ghsync.simulator.check_suite import CheckSuite
    from ghsync.simulator.code_scanning_alert import CodeScanningAlert
    from ghsync.simulator.commit import Commit
    from ghsync.simulator.commit_status import CommitStatus
    from ghsync.simulator.dependabot_alert import DependabotAlert
    from ghsync.simulator.issue import Issue
    from ghsync.simulator.label import Label
    from ghsync.simulator.milestone import Milestone
    from ghsync.simulator.pull_request import PullRequest
    from ghsync.simulator.release import Release
    from ghsync.simulator.secret_scanning_alert import SecretScanningAlert
    from ghsync.simulator.workflow_run import Workflow, WorkflowRun

Tally = Counter[tuple["Milestone | None", str]]

LICENSES = {"apache-2.0": ("Apache License 2.0", "Apache-2.0"), "mit": ("MIT License", "MIT")}

PATHS = {
    "forks_url": "/forks",
    "keys_url": "/keys{/key_id}",
    "collaborators_url": "/collaborators{/collaborator}",
    "teams_url": "/teams",
    "hooks_url": "/hooks",
    "issue_events_url": "/issues/events{/number}",
    "events_url": "/events",
    "assignees_url": "/assignees{/user}",
    "branches_url": "/branches{/branch}",
    "tags_url": "/tags",
    "blobs_url": "/git/blobs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "trees_url": "/git/trees{/sha}",
    "statuses_url": "/statuses/{sha}",
    "languages_url": "/languages",
    "stargazers_url": "/stargazers",
    "contributors_url": "/contributors",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "commits_url": "/commits{/sha}",
    "git_commits_url": "/git/commits{/sha}",
    "comments_url": "/comments{/number}",
    "issue_comment_url": "/issues/comments{/number}",
    "contents_url": "/contents/{+path}",
    "compare_url": "/compare/{base}...{head}",
    "merges_url": "/merges",
    "archive_url": "/{archive_format}{/ref}",
    "downloads_url": "/downloads",
    "issues_url": "/issues{/number}",
    "pulls_url": "/pulls{/number}",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "labels_url": "/labels{/name}",
    "releases_url": "/releases{/id}",
    "deployments_url": "/deployments",
}


@dataclass(eq=False, repr=False)
class Repository:
    """A repository. Its id stays for life; its owner and its name do not.

    `departed` has the numbers of issues that are no more: with what became of those transferred, or with nothing.
    """

    id: int
    owner: Account
    name: str
    created_at: datetime
    updated_at: datetime
    pushed_at: datetime
    description: str | None = None
    homepage: str | None = None
    language: str | None = "C"
    license: str | None = "apache-2.0"
    default_branch: str = "main"
    visibility: Literal["public", "private"] = "public"
    fork_of: Repository | None = None
    archived: bool = False
    disabled: bool = False
    deleted: bool = False
    topics: list[str] = field(default_factory=list)
    size: int = 0
    allow_auto_merge: bool = True
    delete_branch_on_merge: bool = False
    branches: dict[str, list[Commit]] = field(default_factory=dict)
    tags: dict[str, Commit] = field(default_factory=dict)
    releases: dict[int, Release] = field(default_factory=dict)
    labels: list[Label] = field(default_factory=list)
    milestones: list[Milestone] = field(default_factory=list)
    issues: dict[int, Issue] = field(default_factory=dict)
    pull_requests: dict[int, PullRequest] = field(default_factory=dict)
    departed: dict[int, Issue | None] = field(default_factory=dict)
    collaborators: dict[Account, str] = field(default_factory=dict)
    check_suites: dict[str, list[CheckSuite]] = field(default_factory=dict)
    statuses: dict[str, list[CommitStatus]] = field(default_factory=dict)
    workflows: dict[str, Workflow] = field(default_factory=dict)
    has_code_scanning: bool = True
    has_dependabot_alerts: bool = True
    has_secret_scanning: bool = True
    code_scanning_alerts: dict[int, CodeScanningAlert] = field(default_factory=dict)
    dependabot_alerts: dict[int, DependabotAlert] = field(default_factory=dict)
    secret_scanning_alerts: dict[int, SecretScanningAlert] = field(default_factory=dict)
    required_approvals: int = 0
    forks: int = 0
    stargazers: list[Account] = field(default_factory=list)
    last_number: int = 0
    last_milestone_number: int = 0
    _tally: Tally | None = field(default=None, init=False, repr=False)
    _tally_of: tuple[int, int] = field(default=(0, 0), init=False, repr=False)

    @property
    def full_name(self) -> str:
        """The owner and the name."""
        return f"{self.owner.login}/{self.name}"

    @property
    def api_url(self) -> str:
        """The repository's address in the API."""
        return f"{API_URL}/repos/{self.full_name}"

    @property
    def html_url(self) -> str:
        """The repository's page."""
        return f"{WEB_URL}/{self.full_name}"

    @property
    def node_id(self) -> str:
        """The repository's node id."""
        return node_id("R", self.id)

    def next_number(self) -> int:
        """The next number; issues and pull requests share them, and none is given twice."""
        self.last_number += 1
        return self.last_number

    def tip(self, branch: str) -> Commit:
        """The newest commit of a branch."""
        return self.branches[branch][-1]

    def commit(self, sha: str) -> Commit | None:
        """The commit of a hash: on a branch, in a pull request from wherever, or one that was checked once."""
        checked = (suite.head_commit for suites in self.check_suites.values() for suite in suites)
        stated = (status.commit for statuses in self.statuses.values() for status in statuses)
        heads = (each.head_commit for each in self.pull_requests.values())
        proposed = (commit for each in self.pull_requests.values() for commit in each.commits)
        pushed = (commit for history in self.branches.values() for commit in reversed(history))
        everything = chain(heads, pushed, proposed, checked, stated)
        return next((commit for commit in everything if commit.sha == sha), None)

    def workflow_runs(self) -> list[WorkflowRun]:
        """The runs of its workflows, the newest first."""
        suites = chain.from_iterable(self.check_suites.values())
        runs = (suite.workflow_run for suite in suites if suite.workflow_run is not None)
        return sorted(runs, key=lambda run: run.id, reverse=True)

    def tally(self) -> Tally:
        """How many issues there are of each milestone and state, counted once for all that show it."""
        # No number is given twice, so a changed set of issues has another size or another last number.
        counted_of = (len(self.issues), self.last_number)
        if self._tally is None or self._tally_of != counted_of:
            self._tally = Counter((issue.milestone, issue.state) for issue in self.issues.values())
            self._tally_of = counted_of
        return self._tally

    def forget_tally(self) -> None:
        """Count issues anew when next asked."""
        self._tally = None

    def as_reference_json(self) -> Json:
        """The few fields with which an installation's events name a repository."""
        return {
            "id": self.id,
            "node_id": self.node_id,
            "name": self.name,
            "full_name": self.full_name,
            "private": self.visibility != "public",
        }

    def as_minimal_json(self) -> Json:
        """The repository as the REST API mentions it elsewhere."""
        return {
            **self.as_reference_json(),
            "owner": self.owner.as_json(),
            "html_url": self.html_url,
            "description": self.description,
            "fork": self.fork_of is not None,
            "url": self.api_url,
            **{name: self.api_url + path for name, path in PATHS.items()},
        }

    def as_json(self) -> Json:
        """The repository as the `repository` of an event."""
        open_issues = sum(count for (_, state), count in self.tally().items() if state == "open")
        return {
            **self.as_minimal_json(),
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
            "pushed_at": iso(self.pushed_at),
            "git_url": f"git://github.com/{self.full_name}.git",
            "ssh_url": f"git@github.com:{self.full_name}.git",
            "clone_url": f"{self.html_url}.git",
            "svn_url": self.html_url,
            "homepage": self.homepage,
            "size": self.size,
            "stargazers_count": len(self.stargazers),
            "watchers_count": len(self.stargazers),
            "language": self.language,
            "has_issues": True,
            "has_projects": True,
            "has_downloads": True,
            "has_wiki": False,
            "has_pages": False,
            "has_discussions": False,
            "forks_count": self.forks,
            "mirror_url": None,
            "archived": self.archived,
            "disabled": self.disabled,
            "open_issues_count": open_issues,
            "license": self._license(),
            "allow_forking": True,
            "is_template": False,
            "web_commit_signoff_required": False,
            "has_pull_requests": True,
            "pull_request_creation_policy": "all",
            "topics": list(self.topics),
            "visibility": self.visibility,
            "forks": self.forks,
            "open_issues": open_issues,
            "watchers": len(self.stargazers),
            "default_branch": self.default_branch,
            **({"custom_properties": {}} if self.owner.type == "Organization" else {}),
        }

    def as_branch_json(self) -> Json:
        """The repository as the head or the base of a pull request: with the rules for merging."""
        whole = self.as_json()
        whole.pop("custom_properties", None)
        return {
            **whole,
            "allow_squash_merge": True,
            "allow_merge_commit": True,
            "allow_rebase_merge": True,
            "allow_auto_merge": self.allow_auto_merge,
            "delete_branch_on_merge": self.delete_branch_on_merge,
            "allow_update_branch": False,
            "use_squash_pr_title_as_default": False,
            "squash_merge_commit_message": "COMMIT_MESSAGES",
            "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
            "merge_commit_message": "PR_TITLE",
            "merge_commit_title": "MERGE_MESSAGE",
        }

    def as_push_json(self) -> Json:
        """The repository as `push` carries it: an older form, with two timestamps in epoch seconds."""
        whole = self.as_json()
        return {
            **whole,
            "owner": {"name": self.owner.login, "email": self._public_email(), **whole["owner"]},
            "url": self.html_url,
            "created_at": epoch(self.created_at),
            "pushed_at": epoch(self.pushed_at),
            "stargazers": len(self.stargazers),
            "master_branch": self.default_branch,
            **({"organization": self.owner.login} if self.owner.type == "Organization" else {}),
        }

    def _public_email(self) -> str | None:
        return None if self.owner.type == "Organization" else self.owner.email

    def _license(self) -> Json | None:
        if self.license is None:
            return None
        name, spdx_id = LICENSES[self.license]
        return {
            "key": self.license,
            "name": name,
            "spdx_id": spdx_id,
            "url": f"{API_URL}/licenses/{self.license}",
            "node_id": node_id("L", sorted(LICENSES).index(self.license)),
        }
