"""`ghsync resync`: what it brings, what it says, and that it can be stopped."""

import asyncio
import re
import signal

import pytest

from ghsync.simulator.actions import comments, conversations, installations, issues, repositories
from ghsync.simulator.faults import Planned
from ghsync.simulator.generator import Plan
from ghsync.simulator.issue import Issue
from ghsync.simulator.repository import Repository
from tests.cli.conftest import Ghsync, OpenHub
from tests.cli.hub import PERSONAL_TOKEN, Hub

pytestmark = pytest.mark.anyio

NO_APP = {"GHSYNC_APP_ID": "", "GHSYNC_PRIVATE_KEY": ""}
TOKEN = NO_APP | {"GHSYNC_TOKEN": PERSONAL_TOKEN}
NOWHERE = {"GHSYNC_API_URL": "http://127.0.0.1:1"}

RUNS = "SELECT id::text, status, rows_seen, requests, last_error FROM sync_runs ORDER BY started_at"
MIRRORED = """
    SELECT r.full_name, (SELECT count(*)::int FROM github_issues i WHERE i.repository_id = r.id),
           (SELECT count(*)::int FROM github_pull_requests p WHERE p.repository_id = r.id)
    FROM github_repositories r ORDER BY r.full_name
"""


def sizes(repository: Repository) -> tuple[str, int, int]:
    """How many issues and pull requests there are."""
    pulls = len(repository.pull_requests)
    return repository.full_name, len(repository.issues) - pulls, pulls


def an_issue(hub: Hub) -> Issue:
    """An open issue of the largest repository."""
    return next(each for each in hub.repository.issues.values() if each.pull_request is None and each.state == "open")


@pytest.mark.slow
async def test_a_repository_is_read_by_its_name(hub: Hub) -> None:
    name = hub.repository.full_name
    result = await hub.run("resync", name.upper())
    assert (result.exit_code, result.stderr) == (0, "")
    header, row = result.stdout.splitlines()
    assert header.split() == ["Repository", "items", "read", "rows", "changed", "requests", "points", "took"]
    assert row.split()[:2] == [name, str(len(hub.repository.issues))]
    assert [line for line in hub.differences() if str(hub.repository.id) in line] == []
    assert [row for row in hub.rows(MIRRORED) if row[1] or row[2]] == [sizes(hub.repository)]


@pytest.mark.slow
async def test_each_resync_is_audited_and_no_rehearsal_is(hub: Hub) -> None:
    name = hub.repository.full_name
    await hub.run("resync", name, "--full", "--only", "issues")
    await hub.run("resync", "--all")
    await hub.run("resync", "--all", "--dry-run")
    assert hub.rows("SELECT action, entity_name, new_values FROM audit_logs ORDER BY created_at") == [
        (
            "repository.resync_started", name,
            {"full": True, "kinds": ["issues"], "installation": None, "repositories": [name]},
        ),
        (
            "repository.resync_started", "3 repositories",
            {"full": False, "kinds": ["issues", "pull_requests"], "installation": None, "repositories": hub.names()},
        ),
    ]  # fmt: skip


@pytest.mark.slow
async def test_all_that_the_app_sees_is_read(hub: Hub) -> None:
    report = (await hub.run("resync", "--all", "--json")).json
    assert [row["repository"] for row in report["repositories"]] == hub.names()
    assert [row["error"] for row in report["repositories"]] == [None, None, None]
    assert hub.differences() == []
    again = (await hub.run("resync", "--all", "--json")).json
    assert [row["changed"] for row in again["repositories"]] == [0, 0, 0]
    costs = hub.rows("SELECT sum(requests)::int, sum(points)::int FROM sync_runs")
    told = [row for one in (report, again) for row in one["repositories"]]
    assert costs == [(sum(row["requests"] for row in told), sum(row["points"] for row in told))]


async def test_one_installation_is_read(open_hub: OpenHub) -> None:
    hub = await open_hub(Plan(organizations=2, repositories=2, people=8, conversations=20))
    first, second = hub.world.installations.values()
    result = await hub.run("resync", "--installation", first.id)
    assert result.exit_code == 0
    read = [row[0] for row in hub.rows(MIRRORED) if row[1] or row[2]]
    assert read == [each.full_name for each in first.repositories]
    assert second.repositories[0].full_name not in result.text


async def test_small_repositories_that_nobody_has_read_are_read_in_company(open_hub: OpenHub) -> None:
    hub = await open_hub(Plan(repositories=30, people=4, conversations=60, milestones_each=0, releases=False))
    report = (await hub.run("resync", "--all", "--json")).json
    assert [row["repository"] for row in report["repositories"]] == hub.names()
    assert hub.differences() == []
    requests = sum(row["requests"] for row in report["repositories"])
    assert 0 < requests < 30  # four for each, if each were read by itself
    assert hub.rows("SELECT sum(requests)::int FROM sync_runs") == [(requests,)]


