"""Tasks follow their pull requests where their project's settings ask for it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.mirror.pull_request import Branch, BranchRepository
from ghsync.projector import linking, project
from ghsync.tasks import links
from tests.engines import Examples
from tests.mirror.reports import api, at, query, until_blocked, write
from tests.tasks.scene import ALL, LIB, TASK, Scene, reports_pull

OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"

pytestmark = pytest.mark.anyio


@pytest.fixture
async def scene(engine: AsyncEngine) -> Scene:
    """A project with a task that follows its pull requests in everything."""
    scene = Scene(engine)
    await scene.begin(**ALL)
    await scene.task()
    return scene


async def act(scene: Scene, deeds: str) -> None:
    """Stages that the pull request comes to; in brackets, what somebody decides in between."""
    for deed in deeds.split():
        if deed.startswith("("):
            await scene.set(deed.strip("()"))
        else:
            await scene.pull(deed)


@pytest.mark.parametrize(
    ("deeds", "status"),
    [
        ("open", "in_review"),
        ("draft", "pending"),
        ("draft open", "in_review"),
        ("open draft", "pending"),
        ("merged", "completed"),
        ("open merged", "completed"),
        ("closed", "cancelled"),
        ("open closed", "cancelled"),
        ("open closed open", "in_review"),
        ("open closed draft", "pending"),
        ("open closed open merged", "completed"),
        # What others decide at one stage stands until the next.
        ("(in_progress) open", "in_review"),
        ("(in_progress) open draft", "in_progress"),
        ("open (in_progress)", "in_progress"),
        ("open (in_progress) open", "in_progress"),
        ("open (in_progress) draft", "in_progress"),
        ("open (in_progress) draft open", "in_review"),
        ("open (in_progress) merged", "completed"),
        ("open (blocked) closed open", "in_review"),
        ("closed (pending) closed", "pending"),
        ("merged (in_progress) merged", "in_progress"),
        # Where they end the task, for ever.
        ("(completed) open", "completed"),
        ("(failed) open", "failed"),
        ("(cancelled) open", "cancelled"),
        ("(cancelled) draft open", "cancelled"),
        ("(completed) closed", "completed"),
        ("(failed) merged", "failed"),
        ("open (cancelled) closed open", "cancelled"),
        ("open (failed) merged", "failed"),
        ("open closed (failed) open", "failed"),
    ],
)
async def test_a_task_follows_its_pull_request(scene: Scene, deeds: str, status: str) -> None:
    await act(scene, deeds)
    assert await scene.status() == status


@pytest.mark.parametrize(
    ("asked", "deeds", "status"),
    [
        ((), "open closed open merged", "pending"),
        (("when_opened",), "open", "in_review"),
        (("when_opened",), "open merged", "pending"),
        (("when_opened",), "closed", "pending"),
        (("when_merged",), "open", "pending"),
        (("when_merged",), "open merged", "completed"),
        (("when_merged",), "open closed", "pending"),
        (("when_closed",), "closed", "cancelled"),
        (("when_closed",), "closed open", "pending"),
        (("when_closed",), "(queued) closed open", "queued"),
        (("when_closed",), "closed open merged", "pending"),
    ],
)
async def test_only_what_the_settings_ask_for_moves_a_task(
    scene: Scene, asked: tuple[str, ...], deeds: str, status: str
) -> None:
    await scene.ask(**{key: ALL[key] for key in asked})
    await act(scene, deeds)
    assert await scene.status() == status


@pytest.mark.parametrize(
    ("stages", "status"),
    [
        (("closed", "open"), "in_review"),
        (("closed", "draft"), "pending"),
        (("closed", "merged"), "completed"),
        (("closed", "closed"), "cancelled"),
        (("merged", "open"), "in_review"),
        (("merged", "draft"), "pending"),
    ],
)
async def test_of_several_pull_requests_those_under_way_decide_and_then_those_that_were_merged(
    scene: Scene, stages: tuple[str, str], status: str
) -> None:
    for order in ((7, 8), (8, 7)):
        for number in order:
            await scene.pull(stages[number - 7], number)
        assert await scene.status() == status, order


async def test_work_ends_when_github_says_so(scene: Scene) -> None:
    await scene.pull("open")
    assert await scene.ended() is None
    await scene.pull("closed")
    assert await scene.ended() == at(2)
    await scene.pull("open")
    assert await scene.ended() is None
    await scene.pull("merged")
    assert await scene.ended() == at(4)


async def test_an_end_that_others_wrote_stays(scene: Scene) -> None:
    await query(scene.engine, "UPDATE tasks SET completed_at = :end", end=at(-5))
    for stage in ("closed", "open", "merged"):
        await scene.pull(stage)
        assert await scene.ended() == at(-5)


async def test_settings_act_on_what_is_there_when_they_are_switched_on(engine: AsyncEngine) -> None:
    scene = Scene(engine)
    await scene.begin()
    await scene.task()
    await scene.pull("open")
    assert await scene.status() == "pending"
    await scene.ask(**ALL)
    assert await scene.status() == "in_review"


async def test_settings_that_are_switched_off_take_nothing_back(scene: Scene) -> None:
    await scene.pull("merged")
    await scene.ask()
    await scene.pull("merged")
    assert await scene.status() == "completed"
    await scene.ask(when_opened="in_review")
    await scene.pull("merged")
    assert await scene.status() == "completed"


async def test_a_rule_that_is_switched_off_and_on_moves_nothing_twice(scene: Scene) -> None:
    await scene.pull("open")
    await scene.set("in_progress")
    await scene.ask()
    await scene.ask(**ALL)
    assert await scene.status() == "in_progress"


async def test_a_task_that_gets_another_project_follows_its_settings(scene: Scene) -> None:
    await scene.ask()
    await scene.pull("open")
    await query(
        scene.engine,
        """INSERT INTO projects (organization_id, name, slug, settings)
           SELECT organization_id, 'Other', 'other', '{"tasks": {"when_opened": "in_review"}}' FROM projects""",
    )
    await query(scene.engine, "UPDATE tasks SET project_id = (SELECT id FROM projects WHERE slug = 'other')")
    await scene.rest()
    assert await scene.status() == "in_review"


async def test_a_pull_request_that_becomes_another_tasks_takes_its_moves_with_it(scene: Scene) -> None:
    await scene.task(OTHER)
    await scene.pull("merged")
    await scene.pull("merged", body=f"Task-ID: {OTHER}")
    assert (await scene.status(), await scene.ended()) == ("pending", None)
    assert await query(scene.engine, "SELECT status, completed_at FROM tasks WHERE id = :id", id=OTHER) == [
        ("completed", at(2))
    ]


async def test_a_draft_that_leaves_lets_an_older_pull_request_decide(scene: Scene) -> None:
    await scene.pull("closed")
    await scene.pull("draft", 8)
    assert await scene.status() == "pending"
    await scene.pull("draft", 8, body="")
    assert await scene.status() == "cancelled"


async def test_two_tasks_that_claim_one_pull_request_are_moved_by_nothing(scene: Scene) -> None:
    await scene.task(OTHER)
    await scene.pull("merged", body=f"Task-ID: {TASK}\nTask-ID: {OTHER}")
    assert await query(scene.engine, "SELECT DISTINCT status FROM tasks") == [("pending",)]


async def test_a_conflict_gives_back_what_was_moved_before(scene: Scene) -> None:
    await scene.task(OTHER)
    await scene.pull("open")
    await scene.pull("open", body=f"Task-ID: {TASK}\nTask-ID: {OTHER}")
    assert await scene.status() == "pending"


async def test_a_move_is_written_down(scene: Scene) -> None:
    await scene.pull("open")
    await scene.pull("open")
    await scene.pull("merged")
    told = """SELECT entity_name, old_values ->> 'status', new_values ->> 'status', actor_type FROM audit_logs
              WHERE action = 'task.moved' AND resource_id = :task ORDER BY created_at"""
    assert await query(scene.engine, told, task=TASK) == [
        ("acme/app#7", "pending", "in_review", "system"),
        ("acme/app#7", "in_review", "completed", "system"),
    ]


async def test_a_task_that_has_moved_can_be_deleted(scene: Scene) -> None:
    await scene.pull("merged")
    await query(scene.engine, "DELETE FROM tasks")
    assert await query(scene.engine, "SELECT count(*) FROM task_moves") == [(0,)]


async def test_of_two_pull_requests_that_close_at_once_the_second_sees_the_first(scene: Scene) -> None:
    await scene.pull("open", 7)
    await scene.pull("open", 8, home=LIB)
    async with transaction(scene.engine) as conn:
        await project.write(conn, reports_pull(7, "closed", 10))
        second = asyncio.create_task(write(scene.engine, reports_pull(8, "closed", 11, home=LIB)))
        await until_blocked(scene.engine)
    await second
    assert await scene.status() == "cancelled"


@pytest.mark.parametrize(
    ("association", "head", "status"),
    [
        ("OWNER", 9, "cancelled"),
        ("MEMBER", 9, "cancelled"),
        ("COLLABORATOR", 9, "cancelled"),
        ("CONTRIBUTOR", 9, "pending"),
        ("FIRST_TIME_CONTRIBUTOR", 9, "pending"),
        ("NONE", 9, "pending"),
        ("NONE", None, "pending"),
        ("NONE", 1, "cancelled"),
        (None, 9, "cancelled"),
    ],
)
async def test_a_strangers_pull_request_that_is_closed_unmerged_cancels_no_task(
    scene: Scene, association: str | None, head: int | None, status: str
) -> None:
    branch = Branch("topic", "head-7", head and BranchRepository(head))
    await scene.pull("open", author_association=association, head=branch)
    assert await scene.status() == "in_review"
    await scene.pull("closed", author_association=association, head=branch)
    assert await scene.status() == status


async def test_a_strangers_pull_request_that_is_merged_completes_a_task(scene: Scene) -> None:
    await scene.pull("merged", author_association="NONE")
    assert await scene.status() == "completed"


async def test_a_strangers_pull_request_that_was_linked_by_hand_cancels_its_task(scene: Scene) -> None:
    await scene.pull("closed", author_association="NONE")
    assert await scene.status() == "pending"
    async with transaction(scene.engine) as conn:
        app = (
            await conn.execute(sa.text("SELECT id::text FROM github_repositories WHERE github_id = '1'"))
        ).scalar_one()
        await linking.retrack(conn, await links.link(conn, TASK, app, "pull_request", 7, evidence="Ada"))
    await scene.rest()
    assert await scene.status() == "cancelled"


async def test_who_is_a_member_to_the_api_is_one_whatever_webhooks_say(scene: Scene) -> None:
    await scene.pull("closed", author_association="CONTRIBUTOR")
    assert await scene.status() == "pending"
    await write(scene.engine, reports_pull(7, "closed", 1, origin=api(5), author_association="MEMBER"))
    assert await scene.status() == "cancelled"
    scene.seconds = 6
    await scene.pull("closed", author_association="CONTRIBUTOR")
    assert await scene.status() == "cancelled"


# Any order


STAGES = {"open": "when_opened", "merged": "when_merged", "closed": "when_closed"}


@dataclass(frozen=True)
class Life:
    """What becomes of a task's pull requests, in the order in which it does; each is a number, a stage and a body."""

    asked: frozenset[str]
    reports: tuple[tuple[int, str, str], ...]
    order: tuple[str, ...]
    pauses: frozenset[int]

    def end(self) -> tuple[str, datetime | None]:
        """The status that the task must have in the end, and when work on it must have ended."""
        last = {number: (stage, at(place), body) for place, (number, stage, body) in enumerate(self.reports)}
        left = [(stage, ended) for stage, ended, body in last.values() if TASK in body]
        for stage in ("open", "draft", "merged", "closed"):
            ends = [ended for found, ended in left if found == stage]
            if ends:
                status = ALL[STAGES[stage]] if STAGES.get(stage) in self.asked else "pending"
                return status, max(ends) if status in ("completed", "cancelled") else None
        return "pending", None


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """Two pull requests that come to several stages, told in some order with some of it twice."""
    told: list[tuple[int, str, str]] = []
    for number in draw(st.lists(st.sampled_from((7, 8)), min_size=1, max_size=6)):
        merged = (number, "merged") in [(report[0], report[1]) for report in told]
        stage = "merged" if merged else draw(st.sampled_from(("open", "draft", "closed", "merged")))
        # What was merged is no more told, so that its end stays the same.
        if not merged:
            told.append((number, stage, draw(st.sampled_from((f"Task-ID: {TASK}", "", f"Task-ID: {TASK}")))))
    facts = [f"report {place}" for place in range(len(told))]
    again = draw(st.lists(st.sampled_from(facts), max_size=3))
    order = draw(st.permutations([*facts, *again, "task", "settings"]))
    pauses = draw(st.frozensets(st.integers(0, len(order) - 1)))
    return Life(draw(st.frozensets(st.sampled_from(sorted(ALL)))), tuple(told), tuple(order), pauses)


