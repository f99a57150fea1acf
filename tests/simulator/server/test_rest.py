from datetime import timedelta

import pytest

from ghsync.simulator.actions import (
    branches,
    checks,
    comments,
    conversations,
    issues,
    labels,
    milestones,
    pull_requests,
    releases,
    repositories,
    review_threads,
    reviews,
    statuses,
)
from ghsync.simulator.commit import Change
from ghsync.simulator.payload import iso
from ghsync.simulator.pull_request import PullRequest
from tests.simulator.server.conftest import PERSONAL_TOKEN, Caller

pytestmark = pytest.mark.anyio

LAMP = "/repos/lighthouse/lamp"


def numbers(shown: list[dict[str, int]]) -> list[int]:
    return [each["number"] for each in shown]


async def test_issues_are_listed_with_pull_requests_among_them(member: Caller, pull_request: PullRequest) -> None:
    issue = issues.open_issue(member.scene.world, member.scene.repository, "Dark", by=member.scene.ada)
    shown = await member.shown(f"{LAMP}/issues")
    assert numbers(shown) == [issue.number, pull_request.number]
    assert [("pull_request" in each) for each in shown] == [False, True]
    assert shown[1]["id"] == pull_request.issue.id != pull_request.id


async def test_only_open_issues_are_listed_unless_others_are_asked_for(member: Caller) -> None:
    world, repository, ada = member.scene.world, member.scene.repository, member.scene.ada
    done, left = (issues.open_issue(world, repository, title, by=ada) for title in ("One", "Two"))
    issues.close(world, done, by=ada)
    assert numbers(await member.shown(f"{LAMP}/issues")) == [left.number]
    assert numbers(await member.shown(f"{LAMP}/issues?state=closed")) == [done.number]
    assert numbers(await member.shown(f"{LAMP}/issues?state=all")) == [left.number, done.number]
    assert (await member.get(f"{LAMP}/issues?state=odd")).status_code == 422


async def test_issues_come_in_the_order_that_is_asked_for(member: Caller) -> None:
    world, repository, ada = member.scene.world, member.scene.repository, member.scene.ada
    first, second = (issues.open_issue(world, repository, title, by=ada) for title in ("One", "Two"))
    world.clock.advance(5)
    comments.create(world, first, "Still so.", by=ada)
    assert numbers(await member.shown(f"{LAMP}/issues?sort=updated")) == [first.number, second.number]
    assert numbers(await member.shown(f"{LAMP}/issues?sort=created&direction=asc")) == [first.number, second.number]
    assert numbers(await member.shown(f"{LAMP}/issues?sort=comments")) == [first.number, second.number]


async def test_since_is_compared_in_whole_seconds_and_includes_its_own(member: Caller) -> None:
    world, repository, ada = member.scene.world, member.scene.repository, member.scene.ada
    world.clock.advance_to(world.now().replace(microsecond=0) + timedelta(minutes=1))
    old = issues.open_issue(world, repository, "Old", by=ada)
    world.clock.advance(minutes=1, seconds=0.7)
    recent = issues.open_issue(world, repository, "New", by=ada)
    comment = comments.create(world, recent, "Indeed.", by=ada)
    assert numbers(await member.shown(f"{LAMP}/issues?since={iso(old.updated_at)}")) == [2, 1]
    for since, expected in ((iso(recent.updated_at), [2]), (iso(world.now() + timedelta(seconds=1)), [])):
        assert numbers(await member.shown(f"{LAMP}/issues?since={since}")) == expected
        found = await member.shown(f"{LAMP}/issues/comments?since={since}")
        assert [each["id"] for each in found] == [comment.id] * len(expected)
    assert (await member.get(f"{LAMP}/issues?since=yesterday")).status_code == 422


async def test_a_deleted_issue_is_gone_and_in_no_list(member: Caller) -> None:
    world, repository, ada = member.scene.world, member.scene.repository, member.scene.ada
    issue = issues.open_issue(world, repository, "Mistake", by=ada)
    comments.create(world, issue, "Oops.", by=ada)
    issues.delete(world, issue, by=ada)
    for path in (f"{LAMP}/issues/1", f"{LAMP}/issues/1/comments"):
        answered = await member.get(path)
        assert (answered.status_code, answered.json()["message"]) == (410, "This issue was deleted")
    assert (await member.get(f"{LAMP}/issues/2")).status_code == 404
    for path in ("issues?state=all", "issues/comments"):
        assert await member.shown(f"{LAMP}/{path}") == []


