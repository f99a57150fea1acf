"""Whatever arrives has its one defined answer, and `ghsync serve` goes on.

What is signed and is a JSON object is kept (202); what it lacks is found when it is projected. Everything else is
refused, and nothing of it is stored (I1, I2, I8).
"""

import asyncio
import hmac
import itertools
import json
import random
import string
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
import psycopg
import pytest

from ghsync.inbox import recording
from ghsync.inbox.recording import RecordedDelivery
from tests import postgres, service
from tests.conformance.deliveries import REPOSITORY_ID, about, encode, issue, made, pull_request, recorded, repository
from tests.service import SECRET, WEBHOOK, Receiver

pytestmark = pytest.mark.anyio

LARGEST_BODY_BYTES = 25 * 1024 * 1024
DEEP = 10_000
SHORT = 255  # characters of a branch's name that its column keeps

NUMBERS = itertools.count(1)

END = "SELECT status, last_error, attempts, body FROM webhook_deliveries WHERE guid = %s"


def _headers(named: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in named.items()}


@dataclass(frozen=True)
class Hook:
    """A running `ghsync serve`, and its database."""

    receiver: Receiver
    connection: psycopg.Connection[Any]

    async def post(self, delivery: RecordedDelivery, **headers: str) -> httpx.Response:
        """Deliver, signed; ``headers`` are named like ``x_github_event``."""
        signed = recording.sign(delivery, SECRET) | _headers(headers)
        return await self.receiver.client.post(WEBHOOK, content=delivery.body, headers=signed)

    async def accepts(self, *delivered: RecordedDelivery) -> None:
        """Deliver, be answered 202, and wait for the worker."""
        answers = [await self.post(delivery) for delivery in delivered]
        assert [answer.status_code for answer in answers] == [202] * len(delivered)
        await service.drained(self.connection)

    def ending(self, delivery: RecordedDelivery) -> tuple[str, str | None] | None:
        """How a delivery ended, or None where nothing of it is stored; what is stored are the bytes that came."""
        found = self.connection.execute(END, [delivery.guid]).fetchone()
        if found is None:
            return None
        status, error, attempts, body = found
        assert (body, attempts) == (delivery.body, int(status == "parked"))
        return status, error

    def endings(self, *delivered: RecordedDelivery) -> set[str | None]:
        """The distinct states of deliveries."""
        return {(self.ending(delivery) or (None,))[0] for delivery in delivered}

    def row(self, table: str, **key: Any) -> dict[str, Any]:
        """The row with these values, as JSON."""
        condition = " AND ".join(f"{name} = %({name})s" for name in key)
        found = self.connection.execute(f"SELECT to_jsonb(t) FROM {table} t WHERE {condition}", key).fetchone()
        assert found is not None
        row: dict[str, Any] = found[0]
        return row

    async def goes_on(self) -> None:
        """A normal delivery is still answered and projected."""
        number = next(NUMBERS)
        normal = made("issues", about(issue=issue(number, title="As ever")))
        await self.accepts(normal)
        assert self.ending(normal) == ("processed", None)
        assert self.row("github_issues", number=number)["title"] == "As ever"
        assert self.receiver.told("error", "critical") == []


@pytest.fixture(scope="module")
async def served(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hook]:
    """One service for all of this: what one test does to it, the next one would see."""
    log = tmp_path_factory.mktemp("hostile") / "log"
    with postgres.database(server_url, template=template) as url, service.connect(url) as connection:
        async with service.serving(url, log) as receiver:
            yield Hook(receiver, connection)


def long_text(size: int) -> str:
    """Text that no compression makes short."""
    return "".join(random.Random(size).choices(string.ascii_letters, k=size))


LONG = long_text(256 * 1024)

TEXTS = {
    "NUL": ("one\0two", "one\N{REPLACEMENT CHARACTER}two"),
    "first half of a pair": ("one\ud83dtwo", "one\N{REPLACEMENT CHARACTER}two"),
    "second half of a pair": ("\ude00", "\N{REPLACEMENT CHARACTER}"),
    "halves the wrong way round": ("\ude00\ud83d", "\N{REPLACEMENT CHARACTER}" * 2),
    "emoji": ("\N{GRINNING FACE} \N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET}",) * 2,
    "right to left": ("\u202eمرحبا\u202c שלום",) * 2,
    "control characters": ("\x01\x1b[31m\x7f\ufeff",) * 2,
    "256 KiB": (LONG, LONG),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "shown"), TEXTS.values(), ids=TEXTS)