@pytest.mark.slow
@pytest.mark.usefixtures("mirrored")
async def test_a_full_one_puts_right_what_was_changed_by_hand(hub: Hub) -> None:
    hub.connection.execute("UPDATE github_issues SET title = 'wrong'")
    hub.connection.execute("UPDATE github_pull_requests SET title = 'wrong'")
    assert (await hub.run("resync", "--all", "--full")).exit_code == 0
    assert hub.differences() == []


@pytest.mark.parametrize(("only", "table", "other"), [
    ("issues", "github_issues", "github_pull_requests"),
    ("pulls", "github_pull_requests", "github_issues"),
])  # fmt: skip
async def test_one_kind_alone_can_be_read(hub: Hub, only: str, table: str, other: str) -> None:
    assert (await hub.run("resync", hub.repository.full_name, "--only", only)).exit_code == 0
    assert hub.rows(f"SELECT count(*) > 0 FROM {table}") == [(True,)]
    assert hub.rows(f"SELECT count(*) FROM {other}") == [(0,)]
    assert hub.rows("SELECT complete_at FROM sync_marks") == [(None,)]


def test_a_kind_that_does_not_exist_is_a_mistake_of_usage(ghsync: Ghsync) -> None:
    result = ghsync("resync", "--all", "--only", "stars")
    assert result.exit_code == 2
    assert "--only knows issues and pulls, not stars." in result.text


@pytest.mark.parametrize("arguments", [(), ("a/b", "--all"), ("--all", "--installation", "1"), ("a",)])
def test_it_wants_to_know_what_to_read(ghsync: Ghsync, arguments: tuple[str, ...]) -> None:
    assert ghsync("resync", *arguments).exit_code == 2


@pytest.mark.slow
@pytest.mark.usefixtures("mirrored")
async def test_a_dry_run_tells_the_difference_field_by_field_and_writes_nothing(hub: Hub) -> None:
    issue = an_issue(hub)
    before = hub.rows(SHOWN), hub.rows("SELECT * FROM sync_marks ORDER BY 1")
    title, name = issue.title, hub.repository.full_name
    conversations.edit(hub.world, issue, by=hub.owner, title="Brighter [bold]lamps[/]")
    new = issues.open_issue(hub.world, hub.repository, "A new one", by=hub.owner)
    gone = issues.open_issue(hub.world, hub.repository, "There and gone", by=hub.owner)
    issues.delete(hub.world, gone, by=hub.owner)

    found = (await hub.run("resync", name, "--dry-run", "--json")).json["differences"]
    told = {(one["repository"], one["table"], one["number"], one["operation"]) for one in found}
    assert told == {(name, "github_issues", issue.number, "update"), (name, "github_issues", new.number, "insert")}
    (edited,) = (one for one in found if one["operation"] == "update")
    assert edited["mirrored"]["title"] == title
    assert edited["actual"]["title"] == "Brighter [bold]lamps[/]"
    assert edited["actual"].keys() == edited["mirrored"].keys() == {"title", "updated_at"}

    shown = await hub.run("resync", "--all", "--dry-run", "--full")
    assert name in shown.stdout.splitlines()[1]
    assert f"github_issues #{issue.number}" in shown.stdout
    assert "Brighter [bold]lamps[/]" in shown.stdout
    assert "is missing" in shown.stdout
    assert "would change" in shown.stdout
    assert (hub.rows(SHOWN), hub.rows("SELECT * FROM sync_marks ORDER BY 1")) == before
    assert hub.differences() != []


SHOWN = """
    SELECT (SELECT count(*) FROM change_events), (SELECT max(synced_at) FROM github_issues),
           (SELECT max(verified_at) FROM github_issues), (SELECT max(verified_at) FROM github_repositories),
           (SELECT max(synced_at) FROM github_installations)
"""


@pytest.mark.usefixtures("mirrored")
async def test_a_dry_run_tells_once_that_a_repository_has_another_name(hub: Hub) -> None:
    repositories.rename(hub.world, hub.repository, "lantern", by=hub.owner)
    found = (await hub.run("resync", "--all", "--full", "--dry-run", "--json")).json["differences"]
    told = [(one["table"], one["number"], one["actual"]) for one in found]
    assert ("github_repositories", None) in {(table, number) for table, number, _ in told}
    assert len({table for table, *_ in told}) > 1
    assert [one for place, one in enumerate(told) if one in told[:place]] == []


