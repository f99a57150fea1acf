"""Payloads: from the bytes that were signed to the fields that are needed.

Stored bytes are what GitHub sent, odd ones too; what cannot be decoded is mended here, at every reading.
"""

import codecs
import io
import json
import math
import re
from typing import TypeVar
from urllib.parse import unquote_to_bytes

import msgspec

from ghsync.errors import MalformedPayload, MalformedRequest, UnsupportedContentType

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# A whole pair, or the half of one; what is before it says that the backslash is not itself escaped. All backslashes are
# taken at once, and none given back: a text of nothing else would take the square of its length.
SURROGATES = re.compile(
    rb"(?<!\\)(?:\\\\)*+(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\u(?P<half>[dD][89a-fA-F][0-9a-fA-F]{2}))"
)
REPLACEMENT_DIGITS = b"fffd"

AN_OBJECT = re.compile(rb"[ \t\r\n]*\{")
FORM_FIELD = re.compile(rb"(?:^|&)payload=([^&]*)")

AT_ONCE = 64 * 1024  # bytes that are worked on at a time: all at once would take many times the memory of the body

T = TypeVar("T")


def media_type(content_type: str) -> str:
    """`JSON` or `FORM`, the two that a webhook can be configured to send; else `UnsupportedContentType`.

    A charset is not looked at: JSON is UTF-8, and so is the JSON inside a form.
    """
    name = content_type.partition(";")[0].strip().lower()
    if name not in (JSON, FORM):
        raise UnsupportedContentType(f"Content-Type must be {JSON} or {FORM}.")
    return name


def json_bytes(content_type: str, body: bytes) -> bytes:
    """The JSON in a body, as GitHub wrote it."""
    return body if media_type(content_type) == JSON else _form_field(body)


def decode(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """Decode a JSON object, mended where msgspec would refuse what PostgreSQL or we can do without.

    Mended are invalid UTF-8, a byte order mark, halves of surrogate pairs, NaN and infinities. Raises
    `MalformedRequest` when it is no JSON object, `MalformedPayload` with the path when it has not the decoder's shape.
    """
    try:
        return _decode(decoder, data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        mended = _mended(data)
    try:
        return _decode(decoder, mended)
    except msgspec.DecodeError:
        return _decode_rewritten(decoder, mended)


def _decode(decoder: msgspec.json.Decoder[T], data: bytes | bytearray) -> T:
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        if AN_OBJECT.match(data):
            raise MalformedPayload(f"The payload cannot be used: {error}.") from None
        raise MalformedRequest("The body is not a JSON object.") from None
    except RecursionError:
        raise _too_deep() from None


def _mended(data: bytes) -> bytearray:
    """UTF-8 without a byte order mark, in which no half of a surrogate pair is escaped."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    mended = bytearray()
    for start in range(0, len(data), AT_ONCE):
        mended += decoder.decode(data[start : start + AT_ONCE]).encode()
    mended += decoder.decode(b"", final=True).encode()
    for found in SURROGATES.finditer(mended):
        if found["half"]:
            mended[slice(*found.span("half"))] = REPLACEMENT_DIGITS
    return mended


def _decode_rewritten(decoder: msgspec.json.Decoder[T], data: bytearray) -> T:
    try:
        return _decode(decoder, _rewritten(data))
    except ValueError as error:
        raise MalformedRequest(f"The body is not valid JSON: {error}.") from None
    except RecursionError:
        raise _too_deep() from None


def _rewritten(data: bytearray) -> bytes:
    """JSON without NaN and infinities, which Python reads and msgspec does not."""
    value = json.loads(data.decode(), parse_constant=lambda name: None, parse_float=_finite)
    return json.dumps(value).encode()


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _too_deep() -> MalformedRequest:
    return MalformedRequest("The body is not usable JSON: nested too deeply.")


def _form_field(body: bytes) -> bytes:
    field = FORM_FIELD.search(body)
    if not field:
        raise MalformedRequest("The form has no field `payload`.")
    return _unquoted(body, *field.span(1))


def _unquoted(body: bytes, start: int, end: int) -> bytes:
    """Undo a form's quoting piece by piece."""
    unquoted = io.BytesIO()
    while start < end:
        stop = min(start + AT_ONCE, end)
        escape = body.rfind(b"%", stop - 2, stop)  # not to be cut in two
        if start < escape and stop < end:
            stop = escape
        unquoted.write(unquote_to_bytes(body[start:stop].replace(b"+", b" ")))
        start = stop
    return unquoted.getvalue()
