"""What checks come to where runs, suites and names say more than each check does, or less."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.mirror import check_run, check_suite, commit_status, pull_request, workflow_run
from ghsync.mirror.check_run import App, Suite
from ghsync.mirror.pull_request import Branch, Payload
from ghsync.mirror.user import User
from ghsync.mirror.workflow_run import Base, NamedPullRequest, Reference
from ghsync.projector.batch import Batch
from tests.mirror.reports import APP, api, at, hook, in_app, query, write

pytestmark = pytest.mark.anyio

HEAD = "a" * 40
ACTIONS, SCANNER = App(15_368, "github-actions"), App(5, "scanner")


def pulls(*numbers: int) -> Batch:
    """A batch with pull requests of one head, each into a base of its own."""
    batch = in_app()
    for number in numbers:
        payload = Payload(
            id=70 + number, number=number, title="Dry run", user=User(63, "uma"), updated_at=at(0),
            head=Branch("topic", HEAD), base=Branch(f"base-{number}", "b" * 40),
        )  # fmt: skip
        batch.add(pull_request.noun, APP.id, pull_request.row(payload, hook(1)))
    return batch


def check(number: int, suite: int, conclusion: str | None, name: str = "unit", app: App = ACTIONS) -> Batch:
    """A batch with a check run; of one that is not over, the conclusion is not known."""
    payload = check_run.Payload(
        id=number, head_sha=HEAD, name=name, status="completed" if conclusion else "in_progress",
        conclusion=conclusion, app=app, check_suite=Suite(suite), completed_at=at(3) if conclusion else None,
    )  # fmt: skip
    batch = in_app()
    batch.add(check_run.noun, APP.id, check_run.row(payload, hook(3)))
    return batch


def suite(number: int, conclusion: str | None, app: App = ACTIONS) -> Batch:
    """A batch with a check suite."""
    status = "completed" if conclusion else "queued"
    payload = check_suite.Payload(
        id=number, head_sha=HEAD, app=app, status=status, conclusion=conclusion, updated_at=at(4)
    )
    batch = in_app()
    batch.add(check_suite.noun, APP.id, check_suite.row(payload, hook(4)))
    return batch


def run(number: int, suite: int, conclusion: str | None, **fields: Any) -> Batch:
    """A batch with a run of a workflow."""
    payload = workflow_run.Payload(
        id=number, head_sha=HEAD, workflow_id=fields.pop("workflow_id", 9), name="CI",
        event=fields.pop("event", "pull_request"), status="completed" if conclusion else "in_progress",
        conclusion=conclusion, check_suite_id=suite, updated_at=at(5), repository=Reference(APP.id), **fields,
    )  # fmt: skip
    batch = in_app()
    batch.add(workflow_run.noun, APP.id, workflow_run.row(payload, hook(5)))
    return batch


def status(number: int, context: str, state: str) -> Batch:
    """A batch with a status."""
    payload = commit_status.Payload(id=number, context=context, state=state, created_at=at(2))
    batch = in_app()
    batch.add(commit_status.noun, APP.id, commit_status.row(payload, HEAD, hook(2)))
    return batch


def named(*numbers: int, of: int = APP.id) -> list[NamedPullRequest | None]:
    """Pull requests as a run names them."""
    return [NamedPullRequest(number, Base(Reference(of))) for number in numbers]


async def words(engine: AsyncEngine) -> list[str]:
    """What the checks of each pull request come to, by number."""
    return [word for (word,) in await query(engine, "SELECT ci_status FROM pr_tracking ORDER BY pr_number")]


@pytest.mark.parametrize("backwards", [False, True])
async def test_a_workflow_that_failed_while_its_known_checks_passed_is_a_failure(
    engine: AsyncEngine, backwards: bool
) -> None:
    told = [pulls(7), check(100, 3021, "success"), run(500, 3021, "failure")]
    await write(engine, *(reversed(told) if backwards else told))
    assert await words(engine) == ["failure"]
    found = await query(engine, "SELECT name, state, evidence ->> 'kind' FROM pr_blockers('acme/app', 7)")
    assert ("CI", "failed", "workflow_run") in found


async def test_of_two_jobs_of_one_name_a_red_one_with_the_smaller_id_is_seen(engine: AsyncEngine) -> None:
    await write(engine, pulls(7), check(100, 3021, "failure", "lint"), check(101, 3021, "success", "lint"))
    await write(engine, run(500, 3021, "failure"))
    assert await words(engine) == ["failure"]


async def test_a_failed_workflow_with_a_job_that_runs_again_is_pending(engine: AsyncEngine) -> None:
    await write(engine, pulls(7), check(100, 3021, "failure"), run(500, 3021, "failure"), check(101, 3021, None))
    assert await words(engine) == ["pending"]


async def test_checks_of_two_suites_are_two_where_no_run_is_known(engine: AsyncEngine) -> None:
    await write(engine, pulls(7), check(100, 3011, "failure", "tests"), check(101, 3012, "success", "tests"))
    assert await words(engine) == ["failure"]


async def test_what_a_newer_run_took_the_place_of_does_not_count(engine: AsyncEngine) -> None:
    await write(engine, pulls(7), check(100, 3011, "cancelled"), run(500, 3011, "cancelled"), suite(3011, "cancelled"))
    assert await words(engine) == ["failure"]
    await write(engine, check(101, 3012, "success"), run(501, 3012, "success"), suite(3012, "success"))
    assert await words(engine) == ["success"]


@pytest.mark.parametrize(("conclusion", "word"), [("failure", "failure"), (None, "pending"), ("success", "success")])
async def test_a_later_run_that_was_skipped_hides_nothing_of_another_name(
    engine: AsyncEngine, conclusion: str | None, word: str
) -> None:
    """A label starts a run, whose jobs are skipped under the names that a matrix would have spelt out."""
    await write(engine, pulls(7), check(100, 3011, conclusion, "test (3.11)"), run(500, 3011, conclusion))
    await write(engine, check(101, 3012, "skipped", "test"), run(501, 3012, "skipped"))
    assert await words(engine) == [word]


async def test_two_runs_of_one_workflow_with_other_jobs_both_count(engine: AsyncEngine) -> None:
    by_hand = {"event": "workflow_dispatch"}
    await write(engine, pulls(7), check(100, 3011, "failure", "deploy a"), run(500, 3011, "failure", **by_hand))
    await write(engine, check(101, 3012, "success", "deploy b"), run(501, 3012, "success", **by_hand))
    assert await words(engine) == ["failure"]


@pytest.mark.parametrize("again", ["failure", "success"])
@pytest.mark.parametrize("later", ["failure", "success"])
async def test_of_checks_of_one_name_in_two_runs_the_one_that_began_last_counts(
    engine: AsyncEngine, later: str, again: str
) -> None:
    await write(engine, pulls(7), check(100, 3011, "failure"), run(500, 3011, again))
    await write(engine, check(101, 3012, later), run(501, 3012, later))
    assert await words(engine) == [later]
    await write(engine, check(102, 3011, again))
    assert await words(engine) == [again]


@pytest.mark.parametrize(
    ("app", "known", "conclusion", "word"),
    [
        (ACTIONS, "success", "failure", "failure"),
        (SCANNER, "success", "failure", "failure"),
        (SCANNER, "success", "stale", "pending"),
        (SCANNER, "success", "success", "success"),
        (SCANNER, "success", None, "success"),
        (SCANNER, None, "failure", "pending"),
    ],
)
async def test_where_no_run_is_known_the_suite_says_what_its_checks_do_not(
    engine: AsyncEngine, app: App, known: str | None, conclusion: str | None, word: str
) -> None:
    await write(engine, pulls(7), check(100, 3021, known, app=app), suite(3021, conclusion, app))
    assert await words(engine) == [word]


@pytest.mark.parametrize(
    ("app", "conclusion", "word"),
    [
        (SCANNER, None, "none"),
        (SCANNER, "failure", "none"),
        (ACTIONS, None, "none"),
        (ACTIONS, "success", "none"),
        (ACTIONS, "cancelled", "none"),
        (ACTIONS, "startup_failure", "failure"),
        (ACTIONS, "action_required", "pending"),
    ],
)
async def test_of_suites_without_a_check_only_that_of_a_workflow_says_something(
    engine: AsyncEngine, app: App, conclusion: str | None, word: str
) -> None:
    await write(engine, pulls(7), suite(3021, conclusion, app))
    assert await words(engine) == [word]


async def test_a_status_supersedes_that_of_its_context_in_any_letters(engine: AsyncEngine) -> None:
    await write(engine, pulls(7), status(1, "CI/Build", "failure"), status(2, "ci/build", "success"))
    assert await words(engine) == ["success"]


async def test_a_status_that_is_expected_is_pending(engine: AsyncEngine) -> None:
    await write(engine, pulls(7), status(1, "ci", "expected"))
    assert await words(engine) == ["pending"]


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target"])
async def test_a_run_for_another_pull_request_of_the_head_says_nothing_of_this_one(
    engine: AsyncEngine, event: str
) -> None:
    green = run(500, 3021, "success", event=event, pull_requests=named(8))
    await write(engine, pulls(7, 8), check(100, 3021, "success"), green)
    assert await words(engine) == ["none", "success"]
    red = run(499, 3020, "failure", event=event, pull_requests=named(7))
    await write(engine, check(99, 3020, "failure"), red)
    assert await words(engine) == ["failure", "success"]


@pytest.mark.parametrize(
    ("event", "names"),
    [
        ("push", named(8)),
        ("pull_request", named()),
        ("pull_request", None),
        ("pull_request", named(7, 8)),
        ("pull_request", named(8, of=2)),
        ("pull_request", [None, NamedPullRequest()]),
    ],
)
async def test_a_run_that_may_be_for_any_of_them_counts_for_all(
    engine: AsyncEngine, event: str, names: list[NamedPullRequest | None] | None
) -> None:
    told = run(500, 3021, "success", event=event, pull_requests=names)
    await write(engine, pulls(7, 8), check(100, 3021, "success"), told)
    assert await words(engine) == ["success", "success"]


async def test_a_red_run_that_may_be_for_any_of_them_is_superseded_only_if_cancelled(engine: AsyncEngine) -> None:
    both = named(7, 8)
    green = run(501, 3022, "success", pull_requests=both)
    await write(engine, pulls(7, 8), check(100, 3021, "failure"), run(500, 3021, "failure", pull_requests=both))
    await write(engine, check(101, 3022, "success"), green)
    assert await words(engine) == ["failure", "failure"]
    cancelled = run(500, 3021, "cancelled", pull_requests=both)
    batch = in_app()
    for row in cancelled.rows[workflow_run.noun].values():
        batch.add(workflow_run.noun, APP.id, row | {"updated_at": at(9), "observed_at": at(9)})
    await write(engine, batch)
    assert await words(engine) == ["success", "success"]


async def test_an_answer_that_names_nobody_leaves_what_a_run_has_named(engine: AsyncEngine) -> None:
    await write(engine, pulls(7, 8), check(100, 3021, "success"), run(500, 3021, "success", pull_requests=named(8)))
    told = workflow_run.Payload(
        id=500, head_sha=HEAD, workflow_id=9, name="CI", event="pull_request", status="completed",
        conclusion="success", check_suite_id=3021, updated_at=at(50),
    )  # fmt: skip
    batch = in_app()
    batch.add(workflow_run.noun, APP.id, workflow_run.row(told, api(60)))
    await write(engine, batch)
    assert await words(engine) == ["none", "success"]
    assert await query(engine, "SELECT pull_requests, verified_at FROM github_workflow_runs") == [([8], at(60))]


@pytest.mark.parametrize("batch", [run(20, 3021, "success"), suite(3021, "success")], ids=["run", "suite"])
async def test_what_is_completed_and_does_not_say_how_is_not_good(engine: AsyncEngine, batch: Batch) -> None:
    for rows in batch.rows.values():
        for row in rows.values():
            row["conclusion"] = None
    await write(engine, pulls(7), check(100, 3021, "success"), batch)
    assert await words(engine) == ["failure"]