@pytest.mark.usefixtures("mirrored")
async def test_a_dry_run_shows_where_long_values_differ(hub: Hub) -> None:
    issue = an_issue(hub)
    words = "The lamp turns, and turns, and turns, and turns, and turns, and turns, and then it "
    conversations.edit(hub.world, issue, by=hub.owner, title=f"{words}stops")
    hub.connection.execute("UPDATE github_issues SET title = %s WHERE number = %s", [f"{words}shines", issue.number])
    shown = (await hub.run("resync", hub.repository.full_name, "--full", "--dry-run")).stdout
    assert re.search(r"title +(\.\.\..+ and then it )shines +\1stops", shown)


@pytest.mark.usefixtures("mirrored")
async def test_a_dry_run_tells_what_has_gone(hub: Hub) -> None:
    issue = an_issue(hub)
    issues.delete(hub.world, issue, by=hub.owner)
    result = await hub.run("resync", hub.repository.full_name, "--dry-run", "--full")
    assert f"github_issues #{issue.number}" in result.text
    assert "is gone" in result.text
    assert hub.rows("SELECT count(*) FROM github_issues WHERE deleted_at IS NOT NULL") == [(0,)]


@pytest.mark.usefixtures("mirrored")
async def test_a_dry_run_of_a_mirror_that_is_right_says_so(hub: Hub) -> None:
    assert (await hub.run("resync", "--all", "--dry-run")).stdout.startswith("The mirror is as GitHub is.\n")


async def test_a_dry_run_of_what_is_not_mirrored_says_so_and_writes_nothing(hub: Hub) -> None:
    result = await hub.run("resync", hub.repository.full_name, "--dry-run")
    assert result.exit_code == 1
    assert result.stderr.strip() == f"{hub.repository.full_name} is not mirrored yet: there is nothing to compare."
    assert hub.rows("SELECT count(*) FROM github_repositories") == [(0,)]
    assert hub.rows("SELECT count(*) FROM github_installations") == [(0,)]


async def test_a_dry_run_over_a_mirror_with_nothing_in_it_tells_what_would_come(hub: Hub) -> None:
    result = await hub.run("resync", "--all", "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "")
    assert all(name in result.stdout for name in hub.names())
    assert "Nothing of these is mirrored yet: " in result.stdout
    tables = ("github_repositories", "github_installations", "sync_runs", "sync_jobs", "organizations", "projects")
    assert [hub.rows(f"SELECT count(*) FROM {table}") for table in tables] == [[(0,)]] * len(tables)


@pytest.mark.slow
async def test_progress_is_shown_on_a_terminal_only(hub: Hub) -> None:
    shown = await hub.run_on_a_terminal("resync", hub.repository.full_name)
    assert (shown.exit_code, hub.repository.full_name in shown.stderr) == (0, True)
    assert f"{len(hub.repository.issues)}/{len(hub.repository.issues)}" in shown.stderr
    assert (await hub.run("resync", hub.repository.full_name)).stderr == ""


@pytest.mark.slow
async def test_the_log_of_the_server_is_not_told_here_unless_it_is_asked_for(hub: Hub) -> None:
    said = await hub.run("resync", hub.repository.full_name, GHSYNC_LOG_LEVEL="info")
    asked = await hub.run("resync", hub.repository.full_name, GHSYNC_LOG_LEVEL="debug")
    assert (said.stderr, "repository_read" in asked.stderr) == ("", True)


@pytest.mark.parametrize("settings", [{}, TOKEN])
async def test_a_name_that_github_does_not_know_is_told_as_a_sentence(hub: Hub, settings: dict[str, str]) -> None:
    result = await hub.run("resync", "nobody/nothing", **settings)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("GitHub shows no repository nobody/nothing ")
    assert result.stderr.count("\n") == 1


async def test_where_nothing_is_installed_it_says_what_to_do(hub: Hub) -> None:
    hub.world.installations.clear()
    result = await hub.run("resync", "--all")
    assert result.exit_code == 1
    assert result.stderr == "There is nothing to read: install the App on an account, or name a repository.\n"
    other = await hub.run("resync", "--installation", "1")
    assert (other.exit_code, other.stderr) == (1, "The App has no installation 1 that sees a repository.\n")


@pytest.mark.parametrize("what", ["named", "--all", "--installation"])
@pytest.mark.usefixtures("mirrored")
async def test_a_suspended_installation_is_told_of(hub: Hub, what: str) -> None:
    (installation,) = hub.world.installations.values()
    installations.suspend(hub.world, installation, by=hub.owner)
    arguments = {
        "named": [hub.repository.full_name], "--all": ["--all"], "--installation": ["--installation", installation.id]
    }[what]  # fmt: skip
    first, again = await hub.run("resync", *arguments), await hub.run("resync", *arguments)
    assert [(result.exit_code, result.stdout) for result in (first, again)] == [(1, ""), (1, "")]
    assert " is suspended: the account's owner can lift that in GitHub's settings.\n" in again.stderr
    assert first.stderr == again.stderr
    assert again.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [("--all",), ("known",)])
