"""Branches, and what is checked of a commit.

https://docs.github.com/en/rest/checks
https://docs.github.com/en/rest/commits/statuses
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from ghsync.simulator.commit_status import combined_state, latest_statuses
from ghsync.simulator.payload import Json
from ghsync.simulator.refusals import Refused, not_found
from ghsync.simulator.rest.inquiry import Result

if TYPE_CHECKING:
    from ghsync.simulator.commit import Commit
    from ghsync.simulator.repository import Repository
    from ghsync.simulator.rest.inquiry import Inquiry


def branches(asked: Inquiry, repository: Repository) -> Result:
    """Every branch, by name."""

    def shown(name: str) -> Json:
        sha = repository.tip(name).sha
        commit = {"sha": sha, "url": f"{repository.api_url}/commits/{sha}"}
        return {"name": name, "commit": commit, "protected": False}

    return asked.page(sorted(repository.branches), shown)


def check_runs(asked: Inquiry, repository: Repository) -> Result:
    """The check runs of a commit: the newest attempt of each name, unless all are asked for."""
    suites = repository.check_suites.get(_commit(asked, repository).sha, [])
    newest = asked.choice("filter", "latest", "all") == "latest"
    name, status = asked.query.get("check_name"), asked.query.get("status")
    app = asked.query.get("app_id")
    found = [
        run
        for run in chain.from_iterable(suite.latest_runs if newest else suite.runs for suite in suites)
        if name in (None, run.name) and status in (None, run.status) and app in (None, str(run.suite.app.id))
    ]
    return asked.page(found, lambda run: run.as_rest_json(), within="check_runs")


def check_suites(asked: Inquiry, repository: Repository) -> Result:
    """The check suites of a commit."""
    name, app = asked.query.get("check_name"), asked.query.get("app_id")
    suites = [
        suite
        for suite in repository.check_suites.get(_commit(asked, repository).sha, [])
        if app in (None, str(suite.app.id)) and (name is None or any(run.name == name for run in suite.runs))
    ]
    return asked.page(suites, lambda suite: suite.as_rest_json(), within="check_suites")


def statuses(asked: Inquiry, repository: Repository) -> Result:
    """Every status that a commit was ever given, the newest first."""
    found = repository.statuses.get(_commit(asked, repository).sha, [])
    return asked.page(found[::-1], lambda status: status.as_json())


def combined_status(asked: Inquiry, repository: Repository) -> Result:
    """The newest status of each context, and what they say together."""
    sha = _commit(asked, repository).sha
    found = latest_statuses(repository.statuses.get(sha, ()))
    commit_url = f"{repository.api_url}/commits/{sha}"
    return asked.page(
        found,
        lambda status: status.as_combined_json(),
        within="statuses",
        state=combined_state(found),
        sha=sha,
        repository=repository.as_minimal_json(),
        commit_url=commit_url,
        url=f"{commit_url}/status",
    )


def _commit(asked: Inquiry, repository: Repository) -> Commit:
    """The commit that a branch, a tag or a hash names."""
    ref: str = asked.path["ref"]
    branch = ref.removeprefix("refs/").removeprefix("heads/")
    if branch in repository.branches:
        return repository.tip(branch)
    tag = ref.removeprefix("refs/").removeprefix("tags/")
    if tag in repository.tags:
        return repository.tags[tag]
    found = repository.commit(ref)
    if found is None:
        raise Refused(422, f"No commit found for SHA: {ref}") if _is_hash(ref) else not_found()
    return found


def _is_hash(text: str) -> bool:
    return len(text) == 40 and all(each in "0123456789abcdef" for each in text)