async def test_odd_text_is_accepted_cleaned_in_the_rows_and_kept_as_bytes_in_the_inbox(
    served: Hook, sent: str, shown: str
) -> None:
    one, two = next(NUMBERS), next(NUMBERS)
    label = {"id": 9_000_000_000 + one, "name": sent, "color": "d73a4a", "description": sent}
    milestone = {"id": 14_000_000 + one, "number": one, "title": sent, "description": sent, "state": "open"}
    branch = {"sha": "c" * 40, "ref": sent, "repo": {"id": REPOSITORY_ID}}
    delivered = [
        made("issues", about(issue=issue(one, title=sent, body=sent, labels=[label], milestone=milestone))),
        made("pull_request", about(pull_request=pull_request(
            two, title=sent, body=sent, labels=[label], head=branch, base=branch
        ))),
        made("label", about(label=label)),
        made("milestone", about(milestone=milestone)),
        made("issue_comment", about(issue=issue(one, title=sent, body=sent, labels=[label], milestone=milestone),
                                    comment={"id": 3_000_000_000 + one, "body": sent})),
        made("push", about(ref=f"refs/heads/{sent}", after="c" * 40)),
        made("repository", about(repository=repository(description=sent, default_branch=sent, topics=[sent]))),
        made("gollum", about(pages=[{"title": sent}])),
    ]  # fmt: skip
    await served.accepts(*delivered)

    assert [served.ending(delivery) for delivery in delivered] == [("processed", None)] * 7 + [("ignored", None)]
    row = served.row("github_issues", number=one)
    assert (row["title"], row["body"]) == (shown, shown)
    assert (row["labels"][0]["name"], row["milestone"]["title"]) == (shown, shown)
    row = served.row("github_pull_requests", number=two)
    assert (row["title"], row["body"], row["labels"][0]["name"]) == (shown, shown, shown)
    assert (row["head_ref"], row["base_ref"]) == (shown[:SHORT], shown[:SHORT])
    assert served.row("github_branches", name=shown[:SHORT])["head_sha"] == "c" * 40
    assert served.row("github_labels", github_id=str(label["id"]))["name"] == shown
    assert served.row("github_milestones", github_id=str(milestone["id"]))["title"] == shown
    assert served.row("github_comments", github_id=str(3_000_000_000 + one))["body"] == shown
    await served.goes_on()


async def test_bytes_that_are_not_utf_8_are_replaced_in_the_row(served: Hook) -> None:
    number = next(NUMBERS)
    delivery = recorded("issues", encode(about(issue=issue(number, title="M?nchen"))).replace(b"?", b"\xfc"))
    await served.accepts(delivery)
    assert served.ending(delivery) == ("processed", None)
    assert served.row("github_issues", number=number)["title"] == "M\N{REPLACEMENT CHARACTER}nchen"


@pytest.mark.parametrize("large", [2**53 + 1, 2**63 - 1])
async def test_ids_of_64_bits_are_kept_to_the_last_digit(served: Hook, large: int) -> None:
    number = next(NUMBERS)
    label = {"id": large, "name": "large"}
    delivered = [
        made("issues", about(issue=issue(number, id=large, labels=[label]))),
        made("label", about(label=label)),
        made("issue_comment", about(issue=issue(number, id=large, labels=[label]), comment={"id": large})),
        made("repository", about(repository=repository(id=large, full_name=f"octo-org/r{large}"))),
    ]
    await served.accepts(*delivered)
    assert served.endings(*delivered) == {"processed"}
    row = served.row("github_issues", number=number)
    assert (row["github_id"], row["labels"][0]["id"]) == (str(large), large)
    assert served.row("github_labels", github_id=str(large))["name"] == "large"
    assert served.row("github_comments", github_id=str(large))["body"] is None
    assert served.row("github_repositories", github_id=str(large))["name"] == "odd"
    await served.goes_on()


@pytest.mark.parametrize("large", [2**63, 10**30, 10**300])
async def test_an_id_of_more_than_64_bits_is_unknown_or_parks_what_it_identifies(served: Hook, large: int) -> None:
    number = next(NUMBERS)
    parked = made("label", about(label={"id": large, "name": "large"}))
    left_out = made("issues", about(issue=issue(number, user={"id": large, "login": "uma"})))
    await served.accepts(parked, left_out)
    said = f"Expected `int` <= {2**63 - 1} - at "
    assert served.ending(parked) == ("parked", f"The payload cannot be used: {said}`$.label.id`.")
    assert served.ending(left_out) == ("processed", f"Left out, for it cannot be read: {said}`$.issue.user.id`.")
    assert served.row("github_issues", number=number)["created_by"] is None
    await served.goes_on()


