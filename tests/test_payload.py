"""Payloads: odd bytes are mended for reading, broken ones refused."""

from urllib.parse import urlencode

import msgspec
import pytest

from ghsync import payload
from ghsync.errors import MalformedPayload, MalformedRequest, UnsupportedContentType


class Issue(msgspec.Struct):
    title: str


class Event(msgspec.Struct):
    issue: Issue
    size: float | None = None


EVENT = msgspec.json.Decoder(Event)
FORM = "application/x-www-form-urlencoded"

REPLACED = "odd \N{REPLACEMENT CHARACTER}"
MENDED = {
    "half a pair": (rb'{"issue": {"title": "odd \ud83d"}}', REPLACED),
    "the other half": (rb'{"issue": {"title": "odd \udca9"}}', REPLACED),
    "half a pair elsewhere": (rb'{"other": "\ud83d", "issue": {"title": "fine"}}', "fine"),
    "half a pair in a name": (rb'{"\ud83d": 1, "issue": {"title": "fine"}}', "fine"),
    "a whole pair": (rb'{"issue": {"title": "odd \ud83d\udca9"}}', "odd \N{PILE OF POO}"),
    "half a pair after a backslash": (rb'{"issue": {"title": "odd \\\ud83d"}}', "odd \\\N{REPLACEMENT CHARACTER}"),
    "half a pair only named": (rb'{"other": "\ud83d", "issue": {"title": "odd \\ud83d"}}', r"odd \ud83d"),
    "half a pair and then a whole": (rb'{"issue": {"title": "\uD83D\ud83d\udca9"}}', "\ufffd\N{PILE OF POO}"),
    "halves the wrong way round": (rb'{"issue": {"title": "\udca9\uD83D"}}', "\ufffd" * 2),
    "half a pair and odd bytes": (b'\xef\xbb\xbf{"issue": {"title": "\\ud83d\xff"}}', "\ufffd" * 2),
    "invalid UTF-8": (b'{"issue": {"title": "odd \xff"}}', REPLACED),
    "a byte order mark": (b'\xef\xbb\xbf{"issue": {"title": "fine"}}', "fine"),
    "NUL": (rb'{"issue": {"title": "odd \u0000"}}', REPLACED),
    "NaN": (b'{"size": NaN, "issue": {"title": "fine"}}', "fine"),
    "infinity": (b'{"size": -Infinity, "issue": {"title": "fine"}}', "fine"),
    "infinity and NaN": (b'{"other": NaN, "size": 1e999, "issue": {"title": "fine"}}', "fine"),
    "a quoted NaN": (b'{"size": NaN, "issue": {"title": "NaN"}}', "NaN"),
    "leading space": (b'\r\n\t {"issue": {"title": "fine"}}', "fine"),
}


@pytest.mark.parametrize(("data", "title"), MENDED.values(), ids=MENDED.keys())
def test_odd_bytes_are_mended(data: bytes, title: str) -> None:
    assert payload.decode(EVENT, data).issue.title == title


def test_what_is_mended_keeps_its_numbers() -> None:
    decoder = msgspec.json.Decoder(dict[str, int | float | None])
    mended = payload.decode(decoder, b'{"big": 9007199254740993, "tenth": 0.1, "none": NaN}')
    assert mended == {"big": 9007199254740993, "tenth": 0.1, "none": None}


@pytest.mark.parametrize("shift", range(4))
def test_a_character_is_not_cut_where_a_long_text_to_be_mended_is(shift: int) -> None:
    title = "x" * shift + "\N{PILE OF POO}" * 50_000
    body = b'{"other": "\\ud83d", "issue": {"title": "%b"}}' % title.encode()
    assert payload.decode(EVENT, body).issue.title == title


def test_a_long_row_of_backslashes_is_mended_in_no_time() -> None:
    body = b'{"other": "\\ud83d", "issue": {"title": "%b"}}' % (b"\\" * 2_000_000)
    assert payload.decode(EVENT, body).issue.title == "\\" * 1_000_000


@pytest.mark.parametrize("data", [
    b"", b" ", b"{", b'{"issue": {"title": "cut of', b"nonsense", b'{"issue": {"title": ""}} {}', b'{"a": "\n"}',
])  # fmt: skip
def test_truncated_or_malformed_json_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedRequest, match=r"^The body is not valid JSON: .*\.$"):
        payload.decode(EVENT, data)


@pytest.mark.parametrize("data", [b"null", b"[]", b" [{}]", b"17", b'"text"', b"NaN"])
def test_json_that_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedRequest, match="not a JSON object"):
        payload.decode(EVENT, data)


@pytest.mark.parametrize("depth", [10_000, 1_000_000])
@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"], ids=["plain", "to be mended"])
def test_json_nested_too_deeply_is_refused(prefix: bytes, depth: int) -> None:
    with pytest.raises(MalformedRequest, match="nested too deeply"):
        payload.decode(EVENT, prefix + b'{"deep": ' + b"[" * depth + b"]" * depth + b"}")


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"], ids=["plain", "mended"])
def test_a_missing_field_is_named_by_its_path(prefix: bytes) -> None:
    with pytest.raises(MalformedPayload, match=r"missing required field `title` - at `\$\.issue`"):
        payload.decode(EVENT, prefix + b'{"issue": {}}')


def test_a_form_holds_the_json_in_its_payload_field() -> None:
    json = '{"title": "a + b & c = 100% \N{SNOWMAN}"}'.encode()
    assert payload.json_bytes(FORM, urlencode({"payload": json}).encode()) == json
    assert payload.json_bytes(FORM, urlencode({"other": "1", "payload": json, "more": "2"}).encode()) == json


@pytest.mark.parametrize("shift", range(4))
def test_an_escape_is_not_cut_where_a_long_form_is(shift: int) -> None:
    json = b"x" * shift + b'"' * 100_000
    assert payload.json_bytes(FORM, urlencode({"payload": json}).encode()) == json


@pytest.mark.parametrize("body", [b"", b"other=1", b"payloads=1", b"xpayload=1"])
def test_a_form_without_a_payload_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedRequest, match="`payload`"):
        payload.json_bytes(FORM, body)


@pytest.mark.parametrize("quoted", [b"100%", b"%zz", b"%4"])
def test_a_form_s_broken_escapes_are_left_alone(quoted: bytes) -> None:
    assert payload.json_bytes(FORM, b"payload=" + quoted) == quoted


def test_json_is_the_body_itself() -> None:
    body = b'{"a": 1}'
    assert payload.json_bytes("application/json", body) is body


def test_other_content_types_are_unsupported() -> None:
    with pytest.raises(UnsupportedContentType):
        payload.json_bytes("text/plain", b"{}")