async def test_a_transferred_issue_leads_to_its_new_place(member: Caller) -> None:
    world, organization, ada = member.scene.world, member.scene.organization, member.scene.ada
    lens = repositories.create(world, organization, "lens", by=ada)
    issue = issues.open_issue(world, member.scene.repository, "Dim", by=ada)
    comments.create(world, issue, "Very.", by=ada)
    moved = issues.transfer(world, issue, lens, by=ada)
    answered = await member.get(f"{LAMP}/issues/1")
    place = f"{str(member.http.base_url).rstrip('/')}/repositories/{lens.id}/issues/{moved.number}"
    assert (answered.status_code, answered.headers["location"], answered.json()["url"]) == (301, place, place)
    assert (await member.shown(place))["id"] == moved.id
    onward = (await member.get(f"{LAMP}/issues/1/comments?per_page=5")).headers["location"]
    assert onward == f"{place}/comments?per_page=5"
    assert [each["body"] for each in await member.shown(onward)] == ["Very."]


async def test_where_an_issue_went_is_told_only_to_those_who_see_it_there(member: Caller) -> None:
    world, organization, ada = member.scene.world, member.scene.organization, member.scene.ada
    vault = repositories.create(world, organization, "vault", by=ada, visibility="private")
    issue = issues.open_issue(world, member.scene.repository, "Secret", by=ada)
    issues.transfer(world, issue, vault, by=ada)
    assert (await member.get(f"{LAMP}/issues/1")).status_code == 301
    await member.log_in(repositories=["lamp"])
    assert (await member.get(f"{LAMP}/issues/1")).status_code == 404


async def test_names_that_a_repository_had_lead_to_its_id(member: Caller) -> None:
    world, repository, ada = member.scene.world, member.scene.repository, member.scene.ada
    issues.open_issue(world, repository, "Dark", by=ada)
    repositories.rename(world, repository, "beacon", by=ada)
    answered = await member.get(f"{LAMP}/issues/1?x=y")
    assert answered.status_code == 301
    assert answered.headers["location"].endswith(f"/repositories/{repository.id}/issues/1?x=y")
    shown = await member.shown(answered.headers["location"])
    assert shown["repository_url"].endswith("/repos/lighthouse/beacon")
    assert (await member.get("/repos/LightHouse/Beacon")).status_code == 200


async def test_a_name_that_was_given_to_another_leads_nowhere(member: Caller) -> None:
    world, organization, ada = member.scene.world, member.scene.organization, member.scene.ada
    repositories.rename(world, member.scene.repository, "beacon", by=ada)
    other = repositories.create(world, organization, "lamp", by=ada)
    assert (await member.shown(LAMP))["id"] == other.id


async def test_a_deleted_repository_is_not_there(member: Caller) -> None:
    repositories.delete(member.scene.world, member.scene.repository, by=member.scene.ada)
    for path in (LAMP, f"/repositories/{member.scene.repository.id}", f"{LAMP}/issues"):
        assert (await member.get(path)).status_code == 404


async def test_pages_are_linked_and_have_a_hundred_at_most(member: Caller) -> None:
    world, repository, ada = member.scene.world, member.scene.repository, member.scene.ada
    for number in range(205):
        issues.open_issue(world, repository, f"Issue {number}", by=ada)
    first = await member.get(f"{LAMP}/issues?per_page=500&state=all")
    assert len(first.json()) == 100
    assert list(first.links) == ["next", "last"]
    assert first.links["last"]["url"].endswith(f"/repositories/{repository.id}/issues?per_page=500&state=all&page=3")
    second = await member.get(first.links["next"]["url"])
    assert list(second.links) == ["prev", "next", "last", "first"]
    last = await member.get(second.links["next"]["url"])
    assert list(last.links) == ["prev", "first"]
    found = numbers(first.json() + second.json() + last.json())
    assert found == list(range(205, 0, -1))
    assert len(await member.shown(f"{LAMP}/issues")) == 30
    beyond = await member.get(f"{LAMP}/issues?page=9&per_page=100")
    assert (beyond.json(), beyond.links["prev"]["url"].endswith("page=3&per_page=100")) == ([], True)


