"""Arguments that several commands read alike."""

import re
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer

W = TypeVar("W", bound=str)

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
MOMENT_HELP = "an age, like 15m, 2h or 3d, or a date, like 2026-03-02."
"""What TIME is, after what it is for."""

ARRIVED_SINCE_HELP = f"Only what arrived since: {MOMENT_HELP}"
LONGEST_SECRET = 4096
AGE = re.compile(r"(\d+)([smhdw])")

Grace = Annotated[
    str, typer.Option(metavar="TIME", help="How long what is replaced still counts, like 15m, 2h or 3d; 0 for no more.")
]
"""To be read by `span`."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def moment(text: str) -> datetime:
    """A time: an age such as `90s`, `15m`, `2h`, `3d`, or a date with or without a time, in UTC unless it says."""
    age = AGE.fullmatch(text)
    try:
        if age:
            return datetime.now(UTC) - timedelta(**{UNITS[age[2]]: int(age[1])})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is neither an age, like 15m or 2d, nor a date, like 2026-03-02.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def span(text: str) -> timedelta:
    """How long: `90s`, `15m`, `2h`, `3d`, or 0."""
    if text == "0":
        return timedelta()
    age = AGE.fullmatch(text)
    try:
        if age:
            return timedelta(**{UNITS[age[2]]: int(age[1])})
    except OverflowError:
        pass
    raise typer.BadParameter(f"{text!r} is not how long, like 15m, 2h or 3d.")


def one_of(words: Iterable[W]) -> Callable[[str], W]:
    """Reads one of some words."""
    known = {str(word): word for word in words}

    def read(text: str) -> W:
        if text not in known:
            raise typer.BadParameter(f"{text!r} is none of {', '.join(known)}.")
        return known[text]

    return read


def full_name(text: str) -> str:
    """The name of a repository, with its owner."""
    owner, slash, name = text.partition("/")
    if not (owner and slash and name) or "/" in name:
        raise typer.BadParameter(f"{text!r} is not OWNER/NAME.")
    return text


def secret_in(file: Path) -> str:
    """The secret in a file, or on standard input, without the end of its line: arguments are seen by everybody."""
    try:
        text = sys.stdin.read(LONGEST_SECRET + 1) if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise typer.BadParameter(f"{file} cannot be read: {reason}.") from None
    secret = text.rstrip("\r\n")
    if not secret or len(secret) > LONGEST_SECRET or not secret.isprintable():
        raise typer.BadParameter(f"{file} does not hold a secret, which is one line of text.")
    return secret
