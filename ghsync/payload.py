"""Payloads: from the bytes that were signed to the fields that are needed.

Stored bytes are what GitHub sent, odd ones too; what cannot be decoded is mended here, at every reading.
"""

import codecs
import io
import json
import math
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec

from ghsync.errors import MalformedPayload, MalformedRequest, UnsupportedContentType
from ghsync.salvage import Salvage, UnreadableValue, is_list

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# A whole pair, the half of one, or NUL; what is before it says that the backslash is not escaped. All backslashes are
# taken at once, and none given back: a text of nothing else would take the square of its length.
UNSTORABLE = re.compile(
    rb"(?<!\\)(?:\\\\)*+(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\u(?P<digits>[dD][89a-fA-F][0-9a-fA-F]{2}|0000))"
)
REPLACEMENT_DIGITS = b"fffd"
NUL = b"\\u0000"  # not all texts go to PostgreSQL as rows do, where it would be replaced
LONGEST_NUMBER = 4300  # digits: https://docs.python.org/3/library/stdtypes.html#int-max-str-digits

FORM_FIELD = re.compile(rb"(?:^|&)payload=([^&]*)")

LARGE_BYTES = 1024 * 1024
"""What is larger takes longer than some milliseconds to verify or to decode, and is not to hold up an event loop."""

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
    """Decode as `read` does, where nobody asks what could not be read."""
    return read(decoder, data)[0]


def read(decoder: msgspec.json.Decoder[T], data: bytes) -> tuple[T, Sequence[UnreadableValue]]:
    """Decode JSON, and tell which optional parts of it could not be read and were left out (see `salvage`).

    Mended are invalid UTF-8, a byte order mark, halves of surrogate pairs, NUL, NaN and infinities. Raises
    `MalformedRequest` when it is no JSON or, where a list is not what the decoder wants, no JSON object;
    `MalformedPayload` with the path when it lacks what is required.
    """
    try:
        return _read(decoder, data)
    except RecursionError:
        raise MalformedRequest("The body is not usable JSON: nested too deeply.") from None


def _read(decoder: msgspec.json.Decoder[T], data: bytes) -> tuple[T, Sequence[UnreadableValue]]:
    if b"\\" not in data or NUL not in data:  # the first is found out in no time
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            return decoder.decode(data), ()
    mended = mend(data)
    with suppress(msgspec.DecodeError):
        return decoder.decode(mended), ()
    value = _value(mended)
    if isinstance(value, dict) or is_list(decoder.type):
        return _salvaged(decoder, value)
    raise MalformedRequest("The body is not a JSON object.")


def _salvaged(decoder: msgspec.json.Decoder[T], value: Any) -> tuple[T, Sequence[UnreadableValue]]:
    salvage = Salvage(decoder.strict)
    try:
        return salvage.read(value, decoder.type), salvage.lost
    except msgspec.ValidationError as error:
        raise MalformedPayload(f"The payload cannot be used: {error}.") from None


def mend(data: bytes) -> bytearray:
    """UTF-8 without a byte order mark, in which neither NUL nor half of a surrogate pair is escaped."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    mended = bytearray()
    for start in range(0, len(data), AT_ONCE):
        mended += decoder.decode(data[start : start + AT_ONCE]).encode()
    mended += decoder.decode(b"", final=True).encode()
    for found in UNSTORABLE.finditer(mended):
        if found["digits"]:
            mended[slice(*found.span("digits"))] = REPLACEMENT_DIGITS
    return mended


def _value(data: bytearray) -> Any:
    """JSON without its type; what Python reads and JSON or a column has not (NaN, infinities) is null."""
    try:
        return json.loads(data.decode(), parse_constant=lambda name: None, parse_float=_finite, parse_int=_whole)
    except ValueError as error:
        raise MalformedRequest(f"The body is not valid JSON: {error}.") from None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= LONGEST_NUMBER else None


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