async def test_one_page_has_no_links(member: Caller) -> None:
    assert "link" not in (await member.get(f"{LAMP}/issues")).headers


async def test_pull_requests_are_listed_briefly_and_shown_whole(member: Caller, pull_request: PullRequest) -> None:
    (listed,) = await member.shown(f"{LAMP}/pulls")
    assert "additions" not in listed
    shown = await member.shown(f"{LAMP}/pulls/{pull_request.number}")
    assert (shown["additions"], shown["id"]) == (10, pull_request.id)
    assert await member.shown(f"{LAMP}/pulls?state=closed") == []
    assert len(await member.shown(f"{LAMP}/pulls?head=lighthouse:brighter&base=main&sort=updated")) == 1
    assert await member.shown(f"{LAMP}/pulls?base=other") == []
    assert (await member.get(f"{LAMP}/pulls/99")).status_code == 404


async def test_whether_it_can_be_merged_is_known_a_little_later(member: Caller, pull_request: PullRequest) -> None:
    world, ben = member.scene.world, member.scene.ben
    commit = branches.commit(world, ben, "Brighter still", Change("lamp.c", 1))
    branches.push(world, member.scene.repository, "brighter", commit, by=ben)
    path = f"{LAMP}/pulls/{pull_request.number}"
    shown = await member.shown(path)
    assert (shown["mergeable"], shown["mergeable_state"]) == (None, "unknown")
    world.clock.advance(10)
    shown = await member.shown(path)
    assert (shown["mergeable"], shown["mergeable_state"]) == (True, "clean")


async def test_reviews_and_comments_on_lines_are_shown(member: Caller, pull_request: PullRequest) -> None:
    world, ada = member.scene.world, member.scene.ada
    pull_requests.request_review(world, pull_request, ada, by=member.scene.ben)
    path = f"{LAMP}/pulls/{pull_request.number}"
    asked = await member.shown(f"{path}/requested_reviewers")
    assert [each["login"] for each in asked["users"]] == ["ada"]
    reviews.begin(world, pull_request, by=ada)
    submitted = reviews.submit(world, pull_request, by=ada)
    thread = review_threads.start(world, pull_request, "lamp.c", 3, "Why?", by=ada)
    shown = await member.shown(f"{path}/reviews")
    assert [(each["id"], each["state"]) for each in shown] == [
        (submitted.id, "APPROVED"),
        (thread.comments[0].review.id, "COMMENTED"),
    ]
    for listing in (f"{path}/comments", f"{LAMP}/pulls/comments"):
        assert [each["id"] for each in await member.shown(listing)] == [thread.comments[0].id]


async def test_checks_and_statuses_are_found_by_branch_and_by_hash(member: Caller, pull_request: PullRequest) -> None:
    world, ada, repository = member.scene.world, member.scene.ada, member.scene.repository
    first = checks.complete_check_run(world, pull_request, "bulb", by=ada, conclusion="failure")
    second = checks.run_again(world, first, by=ada)
    for state in ("pending", "success"):
        statuses.create(world, repository, pull_request.head_commit, "ci", state, by=ada)
    for ref in (pull_request.head_commit.sha, "brighter", "heads/brighter"):
        path = f"{LAMP}/commits/{ref}"
        runs = await member.shown(f"{path}/check-runs")
        assert (runs["total_count"], [each["id"] for each in runs["check_runs"]]) == (1, [second.id])
        assert (await member.shown(f"{path}/check-runs?filter=all"))["total_count"] == 2
        assert (await member.shown(f"{path}/check-suites"))["check_suites"][0]["id"] == second.suite.id
        combined = await member.shown(f"{path}/status")
        assert (combined["state"], combined["total_count"]) == ("success", 1)
        assert [each["state"] for each in await member.shown(f"{path}/statuses")] == ["success", "pending"]
    assert (await member.get(f"{LAMP}/commits/{'0' * 40}/check-runs")).status_code == 422
    assert (await member.get(f"{LAMP}/commits/nowhere/status")).status_code == 404


