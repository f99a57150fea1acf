"""Traces, where the environment asks for them as it asks any program: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.

Nothing of OpenTelemetry is imported otherwise, and no span is made. They are an extra: whatever is wrong with them is
said, and ghsync goes on without.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Literal

import structlog

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue

    from ghsync.spans import OpenSpan, Spans

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")

MISSING = "OTEL_* variables ask for traces, which need OpenTelemetry: pip install 'ghsync[otel]'."

NOTHING: AbstractContextManager[OpenSpan | None] = nullcontext()

log = structlog.get_logger()

_spans: Spans | None = None


def asked(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether traces shall be exported: an endpoint or an exporter is named, and nothing speaks against it."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    return exporter != "none" and bool(exporter or _first(environment, ENDPOINTS))


def trouble(environment: Mapping[str, str] = os.environ) -> str | None:
    """A sentence about why traces that are asked for cannot be exported."""
    if not asked(environment):
        return None
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip() or "otlp"
    protocol = _first(environment, PROTOCOLS) or "http/protobuf"
    if exporter != "otlp":
        return f"No traces are exported: OTEL_TRACES_EXPORTER is {exporter}, and ghsync exports by otlp."
    if protocol != "http/protobuf":
        return (
            f"No traces are exported: OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}, and ghsync exports by http/protobuf."
        )
    try:
        import ghsync.spans  # noqa: F401 (is it there?)
    except ImportError:
        return MISSING
    return None


def begin() -> None:
    """Export what this process does from now on, where that is asked for."""
    global _spans
    if not asked() or trouble():
        return
    from ghsync.spans import Spans, name_trace

    try:
        _spans = Spans()
    except ValueError as error:
        log.warning("no_traces", detail=f"A variable of OpenTelemetry's is wrong: {str(error).rstrip('.')}.")
        return
    structlog.configure(processors=[name_trace, *structlog.get_config()["processors"]])


def spans() -> Spans | None:
    """Those of this process, where there are any."""
    return _spans


def span(
    name: str,
    kind: Literal["CLIENT", "CONSUMER", "INTERNAL"] = "INTERNAL",
    attributes: Mapping[str, AttributeValue] | None = None,
) -> AbstractContextManager[OpenSpan | None]:
    """A span for a block, None where there are none; one that gets no attributes is not exported."""
    return NOTHING if _spans is None else _spans.span(name, kind, attributes or {}, {})


def end() -> None:
    """Export what is left, within two seconds."""
    global _spans
    ended, _spans = _spans, None
    if ended:
        ended.end()


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next(filter(None, (environment.get(name, "").strip() for name in names)), "")
