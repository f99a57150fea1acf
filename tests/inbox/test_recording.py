import json
import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote_plus

import pytest

from ghsync.errors import UnreadableFixture
from ghsync.inbox import recording
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.recording import RecordedDelivery
from ghsync.receiver import signature
from tests.fixtures.recorded import FIXTURES

STORY = FIXTURES / "stories" / "01-an-issues-life"
GUID = "97159eb9-1617-11f1-9ab6-07db8c930bb2"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def delivery(**changes: Any) -> Delivery:
    given = {
        "hook_target": "integration:7",
        "guid": GUID,
        "event": "issues",
        "action": "opened",
        "repository": None,
        "installation_id": None,
        "headers": {
            "x-github-event": "issues",
            "x-github-delivery": GUID,
            "x-github-hook-installation-target-id": "7",
            "content-type": "application/json",
            "x-hub-signature-256": "sha256=00",
            "x-hub-signature": "sha1=00",
            "x-forwarded-for": "192.0.2.1",
            "cookie": "session=1",
        },
        "body": b'{"action": "opened",  "n": 1}\n',
        "received_at": NOW,
    }
    return Delivery(**given | changes)


def recorded(guid: str = GUID, **payload: Any) -> RecordedDelivery:
    headers = {"X-GitHub-Event": "issues", "X-GitHub-Delivery": guid, "Content-Type": "application/json"}
    return RecordedDelivery(headers, json.dumps(payload).encode(), Path("here.json"))