async def test_checks_are_filtered_by_app_and_name_and_shown_in_pages(
    member: Caller, pull_request: PullRequest
) -> None:
    world, ada = member.scene.world, member.scene.ada
    bulb = checks.complete_check_run(world, pull_request, "bulb", by=ada)
    built = checks.complete_check_run(world, pull_request, "build", by=ada, app=world.ci)
    path = f"{LAMP}/commits/{pull_request.head_commit.sha}"
    for query, runs in ((f"app_id={world.ci.id}", [built]), ("check_name=bulb", [bulb]), ("status=queued", [])):
        shown = await member.shown(f"{path}/check-runs?{query}")
        assert [each["id"] for each in shown["check_runs"]] == [run.id for run in runs]
    for query, run in ((f"app_id={world.ci.id}", built), ("check_name=bulb", bulb)):
        shown = await member.shown(f"{path}/check-suites?{query}")
        assert [each["id"] for each in shown["check_suites"]] == [run.suite.id]
    for kind in ("check-runs", "check-suites"):
        first = await member.get(f"{path}/{kind}?per_page=1")
        assert first.json()["total_count"] == 2
        second = await member.get(first.links["next"]["url"])
        assert ("next" in second.links, second.json()["total_count"]) == (False, 2)


async def test_workflow_runs_are_found_by_what_is_known_of_them(member: Caller, pull_request: PullRequest) -> None:
    world, ada = member.scene.world, member.scene.ada
    first = checks.complete_check_run(world, pull_request, "build", by=ada, app=world.ci, conclusion="failure")
    second = checks.start(world, pull_request, "build", by=ada, app=world.ci, event="push")
    failed, queued = (run.suite.workflow_run for run in (first, second))
    assert failed is not None
    assert queued is not None
    listing = f"{LAMP}/actions/runs"
    for query, runs in (
        ("per_page=5", [queued, failed]),
        (f"head_sha={pull_request.head_commit.sha}&event=push", [queued]),
        ("status=failure", [failed]),
        ("status=queued", [queued]),
        (f"check_suite_id={first.suite.id}", [failed]),
        ("branch=brighter&actor=ada", [queued, failed]),
        (f"head_sha={'0' * 40}", []),
    ):
        shown = await member.shown(f"{listing}?{query}")
        assert [each["id"] for each in shown["workflow_runs"]] == [run.id for run in runs], query
        assert shown["total_count"] == len(runs)
    assert (await member.shown(f"{listing}/{failed.id}"))["conclusion"] == "failure"
    assert (await member.get(f"{listing}/1")).status_code == 404
    assert (await member.get(f"{listing}?per_page=1")).links["next"]["url"].endswith("page=2")


async def test_checks_of_a_head_that_is_only_in_a_fork_are_found(member: Caller) -> None:
    world, repository = member.scene.world, member.scene.repository
    juno = world.add_account("juno")
    fork = repositories.create(world, juno, "lamp", by=juno, fork_of=repository)
    commit = branches.commit(world, juno, "Dimmer", Change("lamp.c", 1))
    branches.create(world, fork, "dimmer", commit, by=juno)
    opened = pull_requests.open_pull_request(world, repository, "dimmer", "Dimmer", by=juno, head_repository=fork)
    assert (await member.shown(f"{LAMP}/commits/{commit.sha}/check-runs"))["total_count"] == 0
    run = checks.complete_check_run(world, opened, "build", by=juno, app=world.ci)
    branches.force_push(world, fork, "dimmer", branches.commit(world, juno, "Dim", Change("lamp.c", 2)), by=juno)
    shown = await member.shown(f"{LAMP}/commits/{commit.sha}/check-runs")
    assert [(each["id"], each["pull_requests"]) for each in shown["check_runs"]] == [(run.id, [])]


@pytest.mark.parametrize(
    ("permission", "paths"),
    [
        ("actions", ["actions/runs"]),
        ("checks", ["commits/brighter/check-runs", "commits/brighter/check-suites"]),
        ("contents", ["branches", "releases"]),
        ("pull_requests", ["pulls/1/reviews", "pulls/1/comments"]),
        ("statuses", ["commits/brighter/status", "commits/brighter/statuses"]),
    ],
)
async def test_who_has_no_permission_is_refused_with_its_name(
    member: Caller, pull_request: PullRequest, permission: str, paths: list[str]
) -> None:
    for path in paths:
        assert (await member.get(f"{LAMP}/{path}")).status_code == 200
    del member.scene.installation.permissions[permission]
    for path in paths:
        answered = await member.get(f"{LAMP}/{path}")
        assert (answered.status_code, answered.json()["message"]) == (403, "Resource not accessible by integration")
        assert answered.headers["x-accepted-github-permissions"] == f"{permission}=read"


