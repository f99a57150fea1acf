"""`ghsync doctor`: every trouble is one sentence that says what to do."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import psycopg
import pytest
import respx

from ghsync import locks
from ghsync.cli import terminal
from ghsync.doctor.permissions import ALERTS, EVENTS, WANTED_EVENTS, WANTED_PERMISSIONS
from ghsync.github import introspection
from ghsync.github.parts import PARTS
from tests import postgres
from tests.cli.conftest import Ghsync, Result
from tests.github.answers import answer, refusal
from tests.github.conftest import API, APP_ID, TOKEN
from tests.github.keys import private_key
from tests.months import at, months, name

HOOK = {"url": "https://ghsync.test/webhooks/github", "insecure_ssl": "0", "secret": "********"}
INSTALLATION = {"id": 8, "account": {"login": "octocat"}, "permissions": dict.fromkeys(WANTED_PERMISSIONS, "read")}


class Site:
    """A GitHub where everything is well, but for what a test changes."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.router = router
        self.app = self._answers("/app", {"name": "Mirror", "events": WANTED_EVENTS} | self._permissions())
        self.user = self._answers("/user", {"login": "mona"})
        self.installations = self._answers("/app/installations", [INSTALLATION])
        self.hook = self._answers("/app/hook/config", HOOK)
        self.deliveries = self._answers("/app/hook/deliveries", [delivery("1"), delivery("2")])
        self.limits = self._answers("/rate_limit", limits(4900))
        self.schema = known()
        self.graphql = router.post("/graphql").mock(side_effect=self._asked)
        expires_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        router.post(path__regex=r"/app/installations/\d+/access_tokens").mock(
            return_value=answer({"token": "ghs_1", "expires_at": expires_at}, 201)
        )

    def _asked(self, request: httpx.Request) -> httpx.Response:
        """What GraphQL says: its schema, or no nodes at all."""
        whole = {kind: {"fields": fields} for kind, fields in self.schema.items()}
        return answer({"data": whole if b"__type" in request.content else {"nodes": []}})

    def _answers(self, path: str, body: Any) -> respx.Route:
        return self.router.get(path).mock(return_value=answer(body))

    def _permissions(self) -> dict[str, Any]:
        return {"permissions": dict.fromkeys(WANTED_PERMISSIONS, "read")}


