"""The documents that the reconciler sends, asked of a world with everything in it, say what hooks and REST say."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from graphql import parse, validate

from ghsync.github.documents import document
from ghsync.github.graphql import answers
from ghsync.github.graphql.answered import GHOST, Catalog, UnknownLabel, user
from ghsync.github.graphql.answers import Conversations
from ghsync.github.graphql.conversations import IssueNode as AnsweredIssue
from ghsync.github.graphql.pull_requests import PullRequestNode as AnsweredPullRequest
from ghsync.mirror import (
    check_run,
    check_suite,
    comment,
    commit_status,
    issue,
    label,
    milestone,
    pull_request,
    review,
    review_thread,
    workflow_run,
)
from ghsync.mirror.noun import Origin
from ghsync.mirror.user import User
from ghsync.simulator.account import Team
from ghsync.simulator.actions import (
    branches,
    conversations,
    issues,
    labels,
    pull_requests,
    repositories,
    review_threads,
)
from ghsync.simulator.commit import Change
from ghsync.simulator.commit_status import latest_statuses
from ghsync.simulator.generator import Plan, generate
from ghsync.simulator.graphql.answer import answer, loaded
from ghsync.simulator.issue import Issue
from ghsync.simulator.payload import API_URL
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.repository import Repository
from ghsync.simulator.review import submitted
from ghsync.simulator.traffic import Traffic
from ghsync.simulator.world import World
from tests.simulator.conftest import Scene
from tests.simulator.graphql.conftest import Asking, Eyes

OLDEST_FIRST = {"field": "CREATED_AT", "direction": "ASC"}
NEWEST_FIRST = {"field": "UPDATED_AT", "direction": "DESC"}

EYES = Eyes()


@pytest.fixture(scope="module")
def world() -> World:
    """Organizations with a past and a present, in which much happens to relations, requests and review threads."""
    made = generate(Plan(organizations=2, repositories=6, people=16, conversations=600), seed=10)
    often = ("add_sub_issue", "add_dependency", "type_issue", "request_team", "enable_auto_merge", "start_thread")
    traffic = Traffic(made, seed=10, weights=dict.fromkeys(often, 60.0))
    for _ in range(2_500):
        traffic.act()
    return made


@pytest.mark.parametrize("name", ["conversations", "heads", "newest", "refetch", "threads"])
def test_documents_are_valid(name: str) -> None:
    assert validate(loaded(), parse(document(name))) == []


def test_issues_are_what_rest_says(world: World) -> None:
    seen: set[str] = set()
    for repository in world.repositories.values():
        catalog = catalog_of(repository)
        told = {each.number: each.payload(catalog, API_URL) for each in pages(world, repository, "issues")}
        assert told == {each.number: payload_of(each) for each in repository.issues.values() if not each.pull_request}
        for payload in told.values():
            seen |= traits_of_issue(payload)
    assert seen == {
        "by a bot", "by a ghost", "by a mannequin", "without body", "labeled", "assigned", "in a milestone", "locked",
        "commented", "typed", "part of another", "with parts", "blocked", "blocking",
        "open", "closed as completed", "closed as not_planned", "closed as duplicate", "open as reopened",
    }  # fmt: skip


def test_pull_requests_are_what_rest_says(world: World) -> None:
    seen: set[str] = set()
    for repository in world.repositories.values():
        catalog = catalog_of(repository)
        found = [
            each
            for each in pages(world, repository, "pull_requests")
            if not each.cut and not each.review_threads.page_info.has_next_page
        ]
        told = {each.number: each.payload(catalog) for each in found}
        asked = {number: each for number, each in repository.pull_requests.items() if len(each.threads) <= 10}
        assert told == {number: payload_of_pull(world, each) for number, each in asked.items()}
        for payload in told.values():
            seen |= traits_of_pull_request(payload, repository)
    assert seen == {
        "by a bot", "by a ghost", "by a mannequin", "without body", "labeled", "assigned", "in a milestone", "locked",
        "commented", "draft", "open", "closed", "merged", "ordered merged", "asks a user", "asks a team",
        "with review comments", "from a fork", "mergeable", "not mergeable", "unknown",
    }  # fmt: skip


def test_comments_are_what_rest_says(world: World) -> None:
    decoder = msgspec.json.Decoder(comment.Payload)
    for repository in world.repositories.values():
        found = [*pages(world, repository, "issues"), *pages(world, repository, "pull_requests")]
        for node in found:
            made = repository.issues[node.number].comments
            assert [each.payload for each in node.comments.nodes] == [
                decoder.decode(msgspec.json.encode(each.as_json())) for each in made[:30]
            ]
            assert node.comments.total_count == len(made)
            assert node.comments.page_info.has_next_page == (len(made) > 30)


AT = Origin(datetime(2026, 3, 2, tzinfo=UTC), "api", "reconcile")


def test_reviews_and_comments_on_lines_are_what_hooks_and_rest_say(world: World) -> None:
    found = 0
    for repository in world.repositories.values():
        for node in pages(world, repository, "pull_requests"):
            made = repository.pull_requests[node.number]
            hooked = [decoded(review.Payload, each.as_json()) for each in submitted(made.reviews)]
            assert [kept(review.row(each.payload, 1, AT)) for each in node.reviews.nodes] == [
                review.row(each, 1, AT) for each in hooked[:50]
            ]
            told = [each.author_can_push_to_repository for each in node.reviews.nodes]
            assert told == [each.author_can_push for each in submitted(made.reviews)[:50]]
            if node.review_threads.cut or node.review_threads.page_info.has_next_page:
                continue
            listed = [decoded(comment.ReviewComment, each.as_json()) for each in made.review_comments]
            comments = sorted(node.review_threads.comments(), key=lambda each: each.id)
            assert [comment.review_row(each, 1, AT) for each in comments] == [
                comment.review_row(each, 1, AT) for each in listed
            ]
            found += len(comments)
    assert found > 50


def test_threads_are_what_hooks_say(world: World) -> None:
    settled = set()
    for repository in world.repositories.values():
        for node in pages(world, repository, "pull_requests"):
            made = {each.node_id: each for each in repository.pull_requests[node.number].threads}
            for told in node.review_threads.nodes:
                thread = made[told.id]
                hooked = review_thread.row(
                    decoded(review_thread.Payload, thread.as_json()), node.number, AT,
                    resolved=thread.resolved_by is not None,
                    by=decoded(User, thread.resolved_by.as_json()) if thread.resolved_by else None,
                )  # fmt: skip
                by = user(told.resolved_by)
                shown = review_thread.row(told.payload, node.number, AT, resolved=told.is_resolved, by=by)
                assert shown == hooked
                settled.add(told.is_resolved)
    assert settled == {True, False}


def test_checks_of_open_heads_are_what_hooks_say(world: World) -> None:
    seen: set[str] = set()
    for repository in world.repositories.values():
        open_ones = {n: each for n, each in repository.pull_requests.items() if each.issue.state == "open"}
        heads = list(pages(world, repository, "heads"))
        assert sorted(head.number for head in heads) == sorted(open_ones)
        for head in heads:
            if head.commit is None or head.commit.cut:
                continue
            sha = open_ones[head.number].head_commit.sha
            suites = repository.check_suites.get(sha, [])
            assert head.head_ref_oid == sha
            told = head.commit.suites
            assert [kept(check_suite.row(each.payload(sha), AT)) for each in told] == [
                kept(check_suite.row(decoded(check_suite.Payload, each.as_json()), AT)) for each in suites
            ]
            runs = [run for suite in suites for run in suite.latest_runs]
            assert [check_run.row(run, AT) for each in told for run in each.runs(sha)] == [
                check_run.row(decoded(check_run.Payload, run.as_json()), AT) for run in runs
            ]
            workflows = [suite.workflow_run for suite in suites if suite.workflow_run]
            assert [kept(workflow_run.row(one, AT)) for each in told if (one := each.workflow(sha))] == [
                kept(workflow_run.row(decoded(workflow_run.Payload, each.as_json()), AT)) for each in workflows
            ]
            newest = latest_statuses(repository.statuses.get(sha, ()))
            statuses = head.statuses(repository.id)
            assert statuses is not None
            assert sorted((commit_status.row(each, sha, AT) for each in statuses), key=str) == sorted(
                (commit_status.row(decoded(commit_status.Payload, each.as_json()), sha, AT) for each in newest), key=str
            )
            seen |= {run.conclusion or run.status for run in runs} | {f"status {each.state}" for each in newest}
    assert seen >= {"success", "failure", "status success", "status failure"}


ONLY_ELSEWHERE = ("head_branch", "run_attempt", "pull_requests", "naming_updated_at", "naming_observed_at")
ONLY_HERE = ("author_can_push", "access_observed_at")


def kept(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what GraphQL does not tell, or of a deleted branch not any more, and what it alone tells."""
    return {name: value for name, value in row.items() if name not in (*ONLY_ELSEWHERE, *ONLY_HERE)}