def nested(number: int) -> bytes:
    """A payload that is fine but for one field that nobody reads."""
    return encode(about(issue=issue(number), deep="?")).replace(b'"?"', b"[" * DEEP + b"]" * DEEP)


@pytest.mark.parametrize("body", [
    b"", b"{", b"null", b"[]", b"7", b'"issue"', b"\xff", b"\0" * 1000, encode(about(issue=issue(1)))[:-1],
    encode(about(issue=issue(1))) + b"}", nested(1), b"[" * DEEP, b'{"issue":' * DEEP,
], ids=[
    "empty", "brace", "null", "array", "number", "string", "no text", "NULs", "truncated", "one brace too many",
    "deep", "deep and truncated", "deep objects",
])  # fmt: skip
async def test_a_body_that_is_no_usable_json_object_is_answered_400_and_not_stored(served: Hook, body: bytes) -> None:
    delivery = recorded("issues", body)
    answer = await served.post(delivery)
    assert (answer.status_code, answer.json()["error"]) == (400, "malformed_request")
    assert served.ending(delivery) is None
    await served.goes_on()


def filled(size: int, number: int) -> bytes:
    """A body of exactly that size: an issue with a very long text."""
    empty = encode(about(issue=issue(number, body="")))
    return encode(about(issue=issue(number, body="x" * (size - len(empty)))))


@pytest.mark.slow
async def test_a_body_of_25_mib_is_accepted_and_shown(served: Hook) -> None:
    number = next(NUMBERS)
    delivery = recorded("issues", filled(LARGEST_BODY_BYTES, number))
    assert len(delivery.body) == LARGEST_BODY_BYTES
    await served.accepts(delivery)
    assert served.ending(delivery) == ("processed", None)
    assert len(served.row("github_issues", number=number)["body"]) > LARGEST_BODY_BYTES - 1000
    await served.goes_on()


async def test_one_byte_more_is_answered_413_before_it_is_sent_and_not_stored(served: Hook) -> None:
    delivery = recorded("issues", filled(LARGEST_BODY_BYTES + 1, next(NUMBERS)))
    reader, writer = await open_request(served, delivery, content_length=str(len(delivery.body)))
    assert await answer_of(reader) == (413, "body_too_large")
    writer.close()
    assert served.ending(delivery) is None
    await served.goes_on()