def scrubbed(**payload: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(recording.scrub(recorded(**payload), b"key").body)
    return found


# Reading


def test_a_story_is_its_deliveries_in_order() -> None:
    found = recording.read(STORY)

    assert [each.path.name for each in found][:2] == ["001-installation.created.json", "002-label.created.json"]
    assert len(found) == 24


def test_a_folder_is_read_with_all_folders_in_it() -> None:
    found = recording.read(FIXTURES)

    assert len(found) > 200
    assert not {"story.json", "expected.json"} & {each.path.name for each in found}


@pytest.mark.parametrize("name", ["005-issues.opened.json", "005-issues.opened.headers.json"])
def test_a_delivery_is_found_by_either_of_its_files(name: str) -> None:
    (found,) = recording.read(STORY / name)

    assert found.event == "issues"
    assert found.body == (STORY / "005-issues.opened.json").read_bytes()


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({}, "holds no recorded deliveries"),
        ({"a.json": "{}"}, "no a.headers.json beside it"),
        ({"a.headers.json": '{"X-GitHub-Event": "ping", "X-GitHub-Delivery": "1"}'}, "cannot be read"),
        ({"a.json": "{}", "a.headers.json": "["}, "not a JSON object of headers"),
        ({"a.json": "{}", "a.headers.json": '{"X-GitHub-Event": 1}'}, "not a JSON object of headers"),
        ({"a.json": "{}", "a.headers.json": '{"X-GitHub-Event": "ping"}'}, "lacks X-GitHub-Event or X-GitHub-Delivery"),
        (
            {
                "a.json": "{}",
                "a.headers.json": '{"x-github-event": "e", "x-github-delivery": "1", "x-ghsync-received-at": "noon"}',
            },
            "no ISO 8601 time",
        ),
        (
            {
                "a.json": "{}",
                "a.headers.json": '{"x-github-event": "e", "x-github-delivery": "1",'
                ' "x-ghsync-received-at": "2026-03-02T10:00:00"}',
            },
            "without its offset",
        ),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(tmp_path: Path, files: dict[str, str], complaint: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(UnreadableFixture, match=complaint) as error:
        recording.read(tmp_path)
    assert "\n" not in str(error.value)


# Writing


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = recording.write(tmp_path, delivery())

    (found,) = recording.read(tmp_path)
    assert path == found.path == tmp_path / "issues" / "opened.json"
    assert found.body == delivery().body
    assert found.received_at == NOW
    assert found.guid == GUID


def test_only_headers_that_github_sends_are_written_and_never_a_signature(tmp_path: Path) -> None:
    recording.write(tmp_path, delivery())

    (found,) = recording.read(tmp_path)
    assert list(found.headers) == [
        "Content-Type",
        "X-GitHub-Delivery",
        "X-GitHub-Event",
        "X-GitHub-Hook-Installation-Target-ID",
        "X-Ghsync-Received-At",
    ]


def test_no_delivery_takes_anothers_place_and_the_same_one_keeps_its_own(tmp_path: Path) -> None:
    guids = [GUID, "97159eb8-1617-11f1-9ab6-07db8c930bb2", "97159eb8-1618-11f1-9ab6-07db8c930bb2"]
    hooks = ["7", "8"]
    for _ in range(2):
        for guid in guids:
            for hook in hooks:
                headers = delivery().headers | {
                    "x-github-delivery": guid,
                    "x-github-hook-installation-target-id": hook,
                }
                recording.write(tmp_path, delivery(headers=headers))

    found = recording.read(tmp_path)
    assert sorted((each.guid, each.header("x-github-hook-installation-target-id")) for each in found) == sorted(
        (guid, hook) for guid in guids for hook in hooks
    )


def test_an_event_without_an_action_is_called_by_its_name(tmp_path: Path) -> None:
    headers = delivery().headers | {"x-github-event": "push"}

    path = recording.write(tmp_path, delivery(headers=headers, body=b"{}"))
    assert path == tmp_path / "push" / "push.json"


@pytest.mark.parametrize("text", ["../../outside", "/etc/passwd", "..", "a\0b", "C:\\x", "x" * 500])
def test_what_a_delivery_says_never_leads_out_of_the_folder(tmp_path: Path, text: str) -> None:
    headers = delivery().headers | {"x-github-event": text, "x-github-delivery": text}
    body = json.dumps({"action": text}).encode()

    for attempt in range(4):
        path = recording.write(tmp_path / "in", delivery(headers=headers, body=body + b" " * attempt))
        assert path.resolve().is_relative_to(tmp_path / "in")
        assert path.parent.parent == tmp_path / "in"


# Signing


def test_a_signed_delivery_is_accepted_by_the_receiver() -> None:
    (found,) = recording.read(STORY / "005-issues.opened.json")

    headers = recording.sign(found, "It's a Secret to Everybody")
    signature.verify(found.body, headers["X-Hub-Signature-256"], [b"It's a Secret to Everybody"])


def test_the_arrival_is_not_sent_along() -> None:
    found = replace(recorded(), headers={**recorded().headers, "X-Ghsync-Received-At": NOW.isoformat()})

    assert "X-Ghsync-Received-At" not in recording.sign(found, "secret")


# Shifting


def test_the_last_delivery_is_moved_to_the_given_time_and_the_others_with_it() -> None:
    before = recording.read(STORY)
    after = recording.shift(before, NOW)

    times = [each.sent_at for each in after if each.sent_at]
    assert max(times) == NOW
    assert {now - then for now, then in zip(times, [each.sent_at for each in before if each.sent_at], strict=True)} == {
        NOW - max(each.sent_at for each in before if each.sent_at)
    }


def test_a_moved_guid_keeps_what_is_not_its_time() -> None:
    (moved,) = recording.shift([recorded()], NOW)

    before, after = uuid.UUID(GUID), uuid.UUID(moved.guid)
    assert after.version == 1
    assert after.variant == before.variant
    assert (after.clock_seq, after.node, after.time % 10) == (before.clock_seq, before.node, before.time % 10)


@pytest.mark.parametrize("guid", ["9f2b1a60-7c3d-4b52-8f6e-0d2a4b6c8e10", "not a uuid"])
def test_a_guid_without_a_time_stays(guid: str) -> None:
    assert [each.guid for each in recording.shift([recorded(guid)], NOW)] == [guid]


def test_recorded_arrivals_move_along() -> None:
    arrived = replace(recorded(), headers={**recorded().headers, "x-ghsync-received-at": "2026-03-02T10:00:00+00:00"})
    sent_at = arrived.sent_at
    assert sent_at

    (moved,) = recording.shift([arrived], NOW)
    assert moved.received_at == datetime(2026, 3, 2, 10, tzinfo=UTC) + (NOW - sent_at)
    assert set(moved.headers) == set(arrived.headers)


def test_redeliveries_stay_redeliveries() -> None:
    first, second, other = recording.shift(
        [recorded(), recorded(), recorded("97159eba-1617-11f1-9ab6-07db8c930bb2")], NOW
    )

    assert first.guid == second.guid != other.guid
    assert other.sent_at == NOW
    assert first.sent_at is not None
    assert other.sent_at is not None
    assert first.sent_at <= other.sent_at < first.sent_at + timedelta(microseconds=2)


# Scrubbing


def test_a_login_has_one_pseudonym_wherever_it_stands() -> None:
    found = scrubbed(
        sender={"login": "ines-okafor", "id": 1, "html_url": "https://github.com/Ines-Okafor"},
        repository={"full_name": "ines-okafor/stationd", "name": "stationd", "owner": {"login": "ines-okafor"}},
        comment={"body": "@ines-okafor, see ines-okafor/stationd#4"},
    )

    login = found["sender"]["login"]
    assert login != "ines-okafor"
    assert [len(part) for part in login.split("-")] == [4, 6]
    assert found["sender"]["html_url"].lower() == f"https://github.com/{login}"
    assert found["repository"] == {"full_name": f"{login}/stationd", "name": "stationd", "owner": {"login": login}}
    assert found["comment"]["body"].startswith(f"@{login}, ")
    assert found["comment"]["body"].endswith(f" {login}/stationd#4")


@pytest.mark.parametrize(
    "kept",
    [
        "Closes #12",
        "fixes: GH-7",
        "Resolved https://github.com/{owner}/stationd/issues/5",
        "fix {owner}/stationd#9",
        "Task-ID: c0d9b6f2-41a7-4e35-8a0c-97f5e1b2d380",
    ],
)
def test_what_links_are_made_of_stays(kept: str) -> None:
    owner = scrubbed(login="tarnfield")["login"]

    body = scrubbed(body=f"Secret plan.\r\n\r\n{kept.format(owner='tarnfield')}\r\n")["body"]
    assert body.endswith(f"\r\n\r\n{kept.format(owner=owner)}\r\n")
    assert not body.startswith("Secret plan")


def test_texts_keep_their_shape_and_nothing_else() -> None:
    before = "Fire Jane at 9:30, then [call](tel:555-0100) HR!"
    after = scrubbed(title=before)["title"]

    assert re.sub(r"[a-z]", "a", re.sub(r"[A-Z]", "A", re.sub(r"\d", "0", before))) == re.sub(
        r"[a-z]", "a", re.sub(r"[A-Z]", "A", re.sub(r"\d", "0", after))
    )
    assert not set(re.findall(r"\w{2,}", before)) & set(re.findall(r"\w{2,}", after))


def test_branches_of_tasks_and_the_default_branch_stay() -> None:
    found = scrubbed(
        ref="refs/heads/fire-jane",
        repository={"default_branch": "stable"},
        pull_request={
            "head": {"ref": "task/e83b51d4", "label": "tarnfield:task/e83b51d4"},
            "base": {"ref": "stable", "label": "tarnfield:stable"},
        },
    )

    assert found["ref"].startswith("refs/heads/")
    assert "jane" not in found["ref"]
    assert found["pull_request"]["head"]["ref"] == "task/e83b51d4"
    assert found["pull_request"]["head"]["label"].endswith(":task/e83b51d4")
    assert found["pull_request"]["base"]["ref"] == "stable"
    assert "tarnfield" not in json.dumps(found)


@pytest.mark.parametrize(
    "secret",
    [
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "github_pat_11ABCDEFG0123456789_abcdefghijklmnop",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "jane.roe@corp.example.com",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_secrets_and_addresses_are_gone_whatever_holds_them(secret: str) -> None:
    found = json.dumps(
        scrubbed(
            body=f"use {secret} please",
            unknown_field=secret,
            url=f"https://example.com/?token={secret}",
            deep=[{"x": {"client_secret": secret}}],
        )
    )

    assert not [part for part in secret.split("\n") if "PRIVATE KEY" not in part and part in found]


def test_people_and_teams_have_no_names_and_code_is_not_quoted() -> None:
    found = json.dumps(
        scrubbed(
            head_commit={"author": {"name": "Jane Roe", "email": "j@x.org"}, "modified": ["src/jane.c"]},
            requested_team={"name": "Night shift", "slug": "night-shift", "privacy": "closed"},
            comment={"diff_hunk": "@@ -1 +1 @@\n-jane", "path": "src/jane.c"},
            changes={"title": {"from": "About Jane"}, "body": {"from": "Jane"}},
        )
    ).lower()

    assert not {name for name in ("jane", "roe", "night", "shift") if name in found}


def test_ids_states_times_hashes_and_labels_stay() -> None:
    payload = {
        "action": "labeled",
        "label": {"id": 9440000721, "name": "needs field test", "color": "1d76db", "node_id": "LA_kwDOQPgUh88AAAA"},
        "issue": {
            "id": 3870000445,
            "number": 1,
            "state": "open",
            "state_reason": None,
            "locked": False,
            "author_association": "MEMBER",
            "updated_at": "2026-03-02T09:10:00Z",
        },
        "after": "3beaecd9944d4c439c71f2f10f228677b8afd23b",
        "check_run": {"name": "build (3.11)", "conclusion": "success"},
        "sender": {"login": "dependabot[bot]", "id": 2},
    }

    assert scrubbed(**payload) == payload


def test_pseudonyms_are_stable_under_one_key_and_differ_under_another() -> None:
    first, again = (recording.scrub(recorded(title="A plan")) for _ in range(2))
    other = recording.scrub(recorded(title="A plan"), b"another")

    assert first.body == again.body != other.body


def test_a_form_stays_a_form() -> None:
    form = replace(
        recorded(),
        headers={**recorded().headers, "Content-Type": "application/x-www-form-urlencoded"},
        body=b"payload=" + quote_plus('{"title": "A plan & more", "id": 7}').encode(),
    )

    (payload,) = parse_qs(recording.scrub(form).body.decode())["payload"]
    assert json.loads(payload)["id"] == 7
    assert "plan" not in payload


def test_what_is_no_json_is_not_written_unscrubbed() -> None:
    with pytest.raises(UnreadableFixture, match="cannot be scrubbed"):
        recording.scrub(replace(recorded(), body=b"\xff not json"))


@pytest.mark.slow
def test_no_fixture_keeps_a_login_a_title_or_a_body() -> None:
    for each in recording.read(FIXTURES / "deliveries"):
        before, after = json.loads(each.body), recording.scrub(each).body.decode()
        for noun in ("issue", "pull_request", "comment", "milestone"):
            told = (before.get(noun) or {}).get("title"), (before.get(noun) or {}).get("body")
            assert not [text for text in told if text and text in json.loads(after).get(noun, {}).values()]
        assert before.get("sender", {}).get("login", "nobody at all") not in after
