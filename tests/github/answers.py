"""Answers as GitHub gives them, with the headers that matter."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx

from ghsync.github.client import Answer, GitHub, Meter

WINDOW_SECONDS = 1800
LIMIT = 5000


def headers(
    remaining: int | None = LIMIT - 1,
    *,
    limit: int = LIMIT,
    resource: str = "core",
    left: int = WINDOW_SECONDS,
    **more: str,
) -> dict[str, str]:
    """The headers of an answer that is given now."""
    now = datetime.now(UTC).replace(microsecond=0)
    counts = {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": str(int((now + timedelta(seconds=left)).timestamp())),
        "x-ratelimit-resource": resource,
    }
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {"date": format_datetime(now, usegmt=True), **(counts if remaining is not None else {}), **named}


def answer(body: Any = None, status: int = 200, remaining: int | None = LIMIT - 1, **more: Any) -> httpx.Response:
    """An answer with a JSON body."""
    return httpx.Response(status, json={} if body is None else body, headers=headers(remaining, **more))


def refusal(message: str, status: int = 403, remaining: int | None = LIMIT - 1, **more: Any) -> httpx.Response:
    """An answer that says why not."""
    return answer({"message": message}, status, remaining, **more)


async def get(github: GitHub, path: str = "/user", **options: Any) -> Answer:
    """One request with the first credential that there is."""
    credential = options.pop("credential", None) or await github.credential_for(options.pop("installation", None))
    priority, meter = options.pop("priority", "interactive"), options.pop("meter", None) or Meter()
    return await github.get(credential, path, priority=priority, meter=meter, **options)
