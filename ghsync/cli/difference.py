"""What a dry run tells: which rows are not as GitHub has them, field by field."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from ghsync.cli import terminal
from ghsync.reports.differences import Difference

SHOWN = 50
LONGEST = 60


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