def test_single_ones_are_what_lists_say(world: World) -> None:
    repository = next(iter(world.repositories.values()))
    listed = [*pages(world, repository, "issues"), *pages(world, repository, "pull_requests")]
    asked = listed[::-7][:50]
    answered = answers.refetch_decoder.decode(data(world, "refetch", ids=[each.id for each in asked]))
    assert answered.nodes == asked
    assert {type(each) for each in asked} == {AnsweredIssue, AnsweredPullRequest}


def test_the_most_recently_changed_come_first_where_that_is_asked_for(world: World) -> None:
    repository = next(iter(world.repositories.values()))
    for what in ("issues", "pull_requests"):
        changed = [each.updated_at for each in pages(world, repository, what, order=NEWEST_FIRST)]
        assert changed == sorted(changed, reverse=True)
        assert len(changed) > 20


def test_the_newest_change_of_each_repository_is_told(world: World) -> None:
    asked = list(world.repositories.values())[:100]
    answered = answers.newest_decoder.decode(data(world, "newest", ids=[each.node_id for each in asked]))
    for repository, newest in zip(asked, answered.nodes, strict=True):
        assert newest is not None
        assert (newest.id, newest.name_with_owner) == (repository.node_id, repository.full_name)
        pulls = [each.issue for each in repository.pull_requests.values()]
        others = [each for each in repository.issues.values() if each.pull_request is None]
        for told, there in ((newest.issues, others), (newest.pull_requests, pulls)):
            assert told.total_count == len(there)
            latest = max((each.updated_at.replace(microsecond=0) for each in there), default=None)
            assert told.changed_at == latest


