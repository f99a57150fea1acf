"""Which checks there are, in the order in which they are made: what one that failed keeps from being made is told."""

from collections.abc import Collection

from ghsync.settings import Settings

DATABASE = ("database", "rights", "readings", "partitions", "locks", "processes")
REACHED = ("github", "clock")
ASKED = ("rate limit", "graphql")
APP = ("app", "permissions", "alerts", "events", "members", "installations", *ASKED, "hook", "deliveries")
TOKEN = ("token", "alerts", *ASKED)


def left_out(settings: Settings, made: Collection[str]) -> list[str]:
    """What these settings let be checked, and was not."""
    secrets = ("stored secrets",) if settings.encryption_keys else ()
    pooler = ("pooler",) if settings.pooler_url else ()
    whose = APP if settings.app_id else TOKEN if settings.token else ()
    wanted = (*DATABASE, *secrets, *pooler, *(REACHED if whose else ()), *whose)
    return [check for check in wanted if check not in made]
