"""GitHub about itself: rate limits, and where its hooks come from.

https://docs.github.com/en/rest/rate-limit/rate-limit
https://docs.github.com/en/rest/meta/meta
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghsync.simulator.rest.inquiry import Result

if TYPE_CHECKING:
    from ghsync.simulator.rest.inquiry import Inquiry

LOOPBACK = ["127.0.0.1/32", "::1/128"]


def rate_limit(asked: Inquiry) -> Result:
    """What the one who asks has left; asking costs nothing."""
    budgets = asked.site.budgets
    core = budgets.pool(asked.viewer, "core").as_json()
    graphql = budgets.pool(asked.viewer, "graphql").as_json()
    search = {**core, "limit": 30, "remaining": 30, "used": 0}
    return Result({"resources": {"core": core, "graphql": graphql, "search": search}, "rate": core})


def meta(_asked: Inquiry) -> Result:
    """Where everything of this GitHub comes from, which is this machine."""
    return Result(
        {
            "verifiable_password_authentication": False,
            "hooks": LOOPBACK,
            "web": LOOPBACK,
            "api": LOOPBACK,
            "git": LOOPBACK,
        }
    )
