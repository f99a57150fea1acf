"""What a dry run tells: which rows are not as GitHub has them, field by field."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from ghsync.changes.feed import Event
from ghsync.cli import terminal

SHOWN = 50
LONGEST = 60

Difference = dict[str, Any]


def documents(events: Iterable[Event], names: Mapping[str, str]) -> list[Difference]:
    """The differences for machines; ``names`` are the full names of repositories by our ids."""
    return [
        {
            "repository": names.get(event.repository_id) if event.repository_id else None,
            "table": event.entity_type,
            "number": event.number,
            "operation": event.operation,
            "mirrored": msgspec.json.decode(event.old or "{}"),
            "actual": msgspec.json.decode(event.new or "{}"),
        }
        for event in events
    ]


def show(differences: Sequence[Difference]) -> None:
    """The differences for people."""
    if not differences:
        terminal.console.print("The mirror is as GitHub is.", style="green")
        return
    shown = terminal.table("Row", "field", "mirrored", "on GitHub")
    repository = None
    for one in differences[:SHOWN]:
        if one["repository"] != repository:
            repository = one["repository"]
            shown.add_row(f"[bold]{terminal.cell(repository)}[/]")
        row = one["table"] if one["number"] is None else f"{one['table']} #{one['number']}"
        for field, mirrored, actual in _fields(one):
            shown.add_row(terminal.cell(row), field, mirrored, actual)
            row = ""
    terminal.console.print(shown)
    if len(differences) > SHOWN:
        terminal.console.print(f"and {len(differences) - SHOWN:,} more: --json prints all of them.")


def _fields(one: Difference) -> list[tuple[str, str, str]]:
    """Each field that differs; a row that is there on one side only is one line."""
    if one["operation"] == "insert":
        called = (one["actual"].get(name) for name in ("title", "full_name", "name", "account_login"))
        return [("", "is missing", _brief(next(filter(None, called), "is there")))]
    if one["operation"] == "delete":
        return [("", "is there", "is gone")]
    return [(field, _brief(one["mirrored"].get(field)), _brief(actual)) for field, actual in one["actual"].items()]


def _brief(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
    try:
        return terminal.moment(datetime.fromisoformat(text))
    except ValueError:
        return terminal.cell(text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...")