async def test_without_credentials_it_says_which_to_set(hub: Hub, arguments: tuple[str, ...]) -> None:
    name = hub.repository.full_name
    await hub.run("resync", name)
    result = await hub.run("resync", *(name if each == "known" else each for each in arguments), **NO_APP)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == (
        "Nothing may read GitHub's API yet: set GHSYNC_APP_ID and GHSYNC_PRIVATE_KEY_PATH, or GHSYNC_TOKEN.\n"
    )
    assert [row[1] for row in hub.rows(RUNS)] == ["succeeded"]


@pytest.mark.slow
@pytest.mark.parametrize("known", [False, True])
async def test_a_github_that_cannot_be_reached_is_one_sentence(hub: Hub, known: bool) -> None:
    for _ in range(known):
        await hub.run("resync", "--all")
    names = hub.names() if known else ["--all"]
    result = await hub.run("resync", *names, **NOWHERE)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("GitHub cannot be reached at 127.0.0.1 (")
    assert result.stderr.endswith("): check the network and GHSYNC_API_URL.\n")
    assert result.stderr.count("\n") == 1


OTHERS_APP = {"GHSYNC_APP_ID": "999"}


@pytest.mark.parametrize("what", ["named", "--all", "--installation"])
@pytest.mark.usefixtures("mirrored")
async def test_an_app_that_github_does_not_know_is_one_sentence_and_no_installation_is_gone(
    hub: Hub, what: str
) -> None:
    (installation,) = hub.world.installations.values()
    arguments = {"named": hub.names(), "--all": ["--all"], "--installation": ["--installation", installation.id]}[what]
    result = await hub.run("resync", *arguments, **OTHERS_APP)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "GitHub knows no such app: GHSYNC_APP_ID or GHSYNC_API_URL is wrong.\n"
    assert hub.rows("SELECT deleted_at FROM github_installations") == [(None,)]
    assert set(hub.rows("SELECT removed_at FROM github_repositories")) == {(None,)}
    assert hub.rows("SELECT kind FROM sync_jobs WHERE kind = 'refetch_installation'") == []


@pytest.mark.usefixtures("mirrored")
async def test_where_no_api_answers_it_says_the_same(hub: Hub) -> None:
    address = hub.environment["GHSYNC_API_URL"]
    result = await hub.run("resync", "--all", GHSYNC_API_URL=f"{address}/no/such/path")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "GitHub knows no such app: GHSYNC_APP_ID or GHSYNC_API_URL is wrong.\n"


async def test_a_repository_that_cannot_be_read_holds_up_no_other(hub: Hub) -> None:
    hub.site.faults.blocked.add(hub.repository.id)
    result = await hub.run("resync", "--all")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{hub.repository.full_name}: GitHub has blocked ")
    assert len(result.stdout.splitlines()) == len(hub.names()) + 1  # a header, all but one, and the sum
    assert all(str(hub.repository.id) in line for line in hub.differences())


@pytest.mark.parametrize("settings", [{}, TOKEN], ids=["app", "token"])
async def test_a_name_that_cannot_be_read_holds_up_no_other_name(hub: Hub, settings: dict[str, str]) -> None:
    name = hub.repository.full_name
    result = await hub.run("resync", "nobody/nothing", name, "--json", **settings)
    assert result.exit_code == 1
    unknown, read = result.json["repositories"]
    assert unknown["repository"] == "nobody/nothing"
    assert "GitHub shows no repository nobody/nothing" in unknown["error"]
    assert (read["repository"], read["error"]) == (name, None)
    assert [row for row in hub.rows(MIRRORED) if row[1] or row[2]] == [sizes(hub.repository)]


@pytest.mark.slow
async def test_what_is_suspended_is_told_beside_what_is_read(open_hub: OpenHub) -> None:
    hub = await open_hub(Plan(organizations=2, repositories=4, people=8, conversations=20))
    await hub.run("resync", "--all")
    suspended, other = hub.world.installations.values()
    installations.suspend(hub.world, suspended, by=suspended.account)
    result = await hub.run("resync", "--all", "--full")
    assert result.exit_code == 1
    assert result.stderr == (
        f"The App's installation on {suspended.account.login} is suspended: "
        "the account's owner can lift that in GitHub's settings.\n"
    )
    assert len(result.stdout.splitlines()) == 2 + len(other.repositories)  # a header, and the sum


