"""What the mirror must show of a repository, of its issues and pull requests, and of what is said about them."""

from ghsync.simulator.issue import Comment, Issue
from ghsync.simulator.label import Label
from ghsync.simulator.milestone import Milestone
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.release import Release
from ghsync.simulator.repository import Repository
from ghsync.simulator.world import World
from tests.truth.values import Row, Tables, login, people, second, visible


def of(world: World, repository: Repository) -> Tables:
    """The repository, its labels, milestones and releases, and its issues and pull requests with what is said there."""
    number = str(repository.id)
    conversations = repository.issues.values()
    pulls = [issue.pull_request for issue in conversations if issue.pull_request is not None]
    return {
        "github_repositories": {(number,): _repository(repository)},
        "github_labels": {(number, str(each.id)): _label(each) for each in repository.labels},
        "github_milestones": {(number, str(each.id)): _milestone(each) for each in repository.milestones},
        "github_releases": {
            (number, str(each.id)): _release(each) for each in repository.releases.values() if not each.draft
        },
        "github_issues": {(number, each.number): _issue(each) for each in conversations if each.pull_request is None},
        "github_pull_requests": {(number, each.number): _pull_request(world, each) for each in pulls},
        "github_comments": {
            (number, "issue_comment", str(comment.id)): _comment(comment)
            for issue in conversations
            for comment in issue.comments
        },
    }


def _repository(repository: Repository) -> Row:
    return {
        "node_id": repository.node_id,
        "owner": repository.owner.login,
        "owner_id": str(repository.owner.id),
        "name": repository.name,
        "full_name": repository.full_name,
        "tracked_name": repository.full_name,
        "default_branch": repository.default_branch,
        "html_url": repository.html_url,
        "description": repository.description,
        "homepage": repository.homepage,
        "language": repository.language,
        "visibility": repository.visibility,
        "private": repository.visibility != "public",
        "archived": repository.archived,
        "disabled": repository.disabled,
        "fork": repository.fork_of is not None,
        "topics": repository.topics,
        "created_at": second(repository.created_at),
    }


def _label(label: Label) -> Row:
    return {
        "node_id": label.node_id,
        "name": label.name,
        "color": label.color,
        "description": label.description or None,
        "is_default": label.default,
    }


def _milestone(milestone: Milestone) -> Row:
    return {
        "node_id": milestone.node_id,
        "number": milestone.number,
        "title": milestone.title,
        "description": milestone.description or None,
        "state": milestone.state,
        "due_on": second(milestone.due_on),
        "closed_at": second(milestone.closed_at),
    }


def _release(release: Release) -> Row:
    return {
        "node_id": release.node_id,
        "tag_name": release.tag_name,
        "name": release.name or None,
        "body": release.body or None,
        "draft": False,
        "prerelease": release.prerelease,
        "html_url": release.html_url,
        "created_by": login(release.author),
        "published_at": second(release.published_at),
    }


def _conversation(issue: Issue) -> Row:
    return {
        "node_id": issue.node_id,
        "title": issue.title,
        "body": issue.body or None,
        "state": issue.state,
        "html_url": issue.html_url,
        "labels": [
            {"id": label.id, "name": label.name, "color": label.color, "description": label.description or None}
            for label in issue.labels
        ],
        "assignees": people(issue.assignees),
        "milestone": _brief(issue.milestone),
        "locked": issue.locked,
        "comments_count": len(issue.comments),
        "created_by": login(issue.author),
        "created_at": second(issue.created_at),
        "closed_at": second(issue.closed_at),
    }


def _issue(issue: Issue) -> Row:
    metadata: Row = {
        "sub_issues_summary": issue.sub_issues_summary(),
        "issue_dependencies_summary": issue.dependencies_summary(),
    }
    if issue.type is not None:
        metadata["type"] = {"name": issue.type.name, "color": issue.type.color}
    if issue.parent is not None:
        metadata["parent_issue_url"] = issue.parent.api_url
    return {
        **_conversation(issue),
        "github_id": str(issue.id),
        "state_reason": issue.state_reason,
        "active_lock_reason": issue.lock_reason,
        "metadata": metadata,
    }


def _pull_request(world: World, pull: PullRequest) -> Row:
    head = pull.head_repository
    shown: Row = {
        **_conversation(pull.issue),
        "github_id": str(pull.id),
        "draft": pull.draft,
        "merged": pull.merged_at is not None,
        "merged_at": second(pull.merged_at),
        "merged_by": pull.merged_by and login(pull.merged_by),
        "merge_commit_sha": pull.merge_commit.sha if pull.merged_at and pull.merge_commit else None,
        "head_ref": pull.head_branch,
        "head_sha": pull.head_commit.sha,
        "head_repository_id": str(head.id),
        "base_ref": pull.base_branch,
        "base_sha": pull.base_commit.sha,
        "reviewers": people(pull.requested_users),
        "requested_teams": [{"id": team.id, "slug": team.slug} for team in pull.requested_teams],
        "additions": pull.additions,
        "deletions": pull.deletions,
        "changed_files": pull.changed_files,
        "commits": len(pull.commits),
        "review_comments_count": len(pull.review_comments),
        "auto_merge": pull.auto_merge
        and {"merge_method": pull.auto_merge.merge_method, "enabled_by": login(pull.auto_merge.enabled_by)},
    }
    if head.deleted or not (head.visibility == "public" or visible(world, head)):
        # It is what it was when it could be seen, if it ever was.
        del shown["head_repository_id"]
    if pull.issue.state == "open":
        state = pull.mergeable_state(world.now())
        shown |= {"mergeable": None if state == "unknown" else state != "dirty"}
    return shown


def _comment(comment: Comment) -> Row:
    return {
        "node_id": comment.node_id,
        "number": comment.issue.number,
        "author": login(comment.author),
        "body": comment.body,
        "html_url": comment.html_url,
        "created_at": second(comment.created_at),
        "updated_at": second(comment.updated_at),
    }


def _brief(milestone: Milestone | None) -> Row | None:
    return milestone and {
        "id": milestone.id,
        "number": milestone.number,
        "title": milestone.title,
        "state": milestone.state,
        "due_on": milestone.due_on and milestone.due_on.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
