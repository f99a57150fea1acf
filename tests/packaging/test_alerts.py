"""What people watch ghsync with: its metrics exist, each alert fires when it should, and has a runbook."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from ghsync import errors, metrics
from tests import service

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus/ghsync.rules.yml"
DASHBOARD = ROOT / "deploy/grafana/ghsync.json"
RUNBOOKS = (ROOT / "docs/runbooks.md").read_text()
LONGEST = 12  # lines of a runbook, with those that are empty

METRIC = re.compile(r"\bghsync_[a-z_]+")

promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is missing: apt-get install prometheus"
)


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Everything that is asked of Prometheus, and by whom."""
    yield from ((rule["alert"], rule["expr"]) for rule in rules())
    yield from ((panel["title"], target["expr"]) for panel in panels() for target in panel["targets"])


def shown(text: str) -> set[str]:
    """The names of metrics in an exposition, as they are asked for."""
    names = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE):
        names |= {f"{name}_{part}" for part in ("bucket", "count", "sum")} if kind == "histogram" else {name}
    return names


@pytest.mark.slow
@pytest.mark.anyio
async def test_every_metric_that_is_named_exists(database_url: str, tmp_path: Path) -> None:
    async with service.serving(
        database_url, tmp_path / "log", operations_port=service.free_port(), webhook_secrets="a secret"
    ) as receiver:
        answer: httpx.Response = await receiver.operations.get("/metrics")
    found = shown(answer.text)
    named = {(who, name) for who, expression in expressions() for name in METRIC.findall(expression)}
    assert len(named) > 40
    assert {(who, name) for who, name in named if name not in found} == set()


def test_labels_have_values_that_the_code_knows() -> None:
    files = [*(ROOT / "ghsync").rglob("*.py"), *(ROOT / "db/sql").glob("*.sql")]
    source = "".join(path.read_text() for path in files).replace('"', "'")
    reasons = {metrics.reason(error("")) for error in vars(errors).values() if _is_error(error)}
    statuses = {str(status.value) for status in HTTPStatus}
    alerts = {rule["alert"] for rule in rules()} | {"firing"}
    for who, expression in expressions():
        for value in re.findall(r'[a-z_]+="([^"]+)"', expression):
            assert f"'{value}'" in source or value in reasons | statuses | alerts, (who, value)


def _is_error(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, errors.RefusedRequest)


def test_each_alert_has_a_runbook_that_is_short_and_each_runbook_an_alert() -> None:
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOKS, re.DOTALL | re.MULTILINE))
    assert list(sections) == [rule["alert"] for rule in rules()]
    for rule in rules():
        text = sections[rule["alert"]].strip().splitlines()
        assert len(text) <= LONGEST, rule["alert"]
        assert {"- Look:", "- Mend:"} <= {line[:7] for line in text}, rule["alert"]
        assert "It clears" in " ".join(text), rule["alert"]
        assert rule["annotations"]["runbook"] == f"docs/runbooks.md#{rule['alert'].lower()}"
        assert {*rule["annotations"]} == {"summary", "description", "runbook"}
        assert rule["labels"]["severity"] in ("critical", "warning", "info")


def test_the_dashboard_can_be_imported_anywhere() -> None:
    board = json.loads(DASHBOARD.read_text())
    assert [each["name"] for each in board["templating"]["list"]] == ["datasource"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in panels():
        assert panel["description"].endswith("."), panel["title"]
        for asked in (panel, *panel["targets"]):
            assert asked["datasource"]["uid"] == "${datasource}", panel["title"]


def run(*words: object) -> str:
    done = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@promtool
def test_each_alert_fires_when_it_should_and_not_when_all_is_well() -> None:
    run("check", "config", RULES.with_name("prometheus.yml"))
    run("check", "rules", RULES)
    run("test", "rules", RULES.with_name("ghsync.rules.test.yml"))


@promtool
def test_what_the_dashboard_asks_prometheus_understands(tmp_path: Path) -> None:
    asked = [
        {"record": f"panel:{place}", "expr": target["expr"].replace("$__rate_interval", "5m")}
        for place, target in enumerate(target for panel in panels() for target in panel["targets"])
    ]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": asked}]}))
    run("check", "rules", tmp_path / "panels.yml")
