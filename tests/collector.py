"""A collector of OpenTelemetry's, which takes spans by OTLP over HTTP as real ones do, or fails to.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import gzip
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

LOOK_SECONDS = 0.01


@dataclass(frozen=True)
class Told:
    """One span as it was exported; ids in hexadecimal, ``links`` by what they point to."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent: str
    attributes: Mapping[str, Any]
    links: Mapping[tuple[str, str], Mapping[str, Any]]
    failed: bool
    resource: Mapping[str, Any]


@dataclass
class Collector:
    """What came, in order; ``hangs`` has it answer nobody."""

    port: int = 0
    hangs: bool = False
    bodies: list[bytes] = field(default_factory=list)
    asked: Event = field(default_factory=Event)
    ended: Event = field(default_factory=Event)

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a program exports to it, soon."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.port}", "OTEL_BSP_SCHEDULE_DELAY": "50"}

    @property
    def spans(self) -> list[Told]:
        """All spans that came."""
        return [span for body in self.bodies for span in _read(body)]

    def named(self, name: str) -> list[Told]:
        """Those of a name."""
        return [span for span in self.spans if span.name == name]


def _read(body: bytes) -> Iterator[Told]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Told(
                    span.name,
                    trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    _plain(span.attributes),
                    {(link.trace_id.hex(), link.span_id.hex()): _plain(link.attributes) for link in span.links},
                    span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
                    _plain(resource.resource.attributes),
                )


def _plain(attributes: Any) -> dict[str, Any]:
    def value(of: KeyValue) -> Any:
        return getattr(of.value, of.value.WhichOneof("value") or "string_value")

    return {each.key: value(each) for each in attributes}


@contextmanager
def collecting(port: int = 0, *, hangs: bool = False) -> Iterator[Collector]:
    """A collector on the loopback, as long as this block lasts."""
    collector = Collector(hangs=hangs)

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            collector.asked.set()
            if collector.hangs:
                collector.ended.wait()
                return
            collector.bodies.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Answering) as server:
        collector.port = server.server_port
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": LOOK_SECONDS})
        thread.start()
        try:
            yield collector
        finally:
            collector.ended.set()
            server.shutdown()
            thread.join()