def test_what_is_gone_is_null_in_its_place(asking: Asking, pull_request: PullRequest) -> None:
    scene = asking.scene
    other = repositories.create(scene.world, scene.organization, "beacon", by=scene.ada)
    stays, goes, moves = (
        issues.open_issue(scene.world, scene.repository, title, by=scene.ada) for title in ("Stays", "Goes", "Moves")
    )
    ids = [each.node_id for each in (goes, stays, moves, pull_request)]
    issues.delete(scene.world, goes, by=scene.ada)
    issues.transfer(scene.world, moves, other, by=scene.ada)
    answered = asking.answer(document("refetch"), ids=ids)
    nodes = answers.refetch_decoder.decode(msgspec.json.encode(answered.payload["data"])).nodes
    assert [node and node.number for node in nodes] == [None, stays.number, None, pull_request.number]
    assert [error["type"] for error in answered.payload["errors"]] == ["NOT_FOUND", "NOT_FOUND"]


def test_a_repository_that_is_not_seen_is_null(asking: Asking) -> None:
    repository = asking.scene.repository
    asking.eyes.hidden.append(repository)
    shown = asking.answer(document("conversations"), **page_of(repository, "issues")).payload["data"]
    assert answers.conversations_decoder.decode(msgspec.json.encode(shown)).node is None
    shown = asking.answer(document("newest"), ids=[repository.node_id]).payload["data"]
    assert answers.newest_decoder.decode(msgspec.json.encode(shown)).nodes == [None]


def test_one_page_of_each_kind_comes_at_once_and_only_what_is_wanted(world: World) -> None:
    repository = next(iter(world.repositories.values()))
    both = page_of(repository, "issues", "pull_requests")
    node = answers.conversations_decoder.decode(data(world, "conversations", **both)).node
    assert node is not None
    assert node.issues is not None
    assert node.pull_requests is not None
    assert list(node.issues.nodes) == list(pages(world, repository, "issues"))[:40]
    assert list(node.pull_requests.nodes) == list(pages(world, repository, "pull_requests"))[:40]
    only = answers.conversations_decoder.decode(data(world, "conversations", **page_of(repository, "issues"))).node
    assert only == Conversations(node.issues, None)