@pytest.mark.slow
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.usefixtures("mirrored")
async def test_what_is_known_is_read_where_installations_cannot_be_listed(hub: Hub, named: bool) -> None:
    hub.connection.execute("UPDATE github_issues SET title = 'stale'")
    hub.site.faults.planned.append(Planned("malformed", "GET /app/installations", 9))
    names = [hub.repository.full_name, "nobody/nothing"] if named else ["--all"]
    result = await hub.run("resync", "--full", *names, "--json")
    assert result.exit_code == 1
    said = [*result.json["errors"], *(row["error"] for row in result.json["repositories"] if row["error"])]
    assert len(said) == 1
    assert "/app/installations" in said[0]
    assert [line for line in hub.differences() if f"('{hub.repository.id}'" in line] == []


async def test_a_personal_token_is_told_the_new_name_of_a_repository(hub: Hub) -> None:
    before = hub.repository.full_name
    repositories.rename(hub.world, hub.repository, "another", by=hub.owner)
    result = await hub.run("resync", before, **TOKEN)
    assert result.exit_code == 1
    assert result.stderr == f"{before} is called {hub.repository.full_name} by now: give that name.\n"


@pytest.mark.slow
async def test_a_personal_token_reads_what_is_named(hub: Hub) -> None:
    assert (await hub.run("resync", hub.repository.full_name, **TOKEN)).exit_code == 0
    assert [line for line in hub.differences() if f"('{hub.repository.id}'" in line] == []
    await comment(hub)
    assert (await hub.run("resync", "--all", **TOKEN)).exit_code == 0
    assert [line for line in hub.differences() if f"('{hub.repository.id}'" in line] == []


async def comment(hub: Hub) -> None:
    """Let somebody say something that no hook tells of."""
    hub.world.clock.advance(5)
    comments.create(hub.world, an_issue(hub), "Told by nobody.", by=hub.owner)


async def test_a_token_that_was_revoked_is_one_sentence(hub: Hub) -> None:
    result = await hub.run("resync", hub.repository.full_name, **NO_APP, GHSYNC_TOKEN="ghp_revoked")
    assert result.exit_code == 1
    assert result.stderr.startswith("GitHub does not accept GHSYNC_TOKEN (Bad credentials): it was revoked")
    assert "APP" not in result.stderr.upper()
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
async def test_ctrl_c_loses_nothing_and_the_next_run_goes_on(open_hub: OpenHub) -> None:
    hub = await open_hub(Plan(repositories=1, people=8, conversations=400))
    name = hub.repository.full_name
    await hub.run("resync", name, "--only", "pulls")  # so that the repository is known
    hub.connection.execute("DELETE FROM sync_runs")
    hub.site.faults.slow_seconds = 1
    hub.site.faults.plan("slow", "graphql", times=1000)

    process = hub.start("resync", name)
    async with asyncio.timeout(30):
        while not hub.rows("SELECT FROM sync_runs WHERE rows_seen > 0"):  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.02)
    process.send_signal(signal.SIGINT)
    stopped = await process.ended()
    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert stopped.stderr == "Stopped, and nothing is lost: run it again to go on.\n"
    ((first, status, seen, requests, error),) = hub.rows(RUNS)
    assert (status, error) == ("interrupted", None)
    assert 0 < seen < len(hub.repository.issues)
    (mirrored,) = hub.rows("SELECT count(*)::int FROM github_issues")
    assert mirrored[0] > 0

    hub.site.faults.planned.clear()
    report = (await hub.run("resync", name, "--json")).json
    ((second, status, all_seen, all_requests, error),) = hub.rows(RUNS)
    assert (second, status, error) == (first, "succeeded", None)
    assert all_seen == report["repositories"][0]["read"] == len(hub.repository.issues)
    assert all_requests > requests
    assert hub.differences() == []


@pytest.mark.slow
async def test_ctrl_c_before_anything_was_read_is_told_alike(hub: Hub) -> None:
    hub.site.faults.slow_seconds = 5
    hub.site.faults.plan("slow", "app/installations")
    process = hub.start("resync", "--all")
    async with asyncio.timeout(30):
        while hub.site.faults.planned[0].times:  # noqa: ASYNC110 (until it has asked)
            await asyncio.sleep(0.02)
    process.send_signal(signal.SIGINT)
    stopped = await process.ended()
    assert (stopped.exit_code, stopped.stderr) == (130, "Stopped, and nothing is lost: run it again to go on.\n")
