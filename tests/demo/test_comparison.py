from typing import Any

import pytest

from ghsync.demo.comparison import differences


def told(table: str = "github_issues", operation: str = "update", **actual: Any) -> dict[str, Any]:
    """A difference as a dry run tells it."""
    return {"repository": "acme/app", "table": table, "number": 7, "operation": operation, "actual": actual}


def test_a_field_that_differs_is_named() -> None:
    assert differences([told(title="Another", updated_at="2026-03-02")]) == ["acme/app#7 in github_issues (title)"]


@pytest.mark.parametrize("operation", ["insert", "delete"])
def test_a_row_that_only_one_side_has_differs(operation: str) -> None:
    assert differences([told(operation=operation)]) == [f"acme/app#7 in github_issues ({operation})"]


def test_when_mergeability_was_computed_makes_no_difference() -> None:
    computed = told("github_pull_requests", mergeable=True, mergeable_state="clean", reported_mergeable=True)
    assert differences([computed, told("pr_tracking", merge_status="mergeable")]) == []


def test_a_suite_of_checks_differs_once_it_has_ended() -> None:
    going_on, ended = (told("github_check_suites", status=status) for status in ("in_progress", "completed"))
    assert differences([going_on, ended]) == ["acme/app#7 in github_check_suites (status)"]