def test_a_pull_request_outlives_the_fork_it_came_from(attentive_scene: Scene) -> None:
    scene = attentive_scene
    fork = repositories.create(scene.world, scene.ben, "lamp", by=scene.ben, fork_of=scene.repository)
    commit = branches.commit(scene.world, scene.ben, "Dimmer", Change("lamp.c", 1, 1))
    branches.create(scene.world, fork, "dimmer", commit, by=scene.ben)
    opened = pull_requests.open_pull_request(
        scene.world, scene.repository, "dimmer", "Dimmer", by=scene.ben, head_repository=fork
    )
    repositories.delete(scene.world, fork, by=scene.ben)
    (told,) = pages(scene.world, scene.repository, "pull_requests")
    payload = told.payload(catalog_of(scene.repository))
    assert payload == payload_of_pull(scene.world, opened)
    assert payload.head == pull_request.Branch("dimmer", commit.sha, None)


def test_who_merged_and_has_gone_is_a_ghost(attentive_scene: Scene, pull_request: PullRequest) -> None:
    scene = attentive_scene
    pull_requests.merge(scene.world, pull_request, by=scene.ben)
    scene.ben.deleted = True
    (told,) = pages(scene.world, scene.repository, "pull_requests")
    payload = told.payload(catalog_of(scene.repository))
    assert payload == payload_of_pull(scene.world, pull_request)
    assert payload.merged_by == payload.user == GHOST


@pytest.mark.parametrize("many", ["labels", "assignees", "requests"])
def test_what_has_more_of_something_than_a_page_says_that_it_is_cut(
    attentive_scene: Scene, pull_request: PullRequest, many: str
) -> None:
    scene = attentive_scene
    (whole,) = pages(scene.world, scene.repository, "pull_requests")
    assert not whole.cut
    for number in range(51):
        add(scene, pull_request, many, number)
    (told,) = pages(scene.world, scene.repository, "pull_requests")
    assert told.cut


def test_threads_go_on_in_a_document_of_their_own(attentive_scene: Scene, pull_request: PullRequest) -> None:
    scene = attentive_scene
    for number in range(61):
        add(scene, pull_request, "threads", number)
    (told,) = pages(scene.world, scene.repository, "pull_requests")
    threads = told.review_threads
    found = [each.id for each in threads.nodes]
    while threads.page_info.has_next_page:
        more = data(scene.world, "threads", pullRequest=told.id, after=threads.page_info.end_cursor)
        threads = answers.threads_decoder.decode(more).node.review_threads
        found += [each.id for each in threads.nodes]
    assert not told.cut
    assert found == [each.node_id for each in pull_request.threads]


def test_a_label_that_was_made_since_is_not_known(attentive_scene: Scene) -> None:
    scene = attentive_scene
    catalog = catalog_of(scene.repository)
    made = labels.create(scene.world, scene.repository, "brand new", by=scene.ada)
    issues.open_issue(scene.world, scene.repository, "Dark", by=scene.ada, labels=[made])
    (told,) = pages(scene.world, scene.repository, "issues")
    with pytest.raises(UnknownLabel):
        told.payload(catalog, API_URL)
    assert told.payload(catalog_of(scene.repository), API_URL).labels[0].name == "brand new"


def data(world: World, name: str, **variables: object) -> bytes:
    """What a document brings, without errors."""
    answered = answer(world, EYES, document(name), variables)
    assert "errors" not in answered.payload, answered.payload["errors"]
    assert answered.payload["data"].keys() >= {"rateLimit"}
    return msgspec.json.encode(answered.payload["data"])


def pages(world: World, repository: Repository, what: str, order: dict[str, str] = OLDEST_FIRST) -> Iterator[Any]:
    """All issues or pull requests of a repository, page by page."""
    wanted = {**page_of(repository, what), "order": order}
    cursor = {"issues": "afterIssue", "pull_requests": "afterPullRequest", "heads": "afterHead"}[what]
    while True:
        node = answers.conversations_decoder.decode(data(world, "conversations", **wanted)).node
        assert node is not None
        page = getattr(node, what)
        yield from page.nodes
        if not page.page_info.has_next_page:
            return
        wanted[cursor] = page.page_info.end_cursor


