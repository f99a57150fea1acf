"""What `replay --verify` does and tells: where the mirror is not what its inbox and its change feed say."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import msgspec
import typer

from ghsync import log, wording
from ghsync.cli import terminal
from ghsync.cli.context import configured
from ghsync.verification.finding import MOST, Discrepancy, Report
from ghsync.verification.verify import verify

SHOWN = 50
LONGEST = 60

SAYS = {"replay": "replay", "feed": "feed", "tracking": "deriving"}


def run(*, as_json: bool) -> None:
    """Verify the mirror and tell what was found; findings fail the command."""
    report = _verify()
    if as_json:
        terminal.print_json(_document(report))
    else:
        _show(report)
    if report.findings:
        raise typer.Exit(terminal.FAILED)


def _verify() -> Report:
    with configured() as (loaded, url), terminal.progress() as bars:
        # The worker that replays would tell of each batch, and of deliveries that were parked long ago.
        log.configure(loaded.log_format, "critical")
        shown: dict[str, Any] = {}

        def watch(stage: str, done: int, total: int) -> None:
            if stage not in shown:
                shown[stage] = bars.add_task(stage, total=total)
            bars.update(shown[stage], completed=done, total=total)

        try:
            return verify(url, watch)
        except KeyboardInterrupt:
            terminal.note("Stopped; the mirror was not touched.")
            raise typer.Exit(terminal.STOPPED) from None


def _document(report: Report) -> dict[str, Any]:
    return {
        "deliveries": report.deliveries,
        "unreadable": report.unreadable,
        "waiting": report.waiting,
        "pull_requests": report.pull_requests,
        "tables": {name: dataclasses.asdict(judged) for name, judged in report.tables.items()},
        "findings": [dataclasses.asdict(finding) for finding in report.findings],
    }


def _show(report: Report) -> None:
    if report.findings:
        _show_findings(report.findings)
    else:
        terminal.console.print("The mirror is what its inbox and its change feed say.", style="green")
    rows = sum(judged.rows for judged in report.tables.values())
    unjudged = sum(judged.unjudged for judged in report.tables.values())
    terminal.console.print(
        f"Replayed {wording.deliveries(report.deliveries)}, compared {wording.count(rows, 'row')} with them and with "
        f"the change feed, and derived {wording.count(report.pull_requests, 'pull request')} anew."
    )
    if unjudged:
        terminal.console.print(
            f"Of {wording.count(unjudged, 'row')} the API told something newer, which no delivery repeats: "
            "there the change feed alone was the measure.",
            style="dim",
        )
    if report.unreadable:
        terminal.console.print(f"{wording.deliveries(report.unreadable)} could not be read.", style="dim")


def _show_findings(findings: Sequence[Discrepancy]) -> None:
    """A line for each place, by repository; where several checks found it, the line says so."""
    checks: dict[Any, list[str]] = {}
    for finding in findings:
        checks.setdefault(finding.place, []).append(SAYS[finding.check])
    found = sorted({finding.place: finding for finding in findings}.values(), key=_order)
    shown = terminal.table("Row", "column", "in the mirror", "expected", "found by")
    repository = None
    for finding in found[:SHOWN]:
        if finding.key.get("repository") != repository:
            repository = finding.key.get("repository")
            shown.add_row(f"[bold]{terminal.cell(repository)}[/]")
        shown.add_row(*map(terminal.cell, (_row(finding), *_sides(finding), ", ".join(checks[finding.place]))))
    terminal.console.print(shown)
    if len(found) > SHOWN:
        more = f"and {len(found) - SHOWN:,} more: --json prints them"
        terminal.console.print(f"{more}, up to {MOST:,} a table and check.")


def _order(finding: Discrepancy) -> tuple[str, str, str]:
    return (finding.key.get("repository") or "", finding.table, _row(finding))


def _row(finding: Discrepancy) -> str:
    return " ".join([finding.table, *(str(value) for name, value in finding.key.items() if name != "repository")])


def _sides(finding: Discrepancy) -> tuple[str, str, str]:
    if finding.problem == "missing":
        return "", "is missing", "is there"
    if finding.problem == "surplus":
        return "", "is there", "is unknown"
    return finding.column or "", _brief(finding.live), _brief(finding.expected)


def _brief(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
