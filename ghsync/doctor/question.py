"""A question to GitHub."""

from ghsync.github.client import GitHub, Meter
from ghsync.github.credentials import Credential


async def ask(github: GitHub, credential: Credential, path: str, **params: object) -> bytes:
    """An answer's body."""
    answer = await github.get(credential, path, params=params, priority="interactive", meter=Meter())
    return answer.body
