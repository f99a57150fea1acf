"""Logs: one past-tense line per delivery or run, to stderr, as text for people or JSON for machines."""

import logging
import sys

import structlog

from ghsync.printable import printable


def configure(log_format: str, level: str) -> None:
    """Set up structlog for this process; call once, before the first line is logged."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # As Python prints it: a traceback with local variables would print tokens and payloads.
        structlog.processors.format_exc_info,
    ]
    if log_format == "json":
        final: list[structlog.typing.Processor] = [structlog.processors.JSONRenderer()]
    else:
        final = [
            _spell_out,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        # Standard error as it is when a line is logged: a host program may have replaced it since.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    others = logging.StreamHandler(sys.stderr)
    others.setFormatter(_Printable("%(name)s: %(message)s"))
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # it warns of what becomes an error, which we tell
    logging.basicConfig(level=logging.WARNING, handlers=[others], force=True)


class _Printable(logging.Formatter):
    """Lines of libraries, which may quote strangers too."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def _spell_out(
    _logger: structlog.typing.WrappedLogger, _method: str, told: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """What is said in a line, without what a terminal would obey; JSON escapes that by itself."""
    return {
        name: printable(value if isinstance(value, str) else repr(value)) if _quotes(value) else value
        for name, value in told.items()
    }


def _quotes(value: object) -> bool:
    """Whether a value may hold text: numbers and the like stay what they are."""
    return not isinstance(value, bool | int | float | None)