async def test_a_body_without_announced_length_is_held_to_the_same_limit(served: Hook) -> None:
    delivery = recorded("issues", filled(LARGEST_BODY_BYTES + 1, next(NUMBERS)))
    reader, writer = await open_request(served, delivery, transfer_encoding="chunked")
    writer.write(b"%x\r\n%b\r\n" % (len(delivery.body), delivery.body))
    assert await answer_of(reader) == (413, "body_too_large")
    writer.close()
    assert served.ending(delivery) is None
    await served.goes_on()


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, str]:
    """The status and the error of an answer, whether or not the connection ends with it."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
    return int(head.split()[1]), json.loads(await reader.readexactly(length))["error"]


async def test_who_sends_all_of_a_body_that_is_too_large_before_it_listens_still_hears_413(served: Hook) -> None:
    delivery = recorded("issues", filled(2 * LARGEST_BODY_BYTES, next(NUMBERS)))
    async with served.receiver.connection() as client:
        announced = await service.post(client, delivery)
        signed = recording.sign(delivery, SECRET)
        unannounced = await client.post(WEBHOOK, content=parts(delivery.body), headers=signed)
    for answer in (announced, unannounced):
        assert (answer.status_code, answer.json()["error"]) == (413, "body_too_large")
    assert served.ending(delivery) is None
    await served.goes_on()


async def parts(body: bytes) -> AsyncIterator[bytes]:
    """A body whose length is not told."""
    for start in range(0, len(body), 1024 * 1024):
        yield body[start : start + 1024 * 1024]


async def test_who_sends_all_of_an_unsigned_body_before_it_listens_still_hears_401(served: Hook) -> None:
    delivery = recorded("issues", filled(LARGEST_BODY_BYTES, next(NUMBERS)))
    async with served.receiver.connection() as client:
        answer = await client.post(WEBHOOK, content=delivery.body, headers=delivery.sent_headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "signature_mismatch")
    assert served.ending(delivery) is None
    await served.goes_on()


async def test_two_hundred_headers_are_accepted(served: Hook) -> None:
    number = next(NUMBERS)
    delivery = made("issues", about(issue=issue(number)))
    answer = await served.post(delivery, **{f"x_header_{place}": "value" for place in range(200)})
    assert answer.status_code == 202
    await service.drained(served.connection)
    assert served.ending(delivery) == ("processed", None)
    await served.goes_on()


def digest(body: bytes, algorithm: str = "sha256", secret: str = SECRET) -> str:
    return f"{algorithm}=" + hmac.new(secret.encode(), body, algorithm).hexdigest()


BODY = encode(about(issue=issue(1)))

SIGNATURES = {
    "missing": [],
    "empty": [("X-Hub-Signature-256", "")],
    "wrong secret": [("X-Hub-Signature-256", digest(BODY, secret="guess"))],
    "other body": [("X-Hub-Signature-256", digest(BODY + b" "))],
    "sha1 only": [("X-Hub-Signature", digest(BODY, "sha1"))],
    "sha1 in the place of sha256": [("X-Hub-Signature-256", digest(BODY, "sha1"))],
    "upper case": [("X-Hub-Signature-256", "sha256=" + digest(BODY).removeprefix("sha256=").upper())],
    "without its algorithm": [("X-Hub-Signature-256", digest(BODY).removeprefix("sha256="))],
    "cut": [("X-Hub-Signature-256", digest(BODY)[:-1])],
    "doubled": [("X-Hub-Signature-256", digest(BODY))] * 2,
    "doubled, one wrong": [
        ("X-Hub-Signature-256", digest(BODY)), ("X-Hub-Signature-256", digest(BODY, secret="guess")),
    ],
}  # fmt: skip


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES)
async def test_anything_but_one_right_signature_is_answered_401_and_not_stored(
    served: Hook, signature: list[tuple[str, str]]
) -> None:
    delivery = recorded("issues", BODY)
    answer = await served.receiver.client.post(WEBHOOK, content=BODY, headers=[*delivery.headers.items(), *signature])
    assert (answer.status_code, answer.json()["error"]) == (401, "signature_mismatch")
    assert SECRET not in answer.text
    assert served.ending(delivery) is None
    await served.goes_on()


async def open_request(
    served: Hook, delivery: RecordedDelivery, **more: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send the head of a request, and of its body nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.receiver.port)
    headers = recording.sign(delivery, SECRET) | {"host": "ghsync", **_headers(more)}
    lines = [f"POST {WEBHOOK} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode())
    await writer.drain()
    return reader, writer


async def test_a_body_that_drips_in_byte_by_byte_is_accepted_and_delays_nobody(served: Hook) -> None:
    delivery = made("issues", about(issue=issue(next(NUMBERS))))
    reader, writer = await open_request(served, delivery, content_length=str(len(delivery.body)))
    for place in range(len(delivery.body) - 1):
        writer.write(delivery.body[place : place + 1])
        await writer.drain()
    await served.goes_on()
    assert served.ending(delivery) is None
    writer.write(delivery.body[-1:])
    assert (await reader.readline()).startswith(b"HTTP/1.1 202 ")
    writer.close()
    await service.drained(served.connection)
    assert served.ending(delivery) == ("processed", None)


async def test_a_body_that_is_given_up_halfway_is_not_stored(served: Hook) -> None:
    delivery = made("issues", about(issue=issue(next(NUMBERS))))
    _, writer = await open_request(served, delivery, content_length=str(len(delivery.body)))
    writer.write(delivery.body[:100])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await served.goes_on()
    assert served.ending(delivery) is None


FORM = "application/x-www-form-urlencoded"


async def test_a_form_is_accepted_and_projected(served: Hook) -> None:
    number = next(NUMBERS)
    body = urlencode({"payload": encode(about(issue=issue(number, title="50 % & more + \N{ROCKET}\0")))}).encode()
    delivery = recorded("issues", body, content_type=FORM)
    await served.accepts(delivery)
    assert served.ending(delivery) == ("processed", None)
    shown = "50 % & more + \N{ROCKET}\N{REPLACEMENT CHARACTER}"
    assert served.row("github_issues", number=number)["title"] == shown


@pytest.mark.parametrize(("content_type", "body", "status"), [
    (FORM, b"", 400),
    (FORM, b"load=" + quote_plus(BODY).encode(), 400),
    (FORM, b"payload=%7B", 400),
    (FORM, BODY, 400),
    ("application/json", b"payload=" + quote_plus(BODY).encode(), 400),
    ("text/plain", BODY, 415),
    ("multipart/form-data", BODY, 415),
    ("", BODY, 415),
], ids=[
    "empty", "another field", "no JSON", "JSON as a form", "form as JSON", "text", "multipart", "no type",
])  # fmt: skip
async def test_a_body_that_is_not_what_its_type_says_is_refused(
    served: Hook, content_type: str, body: bytes, status: int
) -> None:
    delivery = recorded("issues", body, content_type=content_type)
    assert (await served.post(delivery)).status_code == status
    assert served.ending(delivery) is None
    await served.goes_on()


HARMLESS = {
    "unknown action": about(action="teleported", issue=issue(1)),
    "action that is a number": about(action=7, issue=issue(1)),
    "action that is an object": about(action={"name": "deleted"}, issue=issue(1)),
    "no action": {"repository": repository(), "issue": issue(1)},
    "only what identifies": {"repository": {"id": REPOSITORY_ID, "full_name": "octo-org/odd"},
                             "issue": {"id": 1, "number": 1}},
    "no optional value": about(issue=issue(1, body=None, user=None, labels=None, assignees=None, milestone=None)),
    "new state": about(issue=issue(1, state="frozen", state_reason="asked_elsewhere", updated_at=None)),
    "new kind of account": about(issue=issue(1, user={"id": 5, "login": "x", "type": "Swarm"})),
    "new visibility": about(issue=issue(1), repository=repository(visibility="galactic")),
    "extra fields": about(issue=issue(1, mood={"good": [1, 2]}), weather="fine"),
    "another shape where nobody looks": about(issue=issue(1, reactions="none"), sender=[], organization=None),
}  # fmt: skip


@pytest.mark.parametrize("payload", HARMLESS.values(), ids=HARMLESS)
async def test_what_github_may_add_or_leave_out_is_processed(served: Hook, payload: dict[str, Any]) -> None:
    number = next(NUMBERS)
    payload = payload | {"issue": payload["issue"] | {"id": 5_000_000_000 + number, "number": number}}
    delivery = made("issues", payload)
    await served.accepts(delivery)
    assert served.ending(delivery) == ("processed", None)
    row = served.row("github_issues", number=number)
    assert row["title"] == payload["issue"].get("title", "")
    assert row["state"] == payload["issue"].get("state", "open")


def without(shown: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in shown.items() if key != name}


POISON = {
    "issue.number": ("issues", about(issue=without(issue(1), "number")), "field `number` - at `$.issue`"),
    "issue.id": ("issues", about(issue=without(issue(1), "id")), "field `id` - at `$.issue`"),
    "issue": ("issues", about(), "field `issue`"),
    "issue that is null": ("issues", about(issue=None), "at `$.issue`"),
    "number that is a word": ("issues", about(issue=issue(1) | {"number": "one"}), "at `$.issue.number`"),
    "repository": ("issues", without(about(issue=issue(1)), "repository"), "field `repository` - at `$`"),
    "repository.id": (
        "issues", about(issue=issue(1), repository=without(repository(), "id")), "field `id` - at `$.repository`",
    ),
    "repository.full_name": (
        "issues", about(issue=issue(1), repository=without(repository(), "full_name")),
        "field `full_name` - at `$.repository`",
    ),
    "pull_request.number": (
        "pull_request", about(pull_request=without(pull_request(1), "number")), "field `number` - at `$.pull_request`",
    ),
    "comment.id": ("issue_comment", about(issue=issue(1), comment={"body": "?"}), "field `id` - at `$.comment`"),
    "label.id": ("label", about(label={"name": "bug"}), "field `id` - at `$.label`"),
}  # fmt: skip


@pytest.mark.parametrize(("event", "payload", "complaint"), POISON.values(), ids=POISON)
async def test_what_lacks_its_identity_is_parked_with_the_path_and_blocks_nothing(
    served: Hook, event: str, payload: dict[str, Any], complaint: str
) -> None:
    before, after = (made("issues", about(issue=issue(next(NUMBERS)))) for _ in range(2))
    poison = made(event, payload)
    await served.accepts(before, poison, after)
    assert served.endings(before, after) == {"processed"}
    status, error = served.ending(poison) or (None, None)
    assert status == "parked"
    assert complaint in str(error)
    await served.goes_on()