def page_of(repository: Repository, *whats: str) -> dict[str, Any]:
    """The variables of `conversations`, for a page of what is wanted."""
    return {
        "repository": repository.node_id,
        "order": OLDEST_FIRST,
        "issues": "issues" in whats,
        "issuesSize": 40,
        "pullRequests": "pull_requests" in whats,
        "pullRequestsSize": 40,
        "heads": "heads" in whats,
        "headsSize": 20,
        "checks": True,
        "statuses": True,
        "actions": True,
    }


def catalog_of(repository: Repository) -> Catalog:
    """Labels and milestones as REST lists them."""
    listed = [decoded(label.Payload, each.as_json()) for each in repository.labels]
    planned = [decoded(milestone.Payload, each.as_json()) for each in repository.milestones]
    return Catalog({each.node_id: each for each in listed}, {each.number: each for each in planned})


def decoded(kind: type[Any], shown: dict[str, Any]) -> Any:
    """JSON as hooks and REST bring it."""
    return msgspec.json.decode(msgspec.json.encode(shown), type=kind)


def payload_of(shown: Issue) -> issue.Payload:
    """An issue's payload. A cleared body is "" or null, which is one; of its type only what is kept."""
    told = decoded(issue.Payload, shown.as_json())
    kept = told.type and {name: told.type[name] for name in ("name", "color")}
    return msgspec.structs.replace(told, body=told.body or None, type=kept)


def payload_of_pull(world: World, shown: PullRequest) -> pull_request.Payload:
    """A pull request's payload. A test merge is no merge, and of the head's repository only its id is asked."""
    told = decoded(pull_request.Payload, shown.as_json(world.now()))
    return msgspec.structs.replace(
        told,
        body=told.body or None,
        merge_commit_sha=told.merge_commit_sha if told.merged_at else None,
        head=msgspec.structs.replace(
            told.head, repo=told.head.repo and pull_request.BranchRepository(told.head.repo.id)
        ),
    )


def add(scene: Scene, pull: PullRequest, many: str, number: int) -> None:
    """Add one more of something."""
    if many == "labels":
        made = labels.create(scene.world, scene.repository, f"label {number}", by=scene.ada)
        conversations.add_labels(scene.world, pull, made, by=scene.ada)
    elif many == "assignees":
        conversations.assign(scene.world, pull, scene.world.add_account(f"user-{number}"), by=scene.ada)
    elif many == "requests":
        team: Team = scene.world.add_team(scene.organization, f"Team {number}", "They read")
        pull_requests.request_review(scene.world, pull, team, by=scene.ada)
    else:
        review_threads.start(scene.world, pull, "lamp.c", number + 1, "Why?", by=scene.ada)


def traits_of_either(told: issue.Payload | pull_request.Payload) -> Iterator[str]:
    assert told.user is not None
    if told.user == GHOST:
        yield "by a ghost"
    elif told.user.type != "User":
        yield f"by a {told.user.type.lower()}"
    found = {
        "without body": told.body is None,
        "labeled": bool(told.labels),
        "assigned": bool(told.assignees),
        "in a milestone": told.milestone is not None,
        "locked": bool(told.locked),
        "commented": bool(told.comments),
    }
    yield from (name for name, there in found.items() if there)


def traits_of_issue(told: issue.Payload) -> set[str]:
    """What is special about an issue."""
    found = {
        "typed": told.type is not None,
        "part of another": told.parent_issue_url is not msgspec.UNSET,
        "with parts": told.sub_issues_summary["total"] > 0,
        "blocked": told.issue_dependencies_summary["total_blocked_by"] > 0,
        "blocking": told.issue_dependencies_summary["total_blocking"] > 0,
    }
    state = told.state if told.state_reason is None else f"{told.state} as {told.state_reason}"
    return {*traits_of_either(told), *(name for name, there in found.items() if there), str(state)}


def traits_of_pull_request(told: pull_request.Payload, repository: Repository) -> set[str]:
    """What is special about a pull request."""
    assert told.head is not None
    assert told.head.repo is not None
    found = {
        "draft": bool(told.draft),
        "ordered merged": told.auto_merge is not None,
        "asks a user": bool(told.requested_reviewers),
        "asks a team": bool(told.requested_teams),
        "with review comments": bool(told.review_comments),
        "from a fork": told.head.repo.id != repository.id,
    }
    merging = {True: "mergeable", False: "not mergeable", None: "unknown"}[told.mergeable]
    state = "merged" if told.merged_at else str(told.state)
    return {*traits_of_either(told), *(name for name, there in found.items() if there), merging, state}
