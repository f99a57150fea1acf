"""Secrets that are planted, and what has been said, searched for each of them in every form that it may have."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

SHORTEST = 12
"""Of what is looked for: something shorter may be there by chance."""


@dataclass
class Planted:
    """Secrets by what they are; all that was said is gathered by where that was."""

    secrets: dict[str, str]
    said: list[tuple[str, str]] = field(default_factory=list)

    def hear(self, where: str, text: str | bytes) -> None:
        """Gather what was said somewhere."""
        self.said.append((where, text.decode("utf-8", "replace") if isinstance(text, bytes) else text))

    def told(self) -> list[str]:
        """Which secret was told where, and in which of its forms."""
        found: dict[tuple[str, str], list[str]] = {}
        for name, secret in self.secrets.items():
            for form, text in forms(secret).items():
                for where in sorted({where for where, said in self.said if text in said}):
                    found.setdefault((where, name), []).append(form)
        return sorted(f"{where}: {name} ({', '.join(them)})" for (where, name), them in found.items())


def forms(secret: str) -> dict[str, str]:
    """A secret as it is, and as it is when it is part of something that was encoded."""
    assert len(secret) >= SHORTEST
    raw = secret.encode()
    return {
        "plain": secret,
        "in JSON": json.dumps(secret)[1:-1],
        "in JSON as it is": json.dumps(secret, ensure_ascii=False)[1:-1],
        "twice in JSON": json.dumps(json.dumps(secret)[1:-1])[1:-1],
        "quoted by Python": repr(secret)[1:-1],
        "as Python's bytes": repr(raw)[2:-1],
        "in a URL": quote(secret, safe=""),
        "in a URL's path": quote(secret),
        "in a form": quote_plus(secret),
        "hexadecimal": raw.hex(),
        **dict(_base64(raw)),
    }


def _base64(raw: bytes) -> Iterator[tuple[str, str]]:
    """What is in the base64 of anything that it is in, whatever stands before and behind it."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            whole = encode(b"\0" * before + raw).decode().rstrip("=")
            yield f"{encode.__name__}, {before} before", whole[(0, 2, 3)[before] : -1]
