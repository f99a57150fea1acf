"""A question to GitHub."""

from ghsync.github.client import GitHub, Meter
from ghsync.github.credentials import Credential
from ghsync.github.kit import Call


async def ask(github: GitHub, credential: Credential, call: Call) -> bytes:
    """The body of the answer to one of githubkit's requests."""
    return (await github.call(credential, call, priority="interactive", meter=Meter())).body
