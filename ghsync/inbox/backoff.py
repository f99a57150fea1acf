"""How long a delivery that failed waits for its next attempt."""

import random

FIRST_SECONDS = 5.0
LONGEST_SECONDS = 600.0


def delay_seconds(attempts: int) -> float:
    """Seconds to wait after the given number of failures: doubling, bounded, spread by a quarter."""
    delay: float = min(FIRST_SECONDS * 2 ** (attempts - 1), LONGEST_SECONDS)
    return delay * random.uniform(0.75, 1.25)  # noqa: S311 (spreads load, guards nothing)
