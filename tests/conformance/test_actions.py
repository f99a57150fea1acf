"""The actions that ghsync knows are those that GitHub's schemas have, as Octokit publishes them, and newer ones."""

import json

import pytest

from ghsync.projector import events
from tests.conformance import corpus

SCHEMA = corpus.FOLDER / "webhooks-schemas/package/schema.json"


def published() -> dict[str, set[str]]:
    """The actions of each event."""
    found: dict[str, set[str]] = {}
    for name, form in json.loads(SCHEMA.read_bytes())["definitions"].items():
        action = form.get("properties", {}).get("action", {})
        if "$" in name and action:
            found.setdefault(name.partition("$")[0], set()).update(action.get("enum", ()))
    return found


@corpus.needed(SCHEMA, "The file of published schemas")
@pytest.mark.parametrize("event", sorted(events.HANDLED))
def test_every_action_that_is_published_is_known(event: str) -> None:
    actions = published().get(event, set())
    assert {action for action in actions if not events.knows(event, action)} == set()
    assert (event in events.ACTIONS) == (event not in ("push", "status"))


def test_another_one_is_not() -> None:
    assert not events.knows("issues", "reincarnated")
    assert events.knows("issues", None)
    assert events.knows("an_event_of_tomorrow", "done")
