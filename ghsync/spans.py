"""Spans of OpenTelemetry, exported by OTLP over HTTP. Only `ghsync.telemetry` imports this, where they are asked for.

Names and attributes are those of its conventions where these have one: https://opentelemetry.io/docs/specs/semconv/.
Of an error only the type is told: its words may quote a payload, or what PostgreSQL was given.
"""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from threading import Thread

import structlog
from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

ENDING_SECONDS = 2.0
LINKS = 5000  # as many deliveries as a batch may have; of themselves spans have 128 at most

# What the exporter says at each attempt is told once, below; of a full queue each lost span would be.
SILENCED = ("opentelemetry.exporter", "opentelemetry.sdk._shared_internal")

CARRIER = TraceContextTextMapPropagator()

log = structlog.get_logger()


class Exporter(SpanExporter):
    """The exporter, which says once that spans are lost, and once that they are not any more."""

    def __init__(self) -> None:
        self._exporter = OTLPSpanExporter()
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them; runs in a thread of its own."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            if self._lost:
                log.info("traces_exported_again", lost_spans=self._lost)
            self._lost = 0
        else:
            if not self._lost:
                log.warning("traces_lost", detail="The collector that OTEL_EXPORTER_OTLP_* names does not take them.")
            self._lost += len(spans)
        return result

    def shutdown(self) -> None:
        """Try nothing again."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # as OpenTelemetry has it


class Spans:
    """The spans of this process. The OTEL_* variables are read by the SDK; a wrong value raises `ValueError`."""

    def __init__(self) -> None:
        version = metadata.version("ghsync")
        said = OTELResourceDetector().detect().attributes
        ours = {SERVICE_NAME: "ghsync", SERVICE_VERSION: version} | dict(said)
        self._provider = TracerProvider(
            resource=Resource.create(ours),
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_links=None if os.environ.get("OTEL_SPAN_LINK_COUNT_LIMIT") else LINKS),
        )
        self._provider.add_span_processor(BatchSpanProcessor(Exporter()))
        self._tracer = self._provider.get_tracer("ghsync", version)
        for name in SILENCED:  # from now on: what is wrong with a variable they have told
            logging.getLogger(name).setLevel(logging.CRITICAL)

    @contextmanager
    def span(
        self, name: str, kind: str, attributes: Mapping[str, AttributeValue], within: Mapping[str, str]
    ) -> Iterator["OpenSpan"]:
        """A span for a block, within the one that headers name, or else within the current one."""
        around = CARRIER.extract(within) if within else None
        opened = OpenSpan(self._tracer.start_span(name, around, SpanKind[kind], attributes))
        token = context.attach(trace.set_span_in_context(opened.span))
        try:
            yield opened
        except BaseException as error:
            opened.fail(error)
            raise
        finally:
            context.detach(token)
            opened.end()

    def current(self) -> "OpenSpan":
        """The span that is open here."""
        return OpenSpan(trace.get_current_span())

    def end(self) -> None:
        """Export what is left; a collector that hangs keeps nobody from ending."""
        ending = Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(ENDING_SECONDS)


class OpenSpan:
    """A span that has not ended; of one that is not sampled nothing is kept."""

    def __init__(self, span: Span) -> None:
        self.span = span

    def tell(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Add what is known by now."""
        self.span.set_attributes(attributes)

    def fail(self, error: BaseException) -> None:
        """Tell what went wrong, unless that was told; what is cancelled has not failed."""
        if isinstance(error, Exception):
            self.fail_with(type(error).__name__)

    def fail_with(self, error: str) -> None:
        """Tell what went wrong, in one word."""
        if isinstance(self.span, ReadableSpan) and self.span.status.status_code is not StatusCode.ERROR:
            self.span.set_attribute("error.type", error)
            self.span.set_status(Status(StatusCode.ERROR))

    def link(self, headers: Mapping[str, str], attributes: Mapping[str, AttributeValue]) -> None:
        """Point to the span that these headers name."""
        self.span.add_link(trace.get_current_span(CARRIER.extract(headers)).get_span_context(), attributes)

    def headers(self) -> dict[str, str]:
        """What names it to others, where it is exported: https://www.w3.org/TR/trace-context/."""
        told: dict[str, str] = {}
        if self.span.get_span_context().trace_flags.sampled:
            CARRIER.inject(told, trace.set_span_in_context(self.span))
        return told

    def end(self) -> None:
        """Export it, unless it has nothing to tell, as that of an empty batch."""
        if isinstance(self.span, ReadableSpan) and self.span.attributes:
            self.span.end()


def name_trace(
    _logger: structlog.typing.WrappedLogger, _method: str, told: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Say in a line of the log which span it belongs to, as long as that lasts: tasks outlive the one they began in."""
    span = trace.get_current_span()
    if span.is_recording():
        its = span.get_span_context()
        told["trace_id"], told["span_id"] = trace.format_trace_id(its.trace_id), trace.format_span_id(its.span_id)
    return told
