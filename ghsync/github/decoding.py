"""The border where answers become what was asked for; an answer that is something else is one of ghsync's errors.

Halves of surrogate pairs and bytes that are no UTF-8 are mended as in payloads: one odd title hides nothing else.
"""

from typing import TypeVar

import msgspec

from ghsync import payload
from ghsync.errors import UnreadableAnswer

T = TypeVar("T")


def read(body: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """What ``body`` says; raises `msgspec.MsgspecError` or ValueError where it says something else."""
    try:
        return decoder.decode(body)
    except RecursionError:
        raise msgspec.DecodeError("nested too deeply") from None
    except (msgspec.MsgspecError, ValueError):  # a ValueError is no UTF-8
        return decoder.decode(payload.mend(bytes(body)))


def decoded(body: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T], what: str) -> T:
    """What ``body`` says; ``what`` names it where it says something else, as `UnreadableAnswer`."""
    try:
        return read(body, decoder)
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableAnswer(
            f"{what} is not what was asked for ({reason(error)}); it is asked again later."
        ) from None


def reason(error: Exception) -> str:
    """Why something cannot be read, in few words."""
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
