"""Personal tokens with few scopes: what they may see is mirrored, and what they may not is told."""

from dataclasses import replace

import pytest

from ghsync.simulator.actions import pull_requests
from ghsync.simulator.generator import Plan
from ghsync.simulator.repository import Repository
from tests.cli.conftest import OpenHub
from tests.cli.hub import PERSONAL_TOKEN, Hub

pytestmark = pytest.mark.anyio

TOKEN = {"GHSYNC_APP_ID": "", "GHSYNC_PRIVATE_KEY": "", "GHSYNC_TOKEN": PERSONAL_TOKEN, "GHSYNC_LOG_LEVEL": "warning"}

ASKED = "SELECT requested_teams FROM github_pull_requests WHERE number = %s"


def granted(hub: Hub, *scopes: str) -> None:
    """Let the token have these scopes alone."""
    hub.site.tokens.keys = replace(hub.site.keys, scopes={PERSONAL_TOKEN: frozenset(scopes)})


def differing(hub: Hub, repository: Repository) -> list[str]:
    """Where the mirror of one repository is not as GitHub is."""
    return [line for line in hub.differences() if str(repository.id) in line]


@pytest.mark.slow
@pytest.mark.parametrize(("scopes", "visibility"), [(("repo",), "private"), ((), "public")])
async def test_a_token_with_few_scopes_reads_what_it_may(hub: Hub, scopes: tuple[str, ...], visibility: str) -> None:
    granted(hub, *scopes)
    hub.repository.visibility = visibility  # type: ignore[assignment]
    team = hub.world.add_team(hub.owner, "Keepers", "Those who keep")
    pull = next(each for each in hub.repository.pull_requests.values() if each.issue.state == "open")
    pull_requests.request_review(hub.world, pull, team, by=hub.owner)

    read = await hub.run("resync", hub.repository.full_name, "--json", **TOKEN)
    examined = await hub.run("doctor", "--json", **TOKEN)
    status = await hub.run("status", "--json", **TOKEN)

    assert read.exit_code == 0
    assert "graphql_given_up" not in read.stderr
    assert differing(hub, hub.repository) == []
    assert hub.rows(ASKED, pull.number) == [([{"id": team.id, "slug": team.slug}],)]
    assert "security_events" in next(one["said"] for one in examined.json if one["check"] == "alerts")
    (told,) = (one for one in examined.json if one["check"] == "graphql")
    assert told["state"] == "warning"
    assert told["said"] == (
        "The token is not shown users and teams that are asked for review, for which REST is asked "
        "(ReviewRequestConnection.nodes): it lacks the scope read:org. "
        "Give the token the scope: it is asked for again within a day."
    )
    assert [one["part"] for one in status.json["left_out"]] == ["ReviewRequestConnection.nodes"]


async def test_a_token_without_scopes_does_not_see_what_is_private(hub: Hub) -> None:
    granted(hub)
    hub.repository.visibility = "private"
    read = await hub.run("resync", hub.repository.full_name, **TOKEN)
    assert read.exit_code == 1
    assert hub.rows("SELECT count(*) FROM github_issues") == [(0,)]


async def test_a_token_reads_the_security_alerts_that_it_may(open_hub: OpenHub) -> None:
    hub = await open_hub(Plan(repositories=1, people=4, conversations=6, security_alerts=True))
    granted(hub, "repo")
    here = hub.repository
    alerts = (here.code_scanning_alerts, here.dependabot_alerts, here.secret_scanning_alerts)
    assert (await hub.run("resync", here.full_name, **TOKEN)).exit_code == 0
    assert hub.rows("SELECT count(*)::int FROM github_security_alerts") == [(sum(map(len, alerts)),)]
    assert sum(map(len, alerts)) > 0
