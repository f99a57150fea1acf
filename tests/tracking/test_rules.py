"""Coverage, security and quality go by rules, and a project may have others."""

import json
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync.database import transaction
from ghsync.mirror import check_run, commit_status, pull_request, security_alert
from ghsync.mirror.check_run import App, Output, Suite
from ghsync.mirror.pull_request import Branch, Payload
from ghsync.mirror.security_alert import Advisory, Instance, Rule, Tool
from ghsync.mirror.user import User
from ghsync.projector.batch import Batch
from ghsync.worker import Worker
from tests.mirror.reports import APP, at, hook, in_app, query, write

pytestmark = pytest.mark.anyio

HEAD = "a" * 40
OPEN = Payload(
    id=70, number=7, title="Dry run", user=User(1, "ada"), created_at=at(-60), updated_at=at(0),
    head=Branch("topic", HEAD), base=Branch("main", "b" * 40), additions=40, deletions=10, changed_files=2, commits=1,
)  # fmt: skip


def told() -> Batch:
    """A batch with an open pull request."""
    batch = in_app()
    batch.add(pull_request.noun, APP.id, pull_request.row(OPEN, hook(1)))
    return batch


def status(batch: Batch, context: str, description: str, state: str = "success", number: int = 1) -> Batch:
    """The same with a status of its head."""
    payload = commit_status.Payload(id=number, context=context, state=state, description=description, created_at=at(2))
    batch.add(commit_status.noun, APP.id, commit_status.row(payload, HEAD, hook(2)))
    return batch


def check(batch: Batch, name: str, conclusion: str | None = "success", slug: str = "ci", title: str = "") -> Batch:
    """The same with a check of its head."""
    done = at(3) if conclusion else None
    payload = check_run.Payload(
        id=100 + len(batch.rows.get(check_run.noun, {})), head_sha=HEAD, name=name,
        status="completed" if conclusion else "in_progress", conclusion=conclusion, app=App(5, slug),
        check_suite=Suite(9), output=Output(title), started_at=at(2), completed_at=done,
    )  # fmt: skip
    batch.add(check_run.noun, APP.id, check_run.row(payload, hook(3)))
    return batch


def alert(batch: Batch, kind: str = "code_scanning", **fields: Any) -> Batch:
    """The same with an open alert."""
    batch.add(
        security_alert.noun, APP.id,
        security_alert.row(security_alert.Payload(number=1, state="open", **fields), kind, hook(4)),
    )  # fmt: skip
    return batch


async def configure(engine: AsyncEngine, tracking: Any) -> None:
    """Give the project these rules."""
    await query(
        engine, "UPDATE projects SET settings = CAST(:settings AS jsonb)", settings=json.dumps({"tracking": tracking})
    )


async def tracked(engine: AsyncEngine, column: str) -> Any:
    """One column of the pull request's row."""
    ((value,),) = await query(engine, f"SELECT {column} FROM pr_tracking")
    return value


@pytest.mark.parametrize(
    ("context", "description", "percentage"),
    [
        ("codecov/project", "85.30% (+0.10%) compared to 1a2b3c4", 85.3),
        ("codecov/project/backend", "100% (target 80.00%)", 100),
        ("codecov/patch", "12.00% of diff hit (target 85.30%)", None),
        ("coverage/coveralls", "Coverage increased (+0.1%) to 91.234%", 91.23),
        ("coverage/coveralls", "First build on main at 77.0%", 77),
        ("Code Coverage", "Lines: 64 %", 64),
        ("coverage", "no report was found", None),
        ("coverage", "took 250% of the time", None),
        ("build", "100% of tests passed", None),
    ],
)
async def test_coverage_is_read_from_the_statuses_of_known_tools(
    engine: AsyncEngine, context: str, description: str, percentage: float | None
) -> None:
    await write(engine, status(told(), context, description))
    found = await tracked(engine, "test_coverage_percentage")
    assert (found if found is None else float(found)) == percentage


async def test_coverage_is_read_from_checks_too_and_the_first_rule_that_finds_some_counts(engine: AsyncEngine) -> None:
    batch = check(told(), "coverage", title="70% covered")
    await write(engine, batch)
    assert await tracked(engine, "test_coverage_percentage") == 70
    await write(engine, status(told(), "codecov/project", "80% (+1%)"))
    assert await tracked(engine, "test_coverage_percentage") == 80