async def test_labels_are_found_by_their_names(member: Caller) -> None:
    world, repository, ada = member.scene.world, member.scene.repository, member.scene.ada
    label = labels.create(world, repository, "area/Dark corner", by=ada)
    assert [each["id"] for each in await member.shown(f"{LAMP}/labels")] == [label.id]
    assert (await member.shown(f"{LAMP}/labels/area%2Fdark%20corner"))["id"] == label.id
    labels.delete(world, label, by=ada)
    assert (await member.get(f"{LAMP}/labels/area%2Fdark%20corner")).status_code == 404


async def test_milestones_are_found_by_number_and_state(member: Caller) -> None:
    world, repository, ada = member.scene.world, member.scene.repository, member.scene.ada
    first, second = (milestones.create(world, repository, title, by=ada) for title in ("One", "Two"))
    milestones.close(world, first, by=ada)
    assert numbers(await member.shown(f"{LAMP}/milestones")) == [second.number]
    assert numbers(await member.shown(f"{LAMP}/milestones?state=all&direction=desc")) == [2, 1]
    assert (await member.shown(f"{LAMP}/milestones/1"))["id"] == first.id
    assert (await member.get(f"{LAMP}/milestones/3")).status_code == 404


async def test_releases_of_the_newest_commits_come_first_in_pages_that_are_asked_for_again(member: Caller) -> None:
    world, repository, ada = member.scene.world, member.scene.repository, member.scene.ada
    old, older = (releases.create(world, repository, name, by=ada) for name in ("v1.1", "v1.0"))
    world.clock.advance(minutes=1)
    branches.push(world, repository, "main", branches.commit(world, ada, "Dim"), by=ada)
    new = releases.create(world, repository, "v2.0", by=ada, draft=True)
    releases.publish(world, new, by=ada)
    first = await member.get(f"{LAMP}/releases?per_page=2")
    rest = await member.shown(first.links["next"]["url"])
    assert [each["id"] for each in first.json() + rest] == [new.id, older.id, old.id]
    assert (await member.shown(f"{LAMP}/releases/{new.id}"))["tag_name"] == "v2.0"
    for path in (f"{LAMP}/releases", f"{LAMP}/releases/{new.id}"):
        etag = (await member.get(path)).headers["etag"]
        assert (await member.get(path, **{"If-None-Match": etag})).status_code == 304
    releases.delete(world, new, by=ada)
    assert (await member.get(f"{LAMP}/releases/{new.id}")).status_code == 404


@pytest.mark.parametrize(("permission", "status"), [("read", 404), ("write", 200)])
async def test_an_app_sees_drafts_of_releases_only_where_it_may_push(
    member: Caller, permission: str, status: int
) -> None:
    world, repository, installation = member.scene.world, member.scene.repository, member.scene.installation
    draft = releases.create(world, repository, "v1.0", by=member.scene.ada, draft=True)
    installation.permissions["contents"] = permission
    await member.log_in()
    assert (await member.get(f"{LAMP}/releases/{draft.id}")).status_code == status
    shown = [each["id"] for each in await member.shown(f"{LAMP}/releases")]
    assert shown == [draft.id][: status == 200]
    installation.permissions["contents"] = "read"
    assert await member.shown(f"{LAMP}/releases") == []


async def test_people_see_drafts_of_releases_where_they_may_push(caller: Caller) -> None:
    world, repository, ada = caller.scene.world, caller.scene.repository, caller.scene.ada
    releases.create(world, repository, "v1.0", by=ada, draft=True)
    assert await caller.shown(f"{LAMP}/releases") == []
    caller.token = PERSONAL_TOKEN
    assert len(await caller.shown(f"{LAMP}/releases")) == 1
    del world.members[caller.scene.organization][ada]
    for role, seen in (("read", 0), ("write", 1)):
        repository.collaborators[ada] = role
        assert len(await caller.shown(f"{LAMP}/releases")) == seen


async def test_comments_are_shown_one_by_one_too(member: Caller) -> None:
    world, repository, ada = member.scene.world, member.scene.repository, member.scene.ada
    issue = issues.open_issue(world, repository, "Dark", by=ada)
    comment = comments.create(world, issue, "Very.", by=ada)
    assert (await member.shown(f"{LAMP}/issues/comments/{comment.id}"))["body"] == "Very."
    comments.delete(world, comment, by=ada)
    assert (await member.get(f"{LAMP}/issues/comments/{comment.id}")).status_code == 404


