"""Refusals: all of them counted, few of them told."""

import json

import pytest
from prometheus_client import REGISTRY

from ghsync import log
from ghsync.errors import BodyTooLarge, TooManyRequests
from ghsync.receiver import refusals
from ghsync.receiver.refusals import Refusals


def counted() -> float:
    return REGISTRY.get_sample_value("ghsync_deliveries_refused_total", {"reason": "too_many_requests"}) or 0


def test_each_refusal_is_counted_and_its_reason_told_now_and_then_with_how_many_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure("json", "warning")
    before, found = counted(), Refusals()
    try:
        for _ in range(1000):
            found.note(TooManyRequests("Too many."))
        found.note(BodyTooLarge("Too large."))
        monkeypatch.setattr(refusals, "TOLD_EVERY_SECONDS", 0.0)
        found.note(TooManyRequests("Too many."))
    finally:
        log.configure("console", "error")
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert counted() - before == 1001
    assert [(entry["reason"], entry.get("more_since")) for entry in told] == [
        ("too_many_requests", None), ("body_too_large", None), ("too_many_requests", 999),
    ]  # fmt: skip