@pytest.mark.parametrize(
    ("name", "slug", "conclusion", "word"),
    [
        ("CodeQL", "github-advanced-security", "success", "passed"),
        ("CodeQL", "github-advanced-security", "failure", "failed"),
        ("CodeQL", "github-advanced-security", None, "pending"),
        ("CodeQL", "github-advanced-security", "neutral", "passed"),
        ("scan", "snyk-io", "failure", "failed"),
        ("Trivy (image)", "ci", "success", "passed"),
        ("semgrep-cloud-platform/scan", "ci", "timed_out", "failed"),
        ("gitleaks", "ci", "success", "passed"),
        ("security / audit", "ci", "success", "passed"),
        ("insecurity", "ci", "failure", "none"),
        ("build", "ci", "failure", "none"),
    ],
)
async def test_security_is_what_scanners_say(
    engine: AsyncEngine, name: str, slug: str, conclusion: str | None, word: str
) -> None:
    await write(engine, check(told(), name, conclusion, slug))
    assert await tracked(engine, "security_scan_status") == word


SEEN = Instance("refs/pull/7/merge", "c" * 40)
TOOL = Tool("CodeQL")


@pytest.mark.parametrize(
    ("kind", "fields", "word"),
    [
        ("code_scanning", {"rule": Rule("r", "Bad", "error", "high"), "most_recent_instance": SEEN}, "failed"),
        ("code_scanning", {"rule": Rule("r", "Bad", "error"), "most_recent_instance": SEEN}, "failed"),
        ("code_scanning", {"rule": Rule("r", "Bad", "note", "low"), "most_recent_instance": SEEN}, "none"),
        (
            "code_scanning",
            {"rule": Rule("r", "Bad", "error", "high"), "most_recent_instance": Instance("refs/heads/topic", HEAD)},
            "failed",
        ),
        (
            "code_scanning",
            {"rule": Rule("r", "Bad", "error", "high"), "most_recent_instance": Instance("refs/pull/8/merge", "d")},
            "none",
        ),
        ("dependabot", {"security_advisory": Advisory("GHSA", "Bad", "critical")}, "none"),
        ("secret_scanning", {"secret_type": "token"}, "none"),
    ],
)
async def test_an_open_alert_that_concerns_the_pull_request_fails_it(
    engine: AsyncEngine, kind: str, fields: dict[str, Any], word: str
) -> None:
    await write(engine, told(), alert(in_app(), kind, **fields))
    assert await tracked(engine, "security_scan_status") == word
    blockers = await query(engine, "SELECT kind FROM pr_blockers('acme/app', 7) WHERE kind = 'alert'")
    assert len(blockers) == (word == "failed")


async def test_an_alert_of_the_repository_fails_all_that_is_open_where_the_rules_say_so(engine: AsyncEngine) -> None:
    await write(engine, told())
    await configure(engine, {"security": {"alerts": {"secret_scanning": ["*"]}}})
    await write(engine, alert(in_app(), "secret_scanning", secret_type="token"))
    assert await tracked(engine, "security_scan_status") == "failed"
    closed = in_app()
    gone = pull_request.row(msgspec.structs.replace(OPEN, state="closed", updated_at=at(5)), hook(5))
    closed.add(pull_request.noun, APP.id, gone)
    await write(engine, closed)
    assert await tracked(engine, "security_scan_status") == "none"


async def test_a_fixed_alert_fails_nothing(engine: AsyncEngine) -> None:
    rule = Rule("r", "Bad", "error", "high")
    await write(engine, told(), alert(in_app(), rule=rule, most_recent_instance=SEEN))
    fixed = security_alert.Payload(
        number=1, state="fixed", rule=rule, most_recent_instance=SEEN, fixed_at=at(9), updated_at=at(9)
    )
    batch = in_app()
    batch.add(security_alert.noun, APP.id, security_alert.row(fixed, "code_scanning", hook(9)))
    await write(engine, batch)
    assert await tracked(engine, "security_scan_status") == "none"


