"""Some of the drills, so that `make gameday` goes on to work; the rules in a hurry; and what is kept of all."""

import re
import shutil

import pytest

from tests.gameday.__main__ import KEPT, UNPLAYED, play
from tests.gameday.drills import DRILLS
from tests.gameday.hastened import RULES, hastened, rules
from tests.packaging.test_alerts import RUNBOOKS

ROW = re.compile(r"^\| (.+?) \| \[(\w+)\]\(.+?\) \| (\d+) s \| (.+?) \| (\d+) s \|$", re.MULTILINE)
PLAYED = {"GhsyncDeliveriesRefused", "GhsyncUnknownActions"}


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is missing: apt-get install prometheus")
@pytest.mark.parametrize("alert", sorted(PLAYED))
async def test_a_fault_raises_its_alert_and_no_other_until_it_is_mended(server_url: str, alert: str) -> None:
    (drill,) = [each for each in DRILLS if each.alert == alert]
    outcome = await play(drill, server_url)
    assert outcome.fired_seconds > 0


def test_each_is_mended_in_words_of_its_runbook() -> None:
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOKS, re.DOTALL | re.MULTILINE))
    for drill in DRILLS:
        _, mend, after = " ".join(sections[drill.alert].split()).partition("- Mend: ")
        assert drill.runbook in mend + after, drill.alert


def test_the_page_has_every_drill() -> None:
    found = ROW.findall(KEPT.read_text())
    assert {(fault, alert) for fault, alert, *_ in found} == {(drill.fault, drill.alert) for drill in DRILLS}
    assert len(found) == len({alert for _, alert, *_ in found}) >= 12


def test_each_alert_is_played_or_it_is_said_why_not() -> None:
    alerts = [rule["alert"] for group in rules()["groups"] for rule in group["rules"]]
    assert sorted(alerts) == sorted([*(drill.alert for drill in DRILLS), *UNPLAYED])


def test_in_a_hurry_only_times_are_others() -> None:
    rule = {
        "expr": "max(waits_seconds) > 5 * 60 and sum(increase(failed[1h])) > 3 unless failed offset 5m",
        "for": "2m",
        "labels": {"severity": "info"},
    }
    assert hastened(rule) == {
        "expr": "max(waits_seconds) > 5 * 60 / 20 and sum(increase(failed[20000ms])) > 3 unless failed offset 15000ms",
        "for": "6000ms",
        "labels": {"severity": "info"},
    }
    said = str(rules())
    assert RULES.read_text().count("- alert:") == said.count("'alert':")
    assert not re.search(r"\[\d+[mhd]\]|offset \d+[mhd]\b|'for': '\d+[mhd]'", said)