async def test_branches_are_shown_with_their_tips(member: Caller, pull_request: PullRequest) -> None:
    shown = await member.shown(f"{LAMP}/branches")
    assert [each["name"] for each in shown] == ["brighter", "main"]
    assert shown[0]["commit"]["sha"] == pull_request.head_commit.sha


async def test_addresses_in_answers_are_of_this_server(member: Caller) -> None:
    shown = await member.shown(LAMP)
    assert shown["url"] == f"{str(member.http.base_url).rstrip('/')}{LAMP}"
    assert "api.github.com" not in (await member.get(LAMP)).text
    assert shown["html_url"] == "https://github.com/lighthouse/lamp"


async def test_what_has_not_changed_is_not_sent_again_and_costs_nothing(member: Caller) -> None:
    world, repository, ada = member.scene.world, member.scene.repository, member.scene.ada
    issue = issues.open_issue(world, repository, "Dark", by=ada)
    first = await member.get(f"{LAMP}/issues")
    again = await member.get(f"{LAMP}/issues", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert again.headers["x-ratelimit-used"] == first.headers["x-ratelimit-used"] == "1"
    conversations.edit(world, issue, title="Darker", by=ada)
    changed = await member.get(f"{LAMP}/issues", **{"If-None-Match": first.headers["etag"]})
    assert (changed.status_code, changed.headers["x-ratelimit-used"]) == (200, "2")


async def test_a_tag_is_worth_nothing_to_another_token(member: Caller) -> None:
    first = await member.get(LAMP)
    await member.log_in()
    again = await member.get(LAMP, **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.json() == first.json()) == (200, True)


async def test_what_is_no_address_is_not_found(member: Caller) -> None:
    for path in ("/nowhere", f"{LAMP}/nowhere", f"{LAMP}/issues/one", "/repositories/7"):
        answered = await member.get(path)
        assert (answered.status_code, answered.json()["message"]) == (404, "Not Found")


async def test_a_body_that_is_no_json_is_refused(member: Caller) -> None:
    answered = await member.http.post("/graphql", content=b"{", headers={"Authorization": f"Bearer {member.token}"})
    assert (answered.status_code, answered.json()["message"]) == (400, "Problems parsing JSON")


async def test_graphql_is_answered_to_those_who_are_known(member: Caller) -> None:
    query = 'query($name: String!) { repository(owner: "lighthouse", name: $name) { databaseId } }'
    answered = await member.post("/graphql", {"query": query, "variables": {"name": "lamp"}})
    assert answered.json() == {"data": {"repository": {"databaseId": member.scene.repository.id}}}
    assert answered.headers["x-ratelimit-resource"] == "graphql"
    assert answered.headers["x-ratelimit-used"] == "1"
    assert (await member.post("/graphql", {})).json()["errors"]
    assert (await member.as_app("POST", "/graphql", {"query": "{ viewer { login } }"})).status_code == 401


async def test_github_tells_where_its_hooks_come_from(member: Caller) -> None:
    assert "127.0.0.1/32" in (await member.shown("/meta"))["hooks"]


async def test_a_version_of_the_api_shows_what_it_has(member: Caller) -> None:
    issues.open_issue(member.scene.world, member.scene.repository, "Dark", by=member.scene.ada)
    path = f"{LAMP}/issues/1"
    assert "assignee" in await member.shown(path)
    newer = await member.get(path, **{"X-GitHub-Api-Version": "2026-03-10"})
    assert ("assignee" in newer.json(), "assignees" in newer.json()) == (False, True)
    assert newer.headers["x-github-api-version-selected"] == "2026-03-10"
    assert (await member.get(path, **{"X-GitHub-Api-Version": "2001-01-01"})).status_code == 400


async def test_the_journal_has_every_request(member: Caller) -> None:
    member.site.journal.clear()
    await member.get(f"{LAMP}/issues?state=all")
    await member.post("/graphql", {"query": "{ viewer { login } }"})
    await member.get("/nowhere")
    assert [(each.method, each.address, each.status) for each in member.site.journal] == [
        ("GET", f"{LAMP}/issues?state=all", 200),
        ("POST", "/graphql", 200),
        ("GET", "/nowhere", 404),
    ]