async def test_an_alert_that_is_seen_elsewhere_now_or_gone_fails_nothing_here(engine: AsyncEngine) -> None:
    seen = {"rule": Rule("r", "Bad", "error", "high"), "most_recent_instance": SEEN}
    await write(engine, told(), alert(in_app(), **seen))
    assert await tracked(engine, "security_scan_status") == "failed"
    moved = security_alert.Payload(
        number=1, state="open", rule=seen["rule"], most_recent_instance=Instance("refs/heads/main", "b" * 40),
        updated_at=at(9),
    )  # fmt: skip
    batch = in_app()
    batch.add(security_alert.noun, APP.id, security_alert.row(moved, "code_scanning", hook(9)))
    await write(engine, batch)
    assert await tracked(engine, "security_scan_status") == "none"


async def test_an_alert_that_is_buried_fails_nothing(engine: AsyncEngine) -> None:
    await write(engine, told(), alert(in_app(), rule=Rule("r", "Bad", "error", "high"), most_recent_instance=SEEN))
    batch = in_app()
    batch.bury(security_alert.noun, APP.id, {"kind": "code_scanning", "number": 1}, at(9))
    await write(engine, batch)
    assert await tracked(engine, "security_scan_status") == "none"


@pytest.mark.parametrize(
    ("known", "score"),
    [
        ({}, None),
        ({"ci": "success"}, 100),
        ({"ci": "failure"}, 22.22),
        ({"ci": "success", "review": "changes_requested"}, 64.29),
        ({"ci": "success", "review": "approved", "security": "passed", "coverage": 80}, 97),
        ({"ci": "success", "lines": 1000}, 77.78),
        ({"ci": "success", "lines": 525}, 88.89),
        ({"ci": "success", "lines": None}, 100),
        ({"ci": "pending", "review": "review_requested", "security": "none"}, None),
        ({"review": "commented"}, 64.29),
    ],
)
async def test_quality_weighs_what_is_known(engine: AsyncEngine, known: dict[str, Any], score: float | None) -> None:
    parts: dict[str, Any] = {"ci": "none", "review": "pending", "security": "none", "coverage": None, "lines": 50}
    ((found,),) = await query(
        engine,
        "SELECT quality_score(tracking_rules('{}') -> 'quality', :ci, :review, :security, :coverage, :lines)",
        **(parts | known),
    )
    assert (found if found is None else float(found)) == score


async def test_more_lines_than_a_number_can_count_are_as_many_as_it_can(engine: AsyncEngine) -> None:
    batch = check(in_app(), "ci")
    huge = msgspec.structs.replace(OPEN, additions=2**31 - 1, deletions=2**31 - 1)
    batch.add(pull_request.noun, APP.id, pull_request.row(huge, hook(1)))
    await write(engine, batch)
    assert float(await tracked(engine, "quality_score")) == 77.78


async def test_a_project_may_have_other_rules_and_its_pull_requests_follow(engine: AsyncEngine) -> None:
    batch = check(check(told(), "our-scanner", "failure"), "lines", title="lines: 33%")
    await write(engine, alert(batch, "dependabot", security_advisory=Advisory("GHSA", "Bad", "critical")))
    assert await tracked(engine, "security_scan_status") == "none"
    await configure(
        engine,
        {
            "coverage": [{"check": "^lines$", "percentage": r"lines: (\d+)%"}],
            "security": {"checks": ["our-scanner"]},
            "quality": {"weights": {"size": 0, "security": 0, "coverage": 0}},
        },
    )
    await Worker(engine, batch_size=10, poll_seconds=1, max_attempts=1).drain()
    assert await tracked(engine, "security_scan_status") == "failed"
    assert await tracked(engine, "test_coverage_percentage") == 33
    assert await tracked(engine, "quality_score") == 0
    await configure(engine, {"security": {"checks": [], "alerts": {"dependabot": ["*"]}}})
    await Worker(engine, batch_size=10, poll_seconds=1, max_attempts=1).drain()
    assert await tracked(engine, "security_scan_status") == "failed"
    await configure(engine, {"security": {"checks": [], "alerts": {"dependabot": ["high"]}}})
    await Worker(engine, batch_size=10, poll_seconds=1, max_attempts=1).drain()
    assert await tracked(engine, "security_scan_status") == "none"


