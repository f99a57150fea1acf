"""The rules as they are delivered, in a hurry: nobody waits two hours to see an alert."""

import re
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).parents[2] / "deploy/prometheus/ghsync.rules.yml"

SPEED = 20
"""How much shorter all times are."""

LONGEST_SECONDS = 20.0
"""What would be longer all the same, as a day is, and is said of what has happened within that."""

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
WINDOW = re.compile(r"(\[|offset )(\d+)([smhd])\b")
MINUTES = re.compile(r"\b(\d+) \* 60\b")


def rules() -> dict[str, Any]:
    """What Prometheus reads."""
    read: dict[str, Any] = yaml.safe_load(RULES.read_text())
    for group in read["groups"]:
        group["rules"] = [hastened(rule) for rule in group["rules"]]
    return read


def hastened(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule whose windows, waits and thresholds in minutes are shorter; nothing else is another."""
    expression = WINDOW.sub(lambda found: found[1] + _shorter(found[2], found[3]), rule["expr"])
    expression = MINUTES.sub(lambda found: f"{found[1]} * 60 / {SPEED}", expression)
    changed = rule | {"expr": expression}
    return changed | {"for": _shorter(*_parts(rule["for"]))} if "for" in rule else changed


def _parts(duration: str) -> tuple[str, str]:
    return duration[:-1], duration[-1]


def _shorter(count: str, unit: str) -> str:
    return f"{round(1000 * min(int(count) * UNITS[unit] / SPEED, LONGEST_SECONDS))}ms"
