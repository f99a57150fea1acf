import psycopg
import pytest

from tests.cli.conftest import FIRST_STORY, Ghsync

AUDIT = "SELECT action, resource_type, entity_name, new_values, actor_name FROM audit_logs ORDER BY created_at"


@pytest.fixture
def waiting(ghsync: Ghsync) -> Ghsync:
    """The command line, with deliveries that wait."""
    ghsync("replay", FIRST_STORY)
    return ghsync


def test_the_newest_deliveries_are_listed_first(told: Ghsync) -> None:
    found = told("deliveries", "list", "--limit", 3, "--json").json

    assert [row["id"] for row in found] == [24, 23, 22]
    assert found[0]["event"] == "issues"
    assert "body" not in found[0]


def test_a_listing_fits_into_80_columns(told: Ghsync) -> None:
    lines = told("deliveries", "list").stdout.splitlines()

    assert len(lines) == 21
    assert max(map(len, lines)) <= 80
    assert all(line.startswith(("id", *"0123456789")) for line in lines)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--status", "processed"), 24),
        (("--status", "parked"), 0),
        (("--event", "label"), 2),
        (("--repo", "tarnfield/stationd", "--event", "milestone"), 1),
    ],
)
def test_a_listing_can_be_narrowed(told: Ghsync, options: tuple[str, ...], count: int) -> None:
    assert len(told("deliveries", "list", *options, "--limit", 100, "--json").json) == count


def test_an_empty_listing_says_so(ghsync: Ghsync) -> None:
    assert ghsync("deliveries", "list").stdout == "No such deliveries.\n"
    assert ghsync("deliveries", "list", "--json").json == []


def test_a_delivery_is_shown_by_its_number_and_by_its_guid(told: Ghsync) -> None:
    by_number = told("deliveries", "show", 5, "--json").json

    assert told("deliveries", "show", by_number["guid"], "--json").json == by_number
    assert by_number["headers"]["x-github-event"] == "issues"


def test_headers_that_are_not_github_s_own_are_never_shown(told: Ghsync, connection: psycopg.Connection) -> None:
    kept_by_an_older_version = '{"x-hub-signature-256": "sha256=c0ffee", "Authorization": "Basic c0ffee"}'
    connection.execute("UPDATE webhook_deliveries SET headers = headers || %s::jsonb", [kept_by_an_older_version])

    for options in ((), ("--json",), ("--body",)):
        result = told("deliveries", "show", 5, *options)
        assert "c0ffee" not in result.text


def test_the_body_is_shown_on_request_only(told: Ghsync) -> None:
    assert "Rain gauge" not in told("deliveries", "show", 5).text
    assert '"title": "Rain gauge counts double at night"' in told("deliveries", "show", 5, "--body").text
    assert told("deliveries", "show", 5, "--body", "--json").json["body"]["issue"]["number"] == 1


