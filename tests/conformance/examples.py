"""The payloads that Octokit publishes as examples; `make corpus` fetches them.

https://www.npmjs.com/package/@octokit/webhooks-examples
"""

import json
from dataclasses import dataclass
from typing import Any

from tests.conformance import corpus

CORPUS = corpus.FOLDER / "webhooks-examples/package/api.github.com/index.json"

needed = corpus.needed(CORPUS, "The file of published examples")


@dataclass(frozen=True)
class Example:
    """One payload: the ``place``-th of its event."""

    event: str
    place: int
    payload: dict[str, Any]

    @property
    def body(self) -> bytes:
        """The payload as GitHub would write it."""
        return json.dumps(self.payload, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def name(self) -> str:
        """Event, action and place; nothing that the payload says."""
        return f"{self.event} {self.payload.get('action') or '-'} {self.place}"


def load() -> list[Example]:
    """Every example, in the order in which they are published."""
    return [
        Example(event["name"], place, payload)
        for event in json.loads(CORPUS.read_bytes())
        for place, payload in enumerate(event["examples"], start=1)
    ]
