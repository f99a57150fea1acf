"""Check runs, as far as one is needed to see that it is kept and not handled."""

from ghsync.simulator.account import Account
from ghsync.simulator.identity import node_id
from ghsync.simulator.payload import iso
from ghsync.simulator.pull_request import PullRequest
from ghsync.simulator.world import World


def complete_check_run(
    world: World, pull_request: PullRequest, name: str, *, by: Account, conclusion: str = "success"
) -> None:
    """Run a check on the head of a pull request from start to end."""
    repository, app = pull_request.repository, world.app.as_json()
    suite, run = world.identities.next_id("check_suite"), world.identities.next_id("check_run")
    head_sha, finished = pull_request.head_commit.sha, iso(world.now())
    # A head in a fork is in no pull request as far as checks are concerned: they are joined by its hash.
    inside = pull_request.head_repository is repository
    pull_requests = [pull_request.as_check_json()] if inside else []
    run_url = f"{repository.api_url}/check-runs/{run}"
    check_run = {
        "id": run,
        "name": name,
        "node_id": node_id("CR", repository.id, run),
        "head_sha": head_sha,
        "external_id": "",
        "url": run_url,
        "html_url": f"{repository.html_url}/runs/{run}",
        "details_url": "https://ci.example/",
        "status": "completed",
        "conclusion": conclusion,
        "started_at": finished,
        "completed_at": finished,
        "output": {
            "title": None,
            "summary": None,
            "text": None,
            "annotations_count": 0,
            "annotations_url": f"{run_url}/annotations",
        },
        "check_suite": {
            "id": suite,
            "node_id": node_id("CS", repository.id, suite),
            "head_branch": pull_request.head_branch if inside else None,
            "head_sha": head_sha,
            "status": "completed",
            "conclusion": conclusion,
            "url": f"{repository.api_url}/check-suites/{suite}",
            "before": pull_request.base_commit.sha,
            "after": head_sha,
            "pull_requests": pull_requests,
            "app": app,
            "created_at": finished,
            "updated_at": finished,
        },
        "app": app,
        "pull_requests": pull_requests,
    }
    world.send_about_repository("check_run", "completed", repository, by, check_run=check_run)
