"""The GraphQL documents beside this file: ``queries/NAME.graphql`` with the fragments that it spreads."""

import re
from functools import cache
from importlib import resources

_SPREAD = re.compile(r"\.\.\.\s*([A-Z]\w*)")


@cache
def document(name: str) -> str:
    """A query with every fragment that it needs, as GitHub takes it."""
    folder = resources.files(__package__) / "queries"
    text = (folder / f"{name}.graphql").read_text()
    parts, wanted = [text], _SPREAD.findall(text)
    known: set[str] = set()
    while wanted:
        fragment = wanted.pop()
        if fragment not in known:
            known.add(fragment)
            parts.append((folder / "fragments" / f"{fragment}.graphql").read_text())
            wanted += _SPREAD.findall(parts[-1])
    return "\n".join(parts)
