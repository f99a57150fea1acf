"""Log lines: strangers' text is spelled out in them, and a traceback tells no values."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from ghsync import log
from ghsync.printable import OBEYED

STRANGE = "a\x1b[2Jb\x9b31mc\x7f\u202ed"
FORMATS = pytest.mark.parametrize("log_format", ["console", "json"])


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """What this process logs afterwards."""
    yield
    log.configure("console", "error")


@FORMATS
def test_what_a_terminal_obeys_is_spelled_out(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(log_format, "info")
    try:
        raise ValueError(STRANGE)
    except ValueError:
        structlog.get_logger().exception(STRANGE, title=STRANGE, deeper={STRANGE: [STRANGE]})
        logging.getLogger("a library").exception(STRANGE)

    told = capsys.readouterr().err
    assert told.count("[2Jb") >= 7
    assert set(OBEYED.findall(told)) == set()


@FORMATS
def test_a_traceback_shows_no_local_variables(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(log_format, "info")
    token = "ghs_" + "0" * 36
    try:
        raise RuntimeError("it broke")
    except RuntimeError:
        structlog.get_logger().exception("the worker broke")

    told = capsys.readouterr().err
    assert "it broke" in told
    assert token not in told
