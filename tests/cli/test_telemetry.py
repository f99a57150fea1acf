"""Traces: what a collector is told of `serve` and `work`, what it is never told, and that nobody waits for it."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ghsync import telemetry
from ghsync.cli import serve
from ghsync.inbox import recording
from ghsync.simulator.actions import comments, issues
from ghsync.spans import ENDING_SECONDS
from tests import service, traffic
from tests.cli.conftest import OpenHub
from tests.cli.hub import SMALL
from tests.cli.test_app import sending
from tests.collector import Collector, collecting
from tests.conformance.deliveries import about, issue, made
from tests.planted import Planted
from tests.service import SECRET, WEBHOOK

pytestmark = pytest.mark.anyio

TITLE = "A title that is nobody else's business"
RECEIVED, PROJECTED = f"POST {WEBHOOK}", "project deliveries"

TRACES = "SELECT headers ->> 'traceparent' FROM webhook_deliveries"


@pytest.mark.slow
async def test_a_delivery_is_followed_from_its_request_to_its_batch_and_the_api_through_its_runs(
    open_hub: OpenHub, tmp_path: Path, connection: psycopg.Connection
) -> None:
    hub = await open_hub(SMALL)
    with collecting() as collector:
        environment = collector.environment | {"OTEL_SERVICE_NAME": "mirror", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}
        settings = hub.settings() | {"log_level": "info", "heal_seconds": "1"}
        planted = Planted({"a title": TITLE, "the webhook's secret": settings["webhook_secrets"],
                           "the App's key": settings["private_key"].splitlines()[5]})  # fmt: skip
        url = settings.pop("database_url")
        async with service.serving(url, tmp_path / "log", environment=environment, **settings) as receiver:
            hub.site.hook.url = f"http://127.0.0.1:{receiver.port}{WEBHOOK}"
            async with sending(hub):
                opened = issues.open_issue(hub.world, hub.repository, by=hub.owner, title=TITLE, body=TITLE)
                comments.create(hub.world, opened, TITLE, by=hub.owner)
            await service.drained(connection)
            await service.until(_healed_and_swept(connection), "a run of each kind has ended")
            assert await receiver.terminate() == 0

    rows = connection.execute("SELECT guid, event, headers ->> 'traceparent' FROM webhook_deliveries").fetchall()
    received = {span.attributes["messaging.message.id"]: span for span in collector.named(RECEIVED)}
    assert received.keys() == {guid for guid, _, _ in rows}
    for guid, event, traceparent in rows:
        span = received[guid]
        assert (span.kind, span.failed, span.resource["service.name"]) == ("SERVER", False, "mirror")
        assert traceparent.startswith(f"00-{span.trace_id}-{span.span_id}-0")
        assert span.attributes == {
            "http.request.method": "POST", "http.route": WEBHOOK, "url.path": WEBHOOK, "url.scheme": "http",
            "http.response.status_code": 202, "messaging.message.id": guid, "ghsync.event": event,
            "ghsync.outcome": "queued",
        }  # fmt: skip

    batches = collector.named(PROJECTED)
    linked = {
        place: link["messaging.message.id"]
        for batch in batches
        if not batch.failed
        for place, link in batch.links.items()
    }
    assert linked == {(span.trace_id, span.span_id): guid for guid, span in received.items()}
    assert sum(batch.attributes["messaging.batch.message_count"] for batch in batches) == len(rows)
    told = [entry for entry in receiver.told("info") if entry["event"] == "projected"]
    assert {entry["trace_id"] for entry in told} == {batch.trace_id for batch in batches}

    runs = {(span.trace_id, span.span_id): span for span in collector.spans if span.name.startswith("run ")}
    assert {span.name for span in runs.values()} >= {"run sweep", "run heal"}
    asked = [span for span in collector.spans if span.kind == "CLIENT"]
    within = {runs[span.trace_id, span.parent].name for span in asked if span.parent}
    assert within >= {"run sweep", "run heal"}
    for span in asked:
        assert span.attributes["url.full"].startswith(hub.environment["GHSYNC_API_URL"])
        assert {"http.request.method", "http.response.status_code", "server.port"} <= span.attributes.keys()

    for body in collector.bodies:
        planted.hear("spans", body)
    assert planted.told() == []


def _healed_and_swept(connection: psycopg.Connection[Any]) -> Any:
    async def holds() -> bool:
        found = connection.execute("SELECT DISTINCT kind FROM sync_runs WHERE status = 'succeeded'").fetchall()
        return {("sweep",), ("heal",)} <= set(found)

    return holds


async def test_what_one_process_received_is_linked_by_the_one_that_projects_it(
    database_url: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    deliveries = traffic.busy(3).deliveries
    with collecting() as collector:
        async with service.serving(
            database_url, tmp_path / "served", command="serve --no-worker", environment=collector.environment
        ) as receiver:
            for delivery in deliveries:
                assert (await service.post(receiver.client, delivery)).status_code == 202
            assert await receiver.terminate() == 0
        async with service.working(database_url, tmp_path / "log", environment=collector.environment) as program:
            await service.drained(connection)
            assert await program.terminate() == 0
    (batch,) = collector.named(PROJECTED)
    received = collector.named(RECEIVED)
    assert batch.links.keys() == {(span.trace_id, span.span_id) for span in received}
    assert batch.attributes["messaging.batch.message_count"] == len(deliveries)
    assert batch.resource["service.instance.id"] not in {span.resource["service.instance.id"] for span in received}


async def test_of_a_stranger_the_answer_is_told_and_nothing_that_it_said(database_url: str, tmp_path: Path) -> None:
    delivery = traffic.busy(1).deliveries[0]
    forged = recording.sign(delivery, "another secret") | {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}
    with collecting() as collector:
        async with service.serving(database_url, tmp_path / "log", environment=collector.environment) as receiver:
            assert (await receiver.client.post(WEBHOOK, content=delivery.body, headers=forged)).status_code == 401
            for path in ("/healthz", "/webhooks/github/", "/nothing"):
                await receiver.client.get(path)
            assert await receiver.terminate() == 0
    (span,) = collector.spans
    assert (span.name, span.parent, span.failed) == (RECEIVED, "", False)
    assert span.attributes == {
        "http.request.method": "POST", "http.route": WEBHOOK, "url.path": WEBHOOK, "url.scheme": "http",
        "http.response.status_code": 401,
    }  # fmt: skip


async def test_a_trusted_proxy_s_trace_goes_on(database_url: str, tmp_path: Path) -> None:
    delivery = traffic.busy(1).deliveries[0]
    of_proxy = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    with collecting() as collector:
        async with service.serving(
            database_url, tmp_path / "log", environment=collector.environment, trusted_proxies="127.0.0.1"
        ) as receiver:
            signed = recording.sign(delivery, SECRET) | of_proxy
            assert (await receiver.client.post(WEBHOOK, content=delivery.body, headers=signed)).status_code == 202
            assert await receiver.terminate() == 0
    (span,) = collector.named(RECEIVED)
    assert (span.trace_id, span.parent) == ("a" * 32, "b" * 16)


async def test_what_fails_tells_its_type_and_not_its_words(
    database_url: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    connection.execute("ALTER TABLE github_issues ADD CONSTRAINT made_up CHECK (title NOT LIKE 'A title that %')")
    delivery = made("issues", about(issue=issue(1, title=TITLE)))
    with collecting() as collector:
        async with service.serving(
            database_url, tmp_path / "log", environment=collector.environment, max_attempts=1
        ) as receiver:
            assert (await service.post(receiver.client, delivery)).status_code == 202
            await service.drained(connection)
            assert await receiver.terminate() == 0
    assert connection.execute("SELECT status FROM webhook_deliveries").fetchall() == [("parked",)]
    (batch,) = collector.named(PROJECTED)
    assert (batch.failed, batch.attributes["error.type"]) == (True, "IntegrityError")
    planted = Planted({"a title": TITLE})
    for body in collector.bodies:
        planted.hear("spans", body)
    assert planted.told() == []


@pytest.mark.slow
async def test_where_nobody_asks_nothing_of_it_is_imported_and_nothing_is_in_the_way(
    database_url: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    delivery = traffic.busy(1).deliveries[0]
    tells = {"PYTHONPROFILEIMPORTTIME": "1"}  # each module that is imported
    with collecting() as collector:
        for name, more in {"off": {}, "disabled": collector.environment | {"OTEL_SDK_DISABLED": "true"},
                           "on": collector.environment}.items():  # fmt: skip
            async with service.serving(database_url, tmp_path / name, anew=True, environment=tells | more) as receiver:
                assert (await service.post(receiver.client, delivery)).status_code == 202
                assert await receiver.terminate() == 0
            imported = {
                line.rpartition("|")[2].strip() for line in receiver.log().splitlines() if "import time:" in line
            }
            assert "ghsync.telemetry" in imported
            assert ({"ghsync.spans", "opentelemetry", "google.protobuf", "requests"} & imported != set()) == (
                name == "on"
            )
    assert collector.spans
    assert connection.execute(TRACES).fetchall() == [(None,)]  # as it came first
    assert telemetry.span("any") is telemetry.NOTHING


async def test_what_is_not_sampled_is_neither_exported_nor_kept(
    database_url: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    with collecting() as collector:
        environment = collector.environment | {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
        async with service.serving(database_url, tmp_path / "log", environment=environment) as receiver:
            assert (await service.post(receiver.client, traffic.busy(1).deliveries[0])).status_code == 202
            await service.drained(connection)
            assert await receiver.terminate() == 0
    assert collector.spans == []
    assert connection.execute(TRACES).fetchall() == [(None,)]
    assert "trace_id" not in receiver.log()


async def test_without_the_extra_it_says_what_to_install_and_goes_on(
    database_url: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    (tmp_path / "opentelemetry.py").write_text("raise ModuleNotFoundError('not installed')\n")
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "PYTHONPATH": str(tmp_path)}
    async with service.serving(database_url, tmp_path / "log", anew=True, environment=environment) as receiver:
        assert (await service.post(receiver.client, traffic.busy(1).deliveries[0])).status_code == 202
        await service.drained(connection)
        assert await receiver.terminate() == 0
    assert receiver.log().count(telemetry.MISSING) == 1
    assert receiver.told("warning", "error", "critical") == []


@pytest.mark.slow
async def test_a_collector_that_hangs_delays_neither_deliveries_nor_the_end(
    database_url: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    deliveries = traffic.busy(40).deliveries
    with collecting(hangs=True) as collector:
        # So little room that spans are lost.
        environment = collector.environment | {"OTEL_BSP_MAX_QUEUE_SIZE": "8", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "4"}
        async with service.serving(database_url, tmp_path / "log", environment=environment) as receiver:
            for delivery in deliveries:
                began = time.monotonic()
                assert (await service.post(receiver.client, delivery)).status_code == 202
                assert time.monotonic() - began < 5  # it would hang for ten
            await service.drained(connection)
            assert collector.asked.is_set()
            began = time.monotonic()
            assert await receiver.terminate() == 0
            assert time.monotonic() - began < ENDING_SECONDS + serve.GRACEFUL_SECONDS / 2
    assert receiver.told("warning", "error", "critical") == []


async def test_a_collector_that_is_away_is_told_of_once_and_when_it_is_back(
    database_url: str, tmp_path: Path, connection: psycopg.Connection
) -> None:
    deliveries = iter(traffic.busy(100).deliveries)
    away = Collector(service.free_port())
    environment = away.environment | {"OTEL_EXPORTER_OTLP_TIMEOUT": "0.2"}

    async with service.serving(database_url, tmp_path / "log", environment=environment) as receiver:

        async def says(event: str) -> bool:
            assert (await service.post(receiver.client, next(deliveries))).status_code == 202
            return bool(_named(receiver, event))

        await service.until(lambda: says("traces_lost"), "it says that they are lost")
        for _ in range(3):
            assert not await says("traces_exported_again")
        with collecting(away.port) as collector:
            await service.until(lambda: says("traces_exported_again"), "it says that they are not")
            assert await receiver.terminate() == 0
    assert len(_named(receiver, "traces_lost")) == 1
    assert _named(receiver, "traces_exported_again")[0]["lost_spans"] > 0
    assert collector.spans
    assert "Transient error" not in receiver.log()


def _named(receiver: service.Receiver, event: str) -> list[dict[str, Any]]:
    return [entry for entry in receiver.told("info", "warning") if entry["event"] == event]


ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_SERVICE_NAME": "mirror"}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "True"}, False),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "false"}, True),
    ],
)
def test_the_environment_asks_for_traces_as_it_asks_any_program(environment: Mapping[str, str], asked: bool) -> None:
    assert telemetry.asked(environment) == asked
    assert telemetry.trouble(environment) is None


@pytest.mark.parametrize(
    ("variable", "value"), [("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]
)
def test_what_ghsync_does_not_export_by_is_said(variable: str, value: str) -> None:
    told = telemetry.trouble(ENDPOINT | {variable: value})
    assert told
    assert f"{variable} is {value}, and ghsync exports by " in told


async def test_a_wrong_value_is_said_and_it_goes_on_without(database_url: str, tmp_path: Path) -> None:
    environment = ENDPOINT | {"OTEL_BSP_MAX_QUEUE_SIZE": "0"}
    async with service.serving(database_url, tmp_path / "log", environment=environment) as receiver:
        assert (await service.post(receiver.client, traffic.busy(1).deliveries[0])).status_code == 202
    (told,) = _named(receiver, "no_traces")
    assert told["detail"] == "A variable of OpenTelemetry's is wrong: max_queue_size must be a positive integer."
