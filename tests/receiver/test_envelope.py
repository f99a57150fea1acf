"""Envelopes: verified first, then read; odd payloads are kept, broken ones refused."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from ghsync.errors import MalformedRequest, SignatureMismatch, UnsupportedContentType
from ghsync.inbox.delivery import Delivery
from ghsync.receiver import envelope
from tests.receiver import hook

HANDLED = frozenset({"issues"})


def read(body: bytes, **changed: str) -> Delivery:
    headers = hook.headers(body, **changed)
    return envelope.read(envelope.address(headers), body, [hook.SECRET.encode()], handled=HANDLED)


def test_a_delivery_is_what_the_headers_and_the_payload_say() -> None:
    body = hook.body()
    delivery = read(body, x_github_delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958")
    assert delivery.key == ("integration:79929171", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
    assert (delivery.event, delivery.action) == ("issues", "opened")
    assert (delivery.repository, delivery.installation_id) == ("octocat/Hello-World", "234")
    assert delivery.body is body
    assert delivery.headers["user-agent"] == "GitHub-Hookshot/044aadd"
    assert not delivery.ignored


def test_a_body_that_is_not_signed_is_not_even_parsed() -> None:
    with pytest.raises(SignatureMismatch):
        read(b"not JSON", x_hub_signature_256="sha256=" + "0" * 64)


@pytest.mark.parametrize("content_type", [
    "application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', "application/json ;",
])  # fmt: skip
def test_json_comes_under_several_spellings(content_type: str) -> None:
    assert read(hook.body(), content_type=content_type).action == "opened"


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", ";charset=UTF-8"])
def test_a_form_is_signed_and_stored_as_it_came(charset: str) -> None:
    body = urlencode({"payload": hook.body(action="edited & more + 100%")}).encode()
    delivery = read(body, content_type="application/x-www-form-urlencoded" + charset)
    assert delivery.action == "edited & more + 100%"
    assert delivery.repository == "octocat/Hello-World"
    assert delivery.body == body


@pytest.mark.parametrize("content_type", ["text/plain", "application/jsonp", "multipart/form-data", "", ", "])
def test_other_content_types_are_unsupported(content_type: str) -> None:
    with pytest.raises(UnsupportedContentType, match="application/json"):
        read(hook.body(), content_type=content_type)


def test_a_missing_content_type_is_unsupported() -> None:
    headers = hook.headers(b"")
    del headers["content-type"]
    with pytest.raises(UnsupportedContentType, match="missing"):
        envelope.address(headers)


@pytest.mark.parametrize(("name", "value"), [
    ("x_github_event", ""),
    ("x_github_event", "issues, issues"),
    ("x_github_event", "a" * 101),
    ("x_github_event", "iss\u00fces"),
    ("x_github_delivery", ""),
    ("x_github_delivery", "a" * 129),
    ("x_github_delivery", "with a space"),
    ("x_github_delivery", "tab\t"),
    ("x_github_hook_installation_target_id", "1:2"),
    ("x_github_hook_installation_target_type", "integration, integration"),
])  # fmt: skip
def test_malformed_headers_are_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(MalformedRequest, match="(?i)" + name.replace("_", "-")):
        read(hook.body(), **{name: value})


@pytest.mark.parametrize("name", ["x-github-event", "x-github-delivery"])
def test_a_missing_header_is_refused_by_name(name: str) -> None:
    headers = hook.headers(b"")
    del headers[name]
    with pytest.raises(MalformedRequest, match="(?i)" + name):
        envelope.address(headers)


@pytest.mark.parametrize("lost", ["type", "id"])
def test_the_hook_s_id_stands_in_for_its_target(lost: str) -> None:
    headers = hook.headers(b"")
    del headers[f"x-github-hook-installation-target-{lost}"]
    assert envelope.address(headers).hook_target == "hook:292430182"


def test_a_request_that_names_no_hook_has_a_target_of_its_own() -> None:
    headers = hook.headers(b"")
    del headers["x-github-hook-installation-target-type"], headers["x-github-hook-id"]
    assert envelope.address(headers).hook_target == "unnamed"


def test_a_delivery_id_may_have_128_characters() -> None:
    assert read(hook.body(), x_github_delivery="~" * 128).guid == "~" * 128


def test_of_the_headers_those_of_github_are_kept_and_no_secret() -> None:
    body = hook.body()
    strange = {"authorization": "Basic c0ffee", "cookie": "a=b", "x-forwarded-for": "::1", "x-hub-signature": "sha1=0"}
    kept = read(body, **strange).headers
    assert set(hook.headers(body)) - set(kept) == {"x-hub-signature-256"}
    assert set(kept) <= set(hook.headers(body))


def test_two_hundred_headers_are_read() -> None:
    raw = [(b"X-Extra-%d" % number, b"value %d" % number) for number in range(200)]
    kept = envelope.headers(raw)
    assert len(kept) == 200
    assert kept["x-extra-199"] == "value 199"


def test_values_of_one_header_are_joined() -> None:
    raw = [(b"Via", b"1.1 first"), (b"Accept", b"*/*"), (b"via", b"1.1 second")]
    assert envelope.headers(raw) == {"via": "1.1 first, 1.1 second", "accept": "*/*"}


def test_headers_are_text_that_postgresql_can_hold() -> None:
    assert envelope.headers([(b"x-odd", b"caf\xe9 \x00")]) == {"x-odd": "café \N{REPLACEMENT CHARACTER}"}


ODD: list[tuple[dict[str, Any], tuple[str | None, str | None, str | None]]] = [
    ({"action": None}, (None, "octocat/Hello-World", "234")),
    ({"action": {"a": 1}}, (None, "octocat/Hello-World", "234")),
    ({"action": "nul \0"}, ("nul \N{REPLACEMENT CHARACTER}", "octocat/Hello-World", "234")),
    ({"action": "half \ud83d"}, ("half \N{REPLACEMENT CHARACTER}", "octocat/Hello-World", "234")),
    ({"repository": None}, ("opened", None, "234")),
    ({"repository": [1]}, ("opened", None, "234")),
    ({"repository": {"id": 1}}, ("opened", None, "234")),
    ({"repository": {"id": True, "full_name": "a/b"}}, ("opened", None, "234")),
    ({"repository": {"id": 1, "full_name": 2}}, ("opened", None, "234")),
    ({"installation": "none"}, ("opened", "octocat/Hello-World", None)),
    ({"installation": {"id": 2**64 + 1}}, ("opened", "octocat/Hello-World", str(2**64 + 1))),
]


@pytest.mark.parametrize(("fields", "read_as"), ODD, ids=lambda value: str(value)[:40])
def test_the_shape_of_a_payload_refuses_nothing(fields: dict[str, Any], read_as: tuple[str | None, ...]) -> None:
    delivery = read(hook.body(**fields))
    assert (delivery.action, delivery.repository, delivery.installation_id) == read_as


def test_a_number_too_long_to_read_refuses_nothing() -> None:
    delivery = read(hook.body().replace(b'"opened"', b"9" * 5000))
    assert (delivery.action, delivery.repository) == (None, "octocat/Hello-World")


@pytest.mark.parametrize("body", [
    b"", b"{", b'{"action": "ope', b"not JSON", b"{} {}", b"null", b"[]", b'"text"', b"1", b'{"raw": "\x00"}',
    b'{"deep": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", b'{"deep":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"action": ' + b"9" * 5000 + b", truncated",
], ids=lambda body: repr(body[:20]))  # fmt: skip
def test_what_is_not_a_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        read(body)


@pytest.mark.parametrize(("event", "fields", "ignored"), [
    ("issues", {}, False),
    ("issues", {"repository": None}, False),
    ("ping", {}, True),
    ("star", {}, False),
    ("marketplace_purchase", {"repository": None}, True),
])  # fmt: skip
def test_ignored_is_what_has_no_effect_and_no_repository(event: str, fields: dict[str, Any], ignored: bool) -> None:
    assert read(hook.body(**fields), x_github_event=event).ignored is ignored


def test_a_number_beyond_two_to_the_53_is_kept_exactly() -> None:
    body = hook.body(installation={"id": 2**53 + 1})
    assert read(body).installation_id == "9007199254740993"
    assert json.loads(read(body).body)["installation"]["id"] == 2**53 + 1
