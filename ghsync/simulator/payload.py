"""What payloads of every noun have in common: addresses, timestamps, bytes."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any

API_URL = "https://api.github.com"
WEB_URL = "https://github.com"
AVATAR_URL = "https://avatars.githubusercontent.com"

Json = dict[str, Any]

ACTORS_TIME = timezone(timedelta(hours=1))

REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def iso(moment: datetime) -> str:
    """A timestamp as GitHub writes it: whole seconds, cut and not rounded."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_or_null(moment: datetime | None) -> str | None:
    """A timestamp that may not have happened yet."""
    return None if moment is None else iso(moment)


def iso_with_offset(moment: datetime) -> str:
    """A timestamp as GitHub writes it in installations and invitations: milliseconds, and the actor's own time."""
    return moment.astimezone(ACTORS_TIME).isoformat(timespec="milliseconds")


def epoch(moment: datetime) -> int:
    """A timestamp in whole seconds since 1970, as `push` has it in its repository."""
    return int(moment.timestamp())


def no_reactions(url: str) -> Json:
    """The reactions of something nobody has reacted to."""
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(REACTIONS, 0)}


def encode(payload: Json) -> bytes:
    """The body of a delivery: compact, in UTF-8, nothing escaped that need not be."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
