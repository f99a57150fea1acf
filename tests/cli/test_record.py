from pathlib import Path

import psycopg
import pytest

from ghsync.inbox import recording
from tests.cli.conftest import FIRST_STORY, Ghsync


def test_everything_recorded_is_what_was_replayed(told: Ghsync, tmp_path: Path) -> None:
    result = told("record", tmp_path / "recorded")

    recorded, replayed = recording.read(tmp_path / "recorded"), recording.read(FIRST_STORY)
    assert f"Recorded 24 deliveries in {tmp_path / 'recorded'}." in result.stdout.replace("\n", "")
    assert sorted(each.body for each in recorded) == sorted(each.body for each in replayed)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--event", "label"), 2),
        (("--repo", "Tarnfield/stationd"), 23),
        (("--since", "1h"), 24),
        (("--since", "2999-01-01"), 0),
        (("--since", "1d", "--event", "label"), 2),
    ],
)
def test_what_is_recorded_can_be_chosen(told: Ghsync, tmp_path: Path, options: tuple[str, ...], count: int) -> None:
    assert told("record", tmp_path / "recorded", *options, "--json").json == {"recorded": count, "failed": 0}


def test_where_nothing_is_chosen_it_says_so(told: Ghsync, tmp_path: Path) -> None:
    result = told("record", tmp_path / "recorded", "--event", "nope")
    assert (result.exit_code, result.stdout) == (0, "No such deliveries.\n")


def test_scrubbed_files_name_nobody_and_hang_together(told: Ghsync, tmp_path: Path) -> None:
    told("record", tmp_path / "recorded", "--scrub")

    found = recording.read(tmp_path / "recorded")
    assert not [each.path for each in found if b"ines-okafor" in each.body or b"Rain gauge" in each.body]
    owners = {
        part for each in found for part in each.body.split(b'"') if part.endswith(b"/stationd") and b":" not in part
    }
    assert len(owners) == 1


def test_a_body_that_cannot_be_scrubbed_is_told_and_not_written(
    told: Ghsync, connection: psycopg.Connection, tmp_path: Path
) -> None:
    connection.execute("UPDATE webhook_deliveries SET body = '\\xff' WHERE id = 1")

    result = told("record", tmp_path / "recorded", "--scrub")
    assert result.exit_code == 1
    assert "cannot be scrubbed" in result.text
    assert len(recording.read(tmp_path / "recorded")) == 23


@pytest.mark.parametrize("since", ["yesterday", "5y", "2026-13-01"])
def test_a_time_that_is_none_is_a_usage_error(ghsync: Ghsync, tmp_path: Path, since: str) -> None:
    result = ghsync("record", tmp_path, "--since", since)

    assert result.exit_code == 2
    assert "is neither an age" in result.text