def known() -> dict[str, list[dict[str, Any]]]:
    """The fields that a schema has, by their types: all that may be left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for part in PARTS:
        for kind, field, argument in introspection.coordinates(part):
            found.setdefault(kind, []).append({"name": field, "args": [{"name": argument}]})
    return found


def delivery(guid: str, status_code: int = 200, status: str = "OK", *, minutes: int = 1) -> dict[str, Any]:
    delivered_at = datetime.now(UTC) - timedelta(minutes=minutes)
    return {"guid": guid, "delivered_at": delivered_at.isoformat(), "status": status, "status_code": status_code}


def limits(graphql: int) -> dict[str, Any]:
    return {"resources": {"core": {"limit": 5000, "remaining": 4950}, "graphql": {"limit": 5000, "remaining": graphql}}}


@pytest.fixture
def site() -> Iterator[Site]:
    with respx.mock(base_url=API, assert_all_called=False) as router:
        yield Site(router)


@pytest.fixture
def examined(ghsync: Ghsync) -> Ghsync:
    """Calls the doctor for an App."""

    def call(**settings: str) -> Result:
        app = {"GHSYNC_API_URL": API, "GHSYNC_APP_ID": APP_ID, "GHSYNC_PRIVATE_KEY": private_key()}
        return ghsync("doctor", "--json", **app | settings)

    return call


def found(result: Result, check: str) -> tuple[str, str]:
    """The state of a check, and what was said."""
    [finding] = [finding for finding in result.json if finding["check"] == check]
    return finding["state"], finding["said"]


def test_where_all_is_well_every_check_says_so(examined: Ghsync, site: Site) -> None:
    result = examined()

    assert [(finding["check"], finding["state"]) for finding in result.json] == [
        (check, "ok")
        for check in (
            "webhook secrets", "encryption keys", "private key", "database", "rights", "readings",
            "stored secrets", "partitions", "locks", "processes", "github", "clock", "app", "permissions", "alerts",
            "events", "members", "installations", "rate limit", "graphql", "hook", "deliveries",
        )
    ]  # fmt: skip
    assert result.exit_code == 0
    assert found(result, "rate limit")[1] == "4,900 of 5,000 are left (installation:8, graphql)."
    assert found(result, "installations")[1] == "Installed for octocat."
    assert found(result, "readings")[1] == "Nothing has been asked for yet."


@pytest.mark.parametrize(("name", "state"), [("psql", "warning"), ("ghsync elsewhere:7", "ok")])
def test_who_leads_and_is_no_ghsync_is_told(
    examined: Ghsync, site: Site, database_url: str, name: str, state: str
) -> None:
    with psycopg.connect(database_url, application_name=name) as stranger:
        stranger.execute("SELECT pg_advisory_lock(%s)", [locks.LEADER])
        said = found(examined(), "locks")
    assert said[0] == state
    assert ("pg_terminate_backend(" in said[1]) is (state == "warning")


def test_people_get_a_line_a_check(ghsync: Ghsync, site: Site) -> None:
    result = ghsync("doctor", GHSYNC_API_URL=API, GHSYNC_TOKEN=TOKEN)

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 17
    assert lines[12].split() == ["ok", "token", "It", "is", "mona's."]
    assert lines[-1] == "All is well."


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ({"GHSYNC_PRIVATE_KEY": "no key"}, "github, clock, app, permissions, alerts, events, members, installations, "),
        (
            {"GHSYNC_DATABASE_URL": "postgresql://127.0.0.1:1/nowhere"},
            "rights, readings, partitions, locks, processes, ",
        ),
        ({"GHSYNC_PORT": "http"}, "all else."),
    ],
)
def test_what_could_not_be_checked_is_said_at_the_end(
    ghsync: Ghsync, site: Site, settings: dict[str, str], left: str
) -> None:
    app = {"GHSYNC_API_URL": API, "GHSYNC_APP_ID": APP_ID, "GHSYNC_PRIVATE_KEY": private_key()}
    result = ghsync("doctor", **app | settings)

    *_, last, summary = result.stdout.splitlines()
    assert last.startswith(f"Not checked: {left}")
    assert last.endswith(". Mend the above first.")
    assert summary == "1 failed."
    assert site.app.call_count == 0


def test_what_is_not_well_is_counted(ghsync: Ghsync, site: Site) -> None:
    site.user.mock(return_value=refusal("Not Found", 404))
    settings = {"GHSYNC_ENCRYPTION_KEYS": "", "GHSYNC_PROT": "1"}
    result = ghsync("doctor", GHSYNC_API_URL=API, GHSYNC_TOKEN=TOKEN, **settings)

    assert result.stdout.splitlines()[-2:] == [
        "Not checked: alerts, rate limit, graphql. Mend the above first.", "1 failed, 2 warnings.",
    ]  # fmt: skip


def test_what_does_not_fit_goes_on_below_its_beginning(ghsync: Ghsync, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal.console, "width", 60)
    lines = ghsync("doctor").stdout.splitlines()
    begins = next(place for place, line in enumerate(lines) if "Nothing may read" in line)

    assert lines[begins].startswith("warning  private key      Nothing may read GitHub's API,")
    assert lines[begins + 1].startswith(" " * 26)
    assert not lines[begins + 1].startswith(" " * 27)
    assert max(map(len, lines[:-1])) <= 60


@pytest.mark.parametrize(
    ("reply", "state", "said"),
    [
        (answer({}), "ok", "GitHub does not say whose it is."),
        (answer({"message": "Bad credentials"}, 401), "failed", "GitHub does not accept GHSYNC_TOKEN (Bad "),
        (answer({"message": "Not Found"}, 404), "failed", "GHSYNC_TOKEN or GHSYNC_API_URL is wrong"),
        (answer({"message": "Resource not accessible by personal access token"}, 403), "failed",
         "GHSYNC_TOKEN lacks a permission for /user: give it to the token on GitHub under Settings"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_token_is_said_of_the_token(
    ghsync: Ghsync, site: Site, reply: httpx.Response, state: str, said: str
) -> None:
    site.user.mock(return_value=reply)
    result = ghsync("doctor", "--json", GHSYNC_API_URL=API, GHSYNC_TOKEN=TOKEN)

    assert found(result, "token")[0] == state
    assert said in found(result, "token")[1]
    assert "APP_ID" not in found(result, "token")[1]


def test_settings_that_are_wrong_are_told_together(ghsync: Ghsync) -> None:
    result = ghsync("doctor", GHSYNC_PORT="http", GHSYNC_API_URL="api.github.com")

    assert result.exit_code == 1
    assert 'GHSYNC_PORT is "http": it has to be a whole number.' in result.text
    assert "GHSYNC_API_URL is wrong: must start with https://." in result.text


@pytest.mark.parametrize(
    ("setting", "value", "check", "state", "said"),
    [
        ("WEBHOOK_SECRETS", "", "webhook secrets", "failed", "GHSYNC_WEBHOOK_SECRETS is not set"),
        ("ENCRYPTION_KEYS", "", "encryption keys", "warning", "`openssl rand -base64 32"),
        ("ENCRYPTION_KEYS", "short", "encryption keys", "failed", "GHSYNC_ENCRYPTION_KEYS is wrong"),
        ("PRIVATE_KEY", "no key", "private key", "failed", "holds no private key"),
        ("PRIVATE_KEY", "", "private key", "failed", "Neither GHSYNC_PRIVATE_KEY nor"),
        ("API_URL", "http://api.github.test", "api url", "failed", "tokens in clear text"),
        ("DATABASE_URL", "postgresql://127.0.0.1:1/nowhere", "database", "failed", "PostgreSQL does not answer"),
    ],
)
def test_a_setting_is_named(
    examined: Ghsync, site: Site, setting: str, value: str, check: str, state: str, said: str
) -> None:
    result = examined(**{f"GHSYNC_{setting}": value})

    assert found(result, check)[0] == state
    assert said in found(result, check)[1]
    assert result.exit_code == (state == "failed")


def test_without_any_credential_it_says_that_only_deliveries_are_read(ghsync: Ghsync) -> None:
    result = ghsync("doctor", "--json")

    assert found(result, "private key")[0] == "warning"
    assert result.exit_code == 0


def test_where_none_is_at_work_it_says_which_would_be(ghsync: Ghsync) -> None:
    assert found(ghsync("doctor", "--json"), "processes") == (
        "ok", "None is at work: `ghsync serve` receives and projects.",
    )  # fmt: skip


def test_a_process_that_is_not_heard_of_is_named(ghsync: Ghsync, database_url: str) -> None:
    row = "gen_random_uuid(), 'work', 'earth', 42, '1', now() - interval '20 s'"
    postgres.execute(database_url, f"INSERT INTO sync_processes (id, kind, host, pid, version, seen_at) SELECT {row}")
    state, said = found(ghsync("doctor", "--json"), "processes")

    assert state == "warning"
    assert said.startswith("Not heard of: work earth:42 for 2")


@pytest.fixture
def this_month(connection: psycopg.Connection) -> str:
    """How names of partitions of this month end, all of which are made."""
    connection.execute("SELECT make_partitions()")
    ((end,),) = connection.execute("SELECT to_char(now() AT TIME ZONE 'UTC', '\"_y\"YYYY\"m\"MM')").fetchall()
    return str(end)


def test_partitions_that_are_made_are_told_up_to_a_month(ghsync: Ghsync, this_month: str) -> None:
    state, said = found(ghsync("doctor", "--json"), "partitions")
    assert state == "ok"
    assert re.fullmatch(r"They are made up to \d{4}-\d\d\.", said)


def test_a_month_without_a_partition_is_told(ghsync: Ghsync, connection: psycopg.Connection, this_month: str) -> None:
    connection.execute(f"DROP TABLE audit_logs{this_month}".encode())
    said = f"Missing: audit_logs{this_month}. Run `ghsync maintain`, which tells what is in the way."
    assert found(ghsync("doctor", "--json"), "partitions") == ("warning", said)


def test_what_is_in_the_place_of_a_partition_is_told(
    ghsync: Ghsync, connection: psycopg.Connection, this_month: str
) -> None:
    connection.execute(f"ALTER TABLE audit_logs DETACH PARTITION audit_logs{this_month}".encode())
    said = f"In the place of partitions is audit_logs{this_month}: rename or attach, and run `ghsync maintain`."
    assert found(ghsync("doctor", "--json"), "partitions") == ("warning", said)


def test_rows_of_a_month_that_are_not_in_its_partition_are_told_with_what_moves_them(
    ghsync: Ghsync, connection: psycopg.Connection, this_month: str
) -> None:
    """Of a month between others: what is older than all partitions is kept for as long as the default one."""
    older, first, missing = months(-5, -4, -3)
    connection.execute("SELECT make_partition('change_events', %s)", [first])
    for seq, month in enumerate((older, missing)):
        connection.execute(
            "INSERT INTO change_events (seq, entity_type, entity_id, operation, sync_source, created_at)"
            " VALUES (%s, 'github_issues', gen_random_uuid(), 'update', 'webhook', %s)",
            [seq, at(month)],
        )
    move = f"SELECT make_partition('change_events', '{missing}');"
    said = f"change_events_default has rows of {missing:%Y-%m}, which would stay when months are dropped: run {move}"
    assert found(ghsync("doctor", "--json"), "partitions") == ("warning", said)
    connection.execute(move.encode())
    assert found(ghsync("doctor", "--json"), "partitions")[0] == "ok"


def test_a_month_that_has_yet_to_go_is_told(ghsync: Ghsync, connection: psycopg.Connection) -> None:
    (old,) = months(-8)
    connection.execute("SELECT make_partition('change_events', %s)", [old])
    said = f"Past its retention is {name('change_events', old)}: run `ghsync maintain`, which tells what is in the way."
    assert found(ghsync("doctor", "--json"), "partitions") == ("warning", said)


def test_a_pooler_that_is_away_is_a_finding(ghsync: Ghsync, database_url: str) -> None:
    pooler = {"GHSYNC_DATABASE_URL": "postgresql://127.0.0.1:1/ghsync", "GHSYNC_DIRECT_DATABASE_URL": database_url}
    result = ghsync("doctor", "--json", **pooler)

    assert found(result, "database")[0] == "ok"
    assert found(result, "pooler")[0] == "failed"
    assert found(result, "pooler")[1].startswith("The pooler in GHSYNC_DATABASE_URL does not answer (")


def test_a_view_that_was_dropped_is_told_and_made_again(ghsync: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("DROP VIEW latest_releases")
    missing = "Views, functions or triggers are missing, or another version's: run `ghsync migrate`."
    assert found(ghsync("doctor", "--json"), "database") == ("failed", missing)
    check = ghsync("migrate", "--check")
    assert (check.exit_code, check.stdout) == (1, f"{missing}\n")
    assert ghsync("migrate").exit_code == 0
    assert found(ghsync("doctor", "--json"), "database")[0] == "ok"


def test_a_database_that_is_behind_is_to_be_migrated(
    examined: Ghsync, site: Site, connection: psycopg.Connection[Any]
) -> None:
    connection.execute("UPDATE alembic_version SET version_num = '0024'")
    result = examined()

    assert found(result, "database")[1].startswith("Migrations are due (0025, ")
    assert found(result, "database")[1].endswith("run `ghsync migrate`.")
    assert result.exit_code == 1


def test_a_database_that_is_empty_is_a_warning_and_github_is_not_asked(
    examined: Ghsync, site: Site, empty_database_url: str
) -> None:
    result = examined(GHSYNC_DATABASE_URL=empty_database_url)

    assert found(result, "database")[0] == "warning"
    assert found(result, "database")[1].endswith(", and empty: `ghsync serve` fills it.")
    assert found(result, "rights") == ("ok", "There are no tables yet.")
    assert site.app.call_count == 0
    assert result.exit_code == 0


@pytest.mark.slow
def test_a_github_that_is_not_there_is_told_with_the_setting(examined: Ghsync, site: Site) -> None:
    site.app.mock(side_effect=httpx.ConnectError("refused"))
    result = examined()

    assert found(result, "github")[0] == "failed"
    assert found(result, "github")[1].endswith("(refused): check the network and GHSYNC_API_URL.")
    assert result.json[-1]["check"] == "github"


def test_a_clock_that_is_off_is_told_with_how_far(examined: Ghsync, site: Site) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=30), True)
    message = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
    site.app.mock(return_value=httpx.Response(401, json={"message": message}, headers={"date": date}))
    result = examined()

    assert [found(result, check)[0] for check in ("github", "clock", "app")] == ["ok", "failed", "failed"]
    assert re.fullmatch(
        r"This machine's clock is (1799|1800) s behind GitHub's: set it right \(NTP\)\. "
        r"The database's clock is (1799|1800) s behind GitHub's: set it right \(NTP\)\.",
        found(result, "clock")[1],
    )
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (refusal("Integration not found", 404), "GHSYNC_APP_ID or GHSYNC_API_URL is wrong"),
        (refusal("A JSON web token could not be decoded", 401), "generate a new private key"),
    ],
)
def test_an_app_that_github_does_not_know(examined: Ghsync, site: Site, reply: httpx.Response, said: str) -> None:
    site.app.mock(return_value=reply)
    result = examined()

    assert said in found(result, "app")[1]
    assert result.exit_code == 1


def test_what_the_app_lacks_is_listed(examined: Ghsync, site: Site) -> None:
    permissions = {name: "read" for name in WANTED_PERMISSIONS if name != "contents"}
    events = [name for name in WANTED_EVENTS if name not in ("push", "issues")]
    site.app.mock(return_value=answer({"name": "Mirror", "permissions": permissions, "events": events}))
    result = examined()

    assert found(result, "permissions") == (
        "failed", "The App lacks contents: give it read access to them on the App's page on GitHub."
    )  # fmt: skip
    assert found(result, "events") == (
        "failed", "The App lacks issues, push: subscribe it to them on the App's page on GitHub."
    )  # fmt: skip
    assert result.exit_code == 1


def test_an_app_of_an_earlier_version_is_told_what_is_not_mirrored_until_it_may_read_it(
    examined: Ghsync, site: Site
) -> None:
    later = ("actions", "checks", "statuses")
    permissions = {name: "read" for name in WANTED_PERMISSIONS if name not in later}
    events = [name for name in WANTED_EVENTS if EVENTS[name] not in (*later, *ALERTS)]
    site.app.mock(return_value=answer({"name": "Mirror", "permissions": permissions, "events": events}))
    result = examined()

    said = (
        "The App lacks Actions, Checks and Commit statuses: give it read access to them on the App's page on GitHub; "
        "until then workflow runs, check runs and commit statuses are not mirrored, and ci_status does not count them."
    )
    assert found(result, "permissions") == ("warning", said)
    assert found(result, "events")[0] == "ok"
    assert result.exit_code == 0


def test_alerts_are_optional_and_told_of(examined: Ghsync, site: Site) -> None:
    said = (
        "Code scanning alerts, Dependabot alerts and Secret scanning alerts are not mirrored: "
        "the App may not read them, which is optional."
    )
    assert found(examined(), "alerts") == ("ok", said)

    permissions = dict.fromkeys([*WANTED_PERMISSIONS, *ALERTS], "read")
    events = [name for name in WANTED_EVENTS if name != "dependabot_alert"]
    site.app.mock(return_value=answer({"name": "Mirror", "permissions": permissions, "events": events}))
    result = examined()
    assert found(result, "alerts") == ("ok", "The App may read security alerts of all kinds.")
    assert found(result, "events")[1].startswith("The App lacks dependabot_alert: subscribe it")


def test_installations_that_need_somebody_are_named(examined: Ghsync, site: Site) -> None:
    site.installations.mock(return_value=answer([]))
    assert found(examined(), "installations")[1].startswith("The App is installed nowhere")

    suspended = INSTALLATION | {"id": 9, "account": {"login": "mona"}, "suspended_at": "2026-03-02T09:10:00Z"}
    site.installations.mock(return_value=answer([INSTALLATION, suspended]))
    assert found(examined(), "installations") == (
        "warning", "Suspended for mona: an owner can lift that in the account's settings on GitHub."
    )  # fmt: skip

    many = [{"id": number, "account": None, "permissions": {"metadata": "read"}} for number in range(7)]
    site.installations.mock(return_value=answer(many))
    state, said = found(examined(), "installations")
    assert state == "warning"
    assert said.startswith("installation 0, installation 1, installation 2, installation 3, installation 4 and 2 more")


def test_a_limit_that_is_nearly_used_up_is_a_warning(examined: Ghsync, site: Site) -> None:
    site.limits.mock(return_value=answer(limits(400)))
    assert found(examined(), "rate limit")[0] == "warning"

    site.limits.mock(return_value=refusal("Rate limiting is not enabled.", 404))
    assert found(examined(), "rate limit") == ("ok", "This server has none.")


@pytest.mark.parametrize(
    ("hook", "state", "said"),
    [
        ({"url": ""}, "warning", "serve --pull"),
        ({"secret": ""}, "failed", "has no secret"),
        ({"url": "https://ghsync.test/"}, "warning", "does not end in /webhooks/github"),
        ({"url": "http://ghsync.test/webhooks/github"}, "warning", "eavesdroppers"),
        ({"insecure_ssl": "1"}, "warning", "eavesdroppers"),
        ({"url": "http://127.0.0.1:8010/webhooks/github"}, "ok", "GitHub delivers to http://127.0.0.1:8010/"),
    ],
)
def test_a_webhook_that_is_not_right(examined: Ghsync, site: Site, hook: dict[str, str], state: str, said: str) -> None:
    site.hook.mock(return_value=answer(HOOK | hook))
    result = examined()

    assert found(result, "hook")[0] == state
    assert said in found(result, "hook")[1]


@pytest.mark.parametrize(
    ("status_code", "status", "said"),
    [
        (401, "Invalid HTTP Response: 401", "GHSYNC_WEBHOOK_SECRETS lacks the secret"),
        (0, "failed to connect to host", "GitHub gets no answer"),
        (404, "Invalid HTTP Response: 404", "has to end in /webhooks/github"),
        (502, "Invalid HTTP Response: 502", "the proxy before ghsync gets no answer: check that `ghsync serve` runs"),
        (502, "failed to connect to host", "nobody answered at the webhook's URL: check that `ghsync serve` runs"),
        (504, "timed out", "nobody answered at the webhook's URL: check that `ghsync serve` runs there"),
        (418, "Invalid HTTP Response: 418", "the answer was 418 Invalid HTTP Response: 418"),
    ],
)
def test_deliveries_that_fail_say_why(examined: Ghsync, site: Site, status_code: int, status: str, said: str) -> None:
    site.deliveries.mock(return_value=answer([delivery("3", status_code, status), delivery("2"), delivery("1")]))
    result = examined()

    assert found(result, "deliveries")[0] == "failed"
    assert found(result, "deliveries")[1].startswith("1 of the last 3 failed: ")
    assert said in found(result, "deliveries")[1]


def test_deliveries_that_failed_earlier_are_a_warning(examined: Ghsync, site: Site) -> None:
    log = [delivery("3"), delivery("2"), delivery("2", 503), delivery("1", 503), delivery("0", 500, minutes=3000)]
    site.deliveries.mock(return_value=answer(log))
    state, said = found(examined(), "deliveries")

    assert (state, said[:25]) == ("warning", "1 of the last 3 failed: g")

    assert said.endswith("check the database; `ghsync heal` brings in the 1 that are missing.")

    told = [delivery("4"), *(delivery(guid, code) for guid, code in (("3", 401), ("2", 503), ("1", 503)))]
    site.deliveries.mock(return_value=answer(told))
    state, said = found(examined(), "deliveries")
    assert (state, said.count(" of the last 4 failed: ")) == ("warning", 2)
    assert said.startswith("2 of the last 4 failed: ghsync could not commit")
    assert "; 1 of the last 4 failed: GHSYNC_WEBHOOK_SECRETS" in said

    site.deliveries.mock(return_value=answer([delivery("0", 500, minutes=3000)]))
    assert found(examined(), "deliveries") == ("ok", "GitHub has sent none in the last day.")


def test_deliveries_that_failed_and_are_here_by_now_are_no_trouble(
    examined: Ghsync, site: Site, connection: psycopg.Connection[Any]
) -> None:
    connection.execute(
        """INSERT INTO webhook_deliveries (hook_target, guid, event, headers, body)
           VALUES ('app:1', '2', 'issues', '{}', ''), ('app:1', '1', 'issues', '{}', '')"""
    )
    site.deliveries.mock(return_value=answer([delivery("3"), delivery("2", 503), delivery("1", 401)]))
    state, said = found(examined(), "deliveries")
    assert (state, said) == ("ok", "The last 3 have arrived, 2 of them later than sent.")


def test_what_graphql_lacks_or_does_not_show_is_told_and_why(examined: Ghsync, site: Site) -> None:
    site.schema["Issue"] = [each for each in site.schema["Issue"] if each["name"] != "issueType"]
    state, said = found(examined(), "graphql")

    assert state == "warning"
    assert said == f"{API} does not show types of issues (Issue.issueType): its schema has no Issue.issueType."
