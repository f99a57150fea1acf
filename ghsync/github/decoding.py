"""The border where answers become what was asked for; an answer that is something else is one of ghsync's errors."""

from typing import TypeVar

import msgspec

from ghsync.errors import UnreadableAnswer

T = TypeVar("T")


def decoded(body: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T], what: str) -> T:
    """What ``body`` says; ``what`` names it where it says something else, as `UnreadableAnswer`."""
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, ValueError) as error:  # a ValueError is no UTF-8
        raise UnreadableAnswer(
            f"{what} is not what was asked for ({reason(error)}); it is asked again later."
        ) from None


def reason(error: Exception) -> str:
    """Why something cannot be read, in few words."""
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