async def test_a_repository_that_gets_a_project_with_other_rules_is_tracked_by_these(engine: AsyncEngine) -> None:
    await write(engine, check(told(), "our-scanner", "failure"))
    await query(
        engine,
        """INSERT INTO projects (organization_id, name, slug, settings)
           SELECT id, 'Other', 'other', '{"tracking": {"security": {"checks": ["our-scanner"]}}}' FROM organizations""",
    )
    await query(engine, "UPDATE github_repositories SET project_id = (SELECT id FROM projects WHERE slug = 'other')")
    await Worker(engine, batch_size=10, poll_seconds=1, max_attempts=1).drain()
    assert await tracked(engine, "security_scan_status") == "failed"


@pytest.mark.parametrize(
    ("tracking", "sentence"),
    [
        ([], "tracking has to be an object with coverage, security and quality."),
        ({"ci": {}}, "tracking.ci is not known: tracking has coverage, security and quality."),
        ({"coverage": {}}, 'tracking.coverage has to be a list of {"check": ..., "percentage": ...}.'),
        (
            {"coverage": [{"check": "x"}]},
            (
                'tracking.coverage[0] has to be {"check": a regular expression for names of checks, '
                '"percentage": one that captures the number}.'
            ),
        ),
        (
            {"coverage": [{"check": "x", "percentage": r"\d+%"}]},
            r"tracking.coverage[0].percentage has to capture the number in parentheses, as (\d+)% does.",
        ),
        (
            {"coverage": [{"check": "(", "percentage": "(x)"}]},
            "tracking.coverage[0].check is no regular expression that PostgreSQL understands: ",
        ),
        ({"security": ["codeql"]}, "tracking.security has to be an object with checks and alerts."),
        (
            {"security": {"checks": "codeql"}},
            "tracking.security.checks has to be a list of regular expressions for names of checks and Apps.",
        ),
        (
            {"security": {"checks": ["ok", "["]}},
            "tracking.security.checks[1] is no regular expression that PostgreSQL understands: ",
        ),
        (
            {"security": {"alerts": {"snyk": []}}},
            "tracking.security.alerts.snyk is not known: there are code_scanning, dependabot and secret_scanning.",
        ),
        (
            {"security": {"alerts": {"dependabot": True}}},
            (
                "tracking.security.alerts.dependabot has to be a list of severities, "
                'such as ["critical", "high"], or ["*"] for all.'
            ),
        ),
        (
            {"quality": {"weights": {"speed": 1}}},
            "tracking.quality.weights.speed is not known: there are ci, review, security, coverage and size.",
        ),
        ({"quality": {"weights": {"ci": -1}}}, "tracking.quality.weights.ci has to be a number, 0 or more."),
        ({"quality": {"size": {"small": "few"}}}, 'tracking.quality.size has to be {"small": lines, "large": lines}.'),
        (
            {"quality": {"size": {"small": 1000}}},
            "tracking.quality.size.small has to be 0 or more, and less than large.",
        ),
    ],
    ids=str,
)
async def test_rules_that_cannot_be_followed_are_refused_with_a_sentence(
    engine: AsyncEngine, tracking: Any, sentence: str
) -> None:
    await write(engine, in_app())
    with pytest.raises(sa.exc.IntegrityError) as refused:
        await configure(engine, tracking)
    assert str(refused.value.orig).startswith(f"projects.settings: {sentence}")


async def test_settings_that_have_nothing_to_do_with_tracking_are_left_alone(engine: AsyncEngine) -> None:
    await write(engine, in_app())
    async with transaction(engine) as conn:
        await conn.execute(sa.text("""UPDATE projects SET settings = '{"theme": "dark"}'"""))
        await conn.execute(sa.text("UPDATE projects SET settings = NULL"))
    assert await query(engine, "SELECT tracking_rules(settings) = tracking_rules('{}') FROM projects") == [(True,)]


async def test_what_others_write_into_metadata_stays(engine: AsyncEngine) -> None:
    await write(engine, told())
    await query(engine, """UPDATE pr_tracking SET metadata = metadata || '{"note": "mine"}'""")
    await write(engine, check(told(), "build"))
    assert await tracked(engine, "metadata ->> 'note'") == "mine"
    assert await tracked(engine, "metadata ->> 'head_sha'") == HEAD
