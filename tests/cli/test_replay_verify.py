import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from ghsync.mirror.nouns import NOUNS
from tests import service
from tests.cli.conftest import FIRST_STORY, Ghsync
from tests.months import GREGORIAN
from tests.verification.mirrors import SCHEMAS

BLOCKED = """
SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'public.github_issues'::regclass
"""


@pytest.mark.slow
def test_a_mirror_that_is_what_its_inbox_says_passes(told: Ghsync) -> None:
    result = told("replay", "--verify")

    assert result.exit_code == 0
    assert "The mirror is what its inbox and its change feed say. Replayed 24 deliveries" in result.text


@pytest.mark.slow
def test_a_column_that_was_changed_by_hand_fails_and_is_named(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("UPDATE github_issues SET title = 'by hand'")

    result = told("replay", "--verify")

    assert result.exit_code == 1
    for told_of in ("tarnfield/stationd", "github_issues 1", "title", "by hand", "feed, replay"):
        assert told_of in result.text


@pytest.mark.slow
def test_what_was_dismissed_is_missed_by_nobody(told: Ghsync, connection: psycopg.Connection) -> None:
    """It could be read, and a person has said that it does not matter."""
    connection.execute(
        """INSERT INTO webhook_deliveries (hook_target, guid, event, action, status, last_error, processed_at, headers,
                                           body, received_at)
           SELECT hook_target, 'another', event, action, 'parked', 'by hand', now(), headers,
                  convert_to(replace(convert_from(body, 'UTF8'), 'Rain gauge', 'Wind gauge'), 'UTF8'), now()
           FROM webhook_deliveries WHERE event = 'issues' ORDER BY id DESC LIMIT 1"""
    )
    assert told("replay", "--verify").exit_code == 1
    assert told("deliveries", "dismiss", "another", "--reason", "sent by mistake").exit_code == 0
    assert told("replay", "--verify").exit_code == 0


@pytest.mark.slow
def test_for_machines_findings_are_json(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute("UPDATE github_issues SET title = 'by hand'")

    result = told("replay", "--verify", "--json")

    assert result.exit_code == 1
    assert result.json["deliveries"] == 24
    assert result.json["tables"]["github_issues"] == {"rows": 1, "unjudged": 0}
    assert [finding["check"] for finding in result.json["findings"]] == ["feed", "replay"]
    assert result.json["findings"][0] == {
        "check": "feed",
        "table": "github_issues",
        "key": {"repository": "tarnfield/stationd", "number": 1},
        "problem": "differs",
        "column": "title",
        "live": "by hand",
        "expected": "Rain gauge counts twice on gusty nights",
    }


def test_a_replay_wants_paths_or_to_verify_and_not_both(ghsync: Ghsync) -> None:
    assert ghsync("replay").exit_code == 2
    assert ghsync("replay", FIRST_STORY, "--verify").exit_code == 2
    assert ghsync("replay", "--verify", "--process").exit_code == 2


def test_a_database_that_has_yet_to_be_migrated_is_told_as_a_sentence(ghsync: Ghsync, empty_database_url: str) -> None:
    result = ghsync("replay", "--verify", GHSYNC_DATABASE_URL=empty_database_url)

    assert result.exit_code == 3
    assert "run `ghsync migrate`" in result.text


LONG_AGO = """
SELECT make_partition(parent, date_trunc('month', now() - interval '400 days')::date)
FROM unnest(ARRAY['change_events', 'webhook_deliveries']) parent;
UPDATE change_events SET created_at = date_trunc('month', now() - interval '400 days') + interval '1 day'
WHERE seq <= (SELECT last_seq / 2 FROM change_feed);
UPDATE webhook_deliveries SET month = date_trunc('month', now() - interval '400 days'),
                              received_at = date_trunc('month', now() - interval '400 days') + interval '1 day'
WHERE id <= 8;
UPDATE webhook_deliveries SET received_at = now() - interval '40 days' WHERE id BETWEEN 9 AND 12;
"""


def age(connection: psycopg.Connection, kept: int) -> None:
    """Have been observed long ago what came before a delivery."""
    ((guid,),) = connection.execute("SELECT guid FROM webhook_deliveries WHERE id = %s", [kept]).fetchall()
    before = GREGORIAN + timedelta(microseconds=UUID(guid).time // 10)
    for noun in NOUNS:
        for column in {group.observed_at for group in noun.all_groups}:
            connection.execute(
                f"UPDATE {noun.name} SET {column} = now() - interval '41 days'"
                f" WHERE {column} BETWEEN '2000-01-01' AND %s - interval '1 microsecond'".encode(),
                [before],
            )


@pytest.mark.slow
def test_what_is_left_of_a_mirror_that_let_the_past_go_passes(told: Ghsync, connection: psycopg.Connection) -> None:
    connection.execute(LONG_AGO)
    age(connection, kept=13)
    gone = told("maintain", "--json").json
    assert (len(gone["retired"]), gone["payloads"]["number"]) == (2, 4)

    result = told("replay", "--verify", "--json")

    assert (result.json["findings"], result.exit_code) == ([], 0)
    assert result.json["deliveries"] == 12
    connection.execute("UPDATE github_issues SET title = 'another'")
    assert told("replay", "--verify").exit_code == 1


@pytest.mark.slow
@pytest.mark.anyio
async def test_ctrl_c_drops_the_schema_and_says_so(
    told: Ghsync, environment: Mapping[str, str], database_url: str, connection: psycopg.Connection
) -> None:
    async def blocked() -> bool:
        return connection.execute(BLOCKED).fetchone() == (1,)

    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE github_issues IN ACCESS EXCLUSIVE MODE")
        verifying = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ghsync", "replay", "--verify", env={**os.environ, **environment}, stderr=PIPE
        )
        await service.until(blocked, "the verification waits for the lock")
        standing = connection.execute(SCHEMAS).fetchall()
        verifying.send_signal(signal.SIGINT)
        _, said = await verifying.communicate()

    assert standing == [("ghsync_shadow",)]
    assert (verifying.returncode, said) == (130, b"Stopped; the mirror was not touched.\n")
    assert connection.execute(SCHEMAS).fetchall() == []