async def live(engine: AsyncEngine, life: Life) -> tuple[str, datetime | None]:
    scene = Scene(engine)
    await scene.begin()
    for place, fact in enumerate(life.order):
        match fact.split():
            case ["task"]:
                await scene.task()
            case ["settings"]:
                await scene.ask(**{key: ALL[key] for key in life.asked})
            case [_, index]:
                number, stage, body = life.reports[int(index)]
                await write(engine, reports_pull(number, stage, int(index), body=body))
        if place in life.pauses:
            await scene.rest()
    await scene.rest()
    return await scene.status(), await scene.ended()


@pytest.mark.slow
@given(life=lives())
@settings(max_examples=60, deadline=None)
def test_a_life_told_in_any_order_ends_the_same(examples: Examples, life: Life) -> None:
    assert examples.run(lambda engine: live(engine, life)) == life.end()


@pytest.mark.parametrize(
    ("page", "body", "status"),
    [
        ("https://github.com/acme/app/pull/7", "Fixes https://github.com/acme/app/issues/12", "completed"),
        ("https://github.com/acme/app/pull/7", "Fixes https://gitlab.example.com/acme/app/issues/12", "pending"),
        ("https://github.com/acme/app/pull/7", "Closes [#12](https://github.com/other/lib/issues/12)", "pending"),
        ("https://github.com/acme/app/pull/7", 'Closes <a href="https://example.com/12">#12</a>', "pending"),
        ("https://git.example.com/acme/app/pull/7", "Fixes https://git.example.com/acme/app/issues/12", "completed"),
        ("https://git.example.com/acme/app/pull/7", "Fixes https://github.com/acme/app/issues/12", "pending"),
    ],
)
async def test_a_reference_to_another_host_or_repository_moves_no_task_of_ours(
    scene: Scene, page: str, body: str, status: str
) -> None:
    await query(scene.engine, "UPDATE tasks SET github_issue_number = 12")
    await scene.rest()
    await scene.issue(number=12)
    await scene.pull("merged", body=body, html_url=page)
    assert await scene.status() == status
