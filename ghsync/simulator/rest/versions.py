"""Versions of the API: what a newer one has no more.

https://docs.github.com/en/rest/about-the-rest-api/breaking-changes
"""

from typing import Any

from ghsync.simulator.refusals import Refused

OLD, NEW = "2022-11-28", "2026-03-10"

DROPPED = frozenset(("assignee", "merge_commit_sha", "rate", "use_squash_pr_title_as_default", "has_downloads"))
"""Fields that the newer version has left out, wherever they were."""


def chosen(header: str | None) -> str:
    """The version that is asked for: the old one, unless another is named."""
    if header is None or header == OLD:
        return OLD
    if header != NEW:
        raise Refused(400, f'The API version "{header}" is not supported. Use one of {OLD}, {NEW}.')
    return NEW


def adapted(content: Any, version: str) -> Any:
    """The same content as a version shows it."""
    if version == OLD:
        return content
    if isinstance(content, list):
        return [adapted(each, version) for each in content]
    if isinstance(content, dict):
        return {name: adapted(value, version) for name, value in content.items() if name not in DROPPED}
    return content
