"""What ``/metrics`` counts.

https://prometheus.io/docs/practices/naming/
"""

import re
from collections.abc import Iterable
from functools import cache

from prometheus_client import Counter, Gauge, Histogram

from ghsync import errors

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LAG_SECONDS = (0.005, 0.01, 0.03, 0.06, 0.15, 0.5, 1, 5, 15, 60, 300, 3600, 86400)
GROUP_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)

received = Counter("ghsync_deliveries_received", "Deliveries answered 202", ["event", "outcome"])
refused = Counter("ghsync_deliveries_refused", "Deliveries answered with an error", ["reason"])

commit_group_size = Histogram("ghsync_commit_group_size", "Deliveries written by one commit", buckets=GROUP_SIZES)
commit_seconds = Histogram("ghsync_commit_seconds", "Time of one commit into the inbox", buckets=SECONDS)

spooled = Gauge("ghsync_spooled_deliveries", "Deliveries that wait on the disk", multiprocess_mode="livesum")
spooled_bytes = Gauge("ghsync_spooled_bytes", "Bytes of the files that they are in", multiprocess_mode="livesum")

http_requests = Counter(
    "ghsync_http_requests", "Requests answered, but for those that no application saw", ["route", "status"]
)
http_seconds = Histogram("ghsync_http_request_seconds", "Time until a request was answered", ["route"], buckets=SECONDS)

projected = Counter("ghsync_deliveries_projected", "Deliveries that left the inbox", ["event", "status"])
projection_seconds = Histogram("ghsync_projection_seconds", "Time of one projected batch", buckets=SECONDS)
unreadable = Counter(
    "ghsync_deliveries_unreadable", "Deliveries of which a part could not be read and was left out", ["event", "path"]
)
unknown_actions = Counter(
    "ghsync_deliveries_unknown_action", "Deliveries with an action that this version does not know", ["event"]
)
retried = Counter("ghsync_deliveries_retried", "Times that a projection failed and was put off", ["event"])
ties = Counter("ghsync_ties", "Things whose reports nothing orders, so that the API is asked")
refetches = Counter("ghsync_refetches", "Things that the API was asked again, or in vain", ["kind", "outcome"])
healed = Counter("ghsync_deliveries_healed", "Deliveries that had not arrived, brought in from GitHub's log")
findings = Counter("ghsync_findings", "What an audit found wrong, and put right", ["table"])
api_answers = Counter(
    "ghsync_api_answers", "What GitHub's API answered: 304 was asked for free", ["resource", "status"]
)
run_requests = Counter("ghsync_run_requests", "Requests that runs cost", ["run"])
run_points = Counter("ghsync_run_points", "GraphQL points that runs cost", ["run"])
worker_crashes = Counter("ghsync_worker_crashes", "Times that the worker broke and began again")
lag_seconds = Histogram("ghsync_lag_seconds", "From received to committed in the mirror", buckets=LAG_SECONDS)


leading = Gauge("ghsync_leader", "Whether this process leads the schedule", multiprocess_mode="livesum")

RUNS = ("audit", "backfill", "heal", "refetch", "resync", "sweep")
OUTCOMES = ("queued", "duplicate", "ignored", "spooled")
STATUSES = ("processed", "ignored", "parked")


def begin(events: Iterable[str], tables: Iterable[str]) -> None:
    """Let known series start at 0: of one that begins with its first increment, ``increase()`` does not see that.

    What is mirrored is in ``tables``.

    https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics
    """
    for event in events:
        for outcome in OUTCOMES:
            received.labels(event, outcome)
        for status in STATUSES:
            projected.labels(event, status)
        unknown_actions.labels(event)
    for table in tables:
        findings.labels(table)
    ours: tuple[type[Exception], ...] = (
        errors.DatabaseUnavailable, errors.DatabaseRefused, errors.Overloaded, errors.TooManyRequests,
    )  # fmt: skip
    for run in RUNS:
        run_requests.labels(run)
        run_points.labels(run)
    for error in (*ours, *errors.RefusedRequest.__subclasses__()):
        refused.labels(_name(error))


def reason(error: Exception) -> str:
    """The name of an error as labels and answers show it: ``SignatureMismatch`` is ``signature_mismatch``."""
    return _name(type(error))


def _name(error: type[Exception]) -> str:
    return _in_snake_case(error.__name__)


@cache
def _in_snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
