"""The App's hook: its settings, and the log of what was delivered.

https://docs.github.com/en/rest/apps/webhooks
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from ghsync.simulator.hook_log import OUTCOMES
from ghsync.simulator.refusals import Refused, not_found
from ghsync.simulator.rest.inquiry import Result

if TYPE_CHECKING:
    from ghsync.simulator.hook_log import Attempt
    from ghsync.simulator.rest.inquiry import Inquiry

CURSOR = "v1_"
SETTINGS = ("url", "secret", "content_type", "insecure_ssl")


def config(asked: Inquiry) -> Result:
    """The settings, of which the secret is not shown."""
    return Result(asked.site.hook.as_json())


def configure(asked: Inquiry) -> Result:
    """Change the settings that are given; there is only one secret, and it holds at once."""
    hook = asked.site.hook
    for name in SETTINGS:
        if name in asked.body:
            setattr(hook, name, str(asked.body[name]))
    asked.world.app.hook_url = hook.url
    return Result(hook.as_json())


def deliveries(asked: Inquiry) -> Result:
    """The attempts, the newest first; a cursor names the first one of a page."""
    status = asked.query.get("status")
    if status is not None and status not in OUTCOMES:
        raise Refused(422, "Validation Failed", more={"errors": [{"field": "status", "code": "invalid"}]})
    first = _cursor(asked.query.get("cursor"))
    wanted = (each for each in asked.site.hook_log.newest_first(status) if first is None or each.id <= first)
    size = asked.page_size
    found = list(islice(wanted, size + 1))
    links = {"next": {"cursor": f"{CURSOR}{found[size].id}"}} if len(found) > size else {}
    return Result([each.as_item_json() for each in found[:size]], links=links, address=asked.address)


def delivery(asked: Inquiry) -> Result:
    """One attempt, with what was sent and what was answered."""
    return Result(_find(asked).as_json(), as_it_was=True)


def redeliver(asked: Inquiry) -> Result:
    """Have a delivery attempted once more, under the same GUID."""
    asked.site.hook_log.redeliver(_find(asked))
    return Result({}, 202)


def _cursor(text: str | None) -> int | None:
    if text is None:
        return None
    number = text.removeprefix(CURSOR)
    if not text.startswith(CURSOR) or not number.isdecimal():
        raise Refused(422, "Invalid cursor")
    return int(number)


def _find(asked: Inquiry) -> Attempt:
    found = asked.site.hook_log.find(asked.path["delivery_id"])
    if found is None:
        raise not_found()
    return found
