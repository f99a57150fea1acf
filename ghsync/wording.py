"""Numbers as people read them, wherever a sentence is made."""

UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def duration(seconds: float) -> str:
    """A length of time for people, in the two units that matter: `12 ms`, `1.5 s`, `3 min`, `2 h 5 min`, `4 d 1 h`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    parts: list[str] = []
    left = int(seconds)
    for name, size in UNITS:
        number, left = divmod(left, size)
        if number or parts:
            parts.append(f"{number} {name}" if number else "")
    return " ".join(part for part in parts[:2] if part)


def count(number: int, singular: str, plural: str | None = None) -> str:
    """A number and its noun: `1 delivery`, `12,000 deliveries`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def deliveries(number: int) -> str:
    """How many deliveries."""
    return count(number, "delivery", "deliveries")