def test_a_body_that_is_no_json_is_shown_as_it_is(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("UPDATE webhook_deliveries SET body = 'no [json]' WHERE id = 5")

    assert told("deliveries", "show", 5, "--body").stdout.endswith("no [json]\n")


def test_a_delivery_that_does_not_exist_is_told_as_a_sentence(ghsync: Ghsync) -> None:
    for arguments in (
        ("show", 1),
        ("replay", 1),
        ("show", 2**63),
        ("show", "9" * 5000),
        ("park", "abc", "--reason", "why"),
    ):
        result = ghsync("deliveries", *arguments)
        assert result.exit_code == 1
        assert result.stderr.startswith("There is no delivery ")
        assert result.stderr.endswith(": `ghsync deliveries list` shows which there are.\n")


def test_a_guid_that_two_hooks_were_told_of_is_ambiguous(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("UPDATE webhook_deliveries SET guid = 'same', hook_target = 'hook:' || id WHERE id IN (1, 2)")

    assert "Several hooks were told of same" in told("deliveries", "show", "same").text


def test_a_waiting_delivery_is_parked_with_a_reason(waiting: Ghsync, connection: psycopg.Connection) -> None:
    result = waiting("deliveries", "park", 5, "--reason", "breaks the reports")

    row = connection.execute("SELECT status, last_error FROM webhook_deliveries WHERE id = 5").fetchone()
    assert result.exit_code == 0
    assert row is not None
    assert row[0] == "parked"
    assert row[1].endswith(": breaks the reports")
    assert "breaks the reports" in waiting("deliveries", "show", 5).text


def test_what_will_never_be_read_is_dismissed_and_makes_nothing_stale(
    waiting: Ghsync, connection: psycopg.Connection
) -> None:
    connection.execute("UPDATE webhook_deliveries SET status = 'ignored', processed_at = now() WHERE id <> 5")
    waiting("deliveries", "park", 5, "--reason", "has no id")
    assert waiting("status", "--check").exit_code == 1

    assert waiting("deliveries", "dismiss", 5, 5, "--reason", "a test's").stdout == "Dismissed 1 delivery.\n"

    assert (waiting("status", "--check").exit_code, waiting("status", "--check").text) == (0, "")
    shown = waiting("deliveries", "show", 5).text
    assert ": a test's" in shown
    assert ": has no id" in shown
    assert connection.execute(AUDIT).fetchall()[-1][:4] == (
        "delivery.dismissed", "webhook_delivery", "delivery 5", {"ids": [5], "reason": "a test's"},
    )  # fmt: skip
    assert waiting("deliveries", "replay", 5).stdout == "Queued 1 delivery again.\n"


def test_only_what_is_parked_is_dismissed_and_of_several_all_or_none(
    waiting: Ghsync, connection: psycopg.Connection
) -> None:
    waiting("deliveries", "park", 5, "--reason", "later")
    result = waiting("deliveries", "dismiss", 5, 6, "--reason", "why not")

    assert (result.exit_code, result.text.strip()) == (
        1, "Delivery 6 is pending: only one that is parked can be dismissed.",
    )  # fmt: skip
    assert connection.execute("SELECT status FROM webhook_deliveries WHERE id = 5").fetchone() == ("parked",)
    assert waiting("deliveries", "dismiss", 5, "--reason", " ").exit_code == 2


def test_a_processed_delivery_cannot_be_parked(told: Ghsync, connection: psycopg.Connection) -> None:
    result = told("deliveries", "park", 5, "--reason", "why not")

    assert result.exit_code == 1
    assert "Delivery 5 is processed: only one that waits can be parked." in result.text
    assert connection.execute(AUDIT).fetchall() == []


def test_named_deliveries_are_queued_again(told: Ghsync, connection: psycopg.Connection) -> None:
    first, again = (told("deliveries", "replay", 5, 6) for _ in range(2))

    pending = connection.execute("SELECT id FROM webhook_deliveries WHERE status = 'pending' ORDER BY id").fetchall()
    assert first.stdout == "Queued 2 deliveries again.\n"
    assert again.stdout == "Queued 0 deliveries again; 2 waited already.\n"
    assert pending == [(5,), (6,)]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--event", "label"), 2),
        (("--event", "label", "--since", "1h"), 2),
        (("--event", "label", "--since", "2999-01-01"), 0),
        (("--parked",), 0),
    ],
)
def test_deliveries_are_queued_again_by_what_they_have_in_common(
    told: Ghsync, connection: psycopg.Connection, options: tuple[str, ...], count: int
) -> None:
    told("deliveries", "replay", *options)

    pending = connection.execute("SELECT count(*) FROM webhook_deliveries WHERE status = 'pending'").fetchone()
    assert pending == (count,)


def test_parked_deliveries_are_queued_again(waiting: Ghsync) -> None:
    waiting("deliveries", "park", 5, "--reason", "later")

    assert waiting("deliveries", "replay", "--parked").stdout == "Queued 1 delivery again.\n"


@pytest.mark.parametrize(
    "options", [(), ("5", "--parked"), ("5", "--event", "push"), ("5", "--since", "1h"), ("--since", "1h")]
)
def test_a_replay_needs_either_ids_or_a_choice(ghsync: Ghsync, options: tuple[str, ...]) -> None:
    assert ghsync("deliveries", "replay", *options).exit_code == 2


def test_what_operators_do_is_audited(waiting: Ghsync, connection: psycopg.Connection) -> None:
    waiting("deliveries", "park", 5, "--reason", "later")
    waiting("deliveries", "replay", "--parked")

    parked, replayed = connection.execute(AUDIT).fetchall()
    assert parked[:4] == ("delivery.parked", "webhook_delivery", "delivery 5", {"ids": [5], "reason": "later"})
    assert replayed[:4] == (
        "delivery.replayed",
        "webhook_delivery",
        "delivery 5",
        {"ids": [5], "count": 1, "status": "parked"},
    )
    assert parked[4]
