"""`maintain`: what a database wants done now and then."""

from collections.abc import Iterator
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich import filesize
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import partitions, purge, retention, settings, views, wording
from ghsync.administration import maintenance
from ghsync.cli import arguments, terminal
from ghsync.cli.context import in_transaction, run
from ghsync.database import fetch, transaction
from ghsync.encryption import Encryption
from ghsync.purge import HiddenRepository
from ghsync.retention import Retired


def maintain(
    recompute_tracking: Annotated[
        bool, typer.Option("--recompute-tracking", help="Derive every row of pr_tracking anew from the mirror.")
    ] = False,
    retry_jobs: Annotated[
        bool, typer.Option("--retry-jobs", help="Try once more the jobs that failed too often.")
    ] = False,
    encrypt_anew: Annotated[
        bool,
        typer.Option("--encrypt-anew", help="Encrypt what is stored under an older key with the first one."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; tell what is past its retention, and what room it takes.")
    ] = False,
    as_json: arguments.Json = False,
) -> None:
    """Make partitions, let go what is past its retention, refresh views.

    And tell what is wrong with the database, as database_health_check() does.

    `ghsync serve` and `ghsync work` do the first two by themselves, once an hour.
    How long something is kept is in the table data_retention_policies. Whoever
    reads goes on meanwhile; while a partition comes or goes, others wait for a
    moment. Derived anew, no pull request should become another: pr_tracking
    follows the mirror by itself.
    """
    if dry_run and (recompute_tracking or retry_jobs or encrypt_anew):
        raise typer.BadParameter("Give --dry-run, or what is to be done.")
    encryption = Encryption(settings.load().encryption_keys) if encrypt_anew else None
    if encryption:
        encryption.encrypt("")  # without a key all else is not begun either
    if dry_run:
        _tell_due(*in_transaction(_due), as_json=as_json)
        return
    try:
        done = run(lambda engine: _maintain(engine, recompute_tracking, retry_jobs, encryption))
    except KeyboardInterrupt:
        terminal.note("Stopped, and nothing is lost: what was done until then stays done.")
        raise typer.Exit(terminal.STOPPED) from None
    if as_json:
        terminal.print_json(done)
    else:
        _tell(done)
    refused = [*done["refused"], *_unreadable(done["encrypted_anew"] or {})]
    for sentence in refused:
        terminal.note(sentence, style="red")
    if refused:
        raise typer.Exit(terminal.FAILED)


_HEALTH = sa.text("SELECT component, status, value::float8, unit, detail FROM database_health_check()")


async def _maintain(engine: AsyncEngine, tracking: bool, retry: bool, encryption: Encryption | None) -> dict[str, Any]:
    made = await partitions.make(engine)
    async with transaction(engine) as conn:
        up_to = partitions.made_up_to(await partitions.expected(conn))
        health = [row._asdict() for row in await fetch(conn, _HEALTH)]
    retired = await retention.enforce(engine, actor=terminal.operator())
    purged = await purge.enforce(engine, actor=terminal.operator())
    refreshed, refused = await views.refresh(engine)
    derived = await _recompute(engine) if tracking else None
    retried = await maintenance.retry_jobs(engine, actor=terminal.operator()) if retry else None
    anew = await maintenance.encrypt_anew(engine, encryption, actor=terminal.operator()) if encryption else None
    return {
        "partitions": made.names,
        "partitions_made_up_to": f"{up_to:%Y-%m}" if up_to else None,
        **_document(retired),
        "purged": [each._asdict() for each in purged],
        "refreshed": refreshed,
        "refused": made.refused + made.locked + retired.refused + retired.locked + refused,
        "tracking": derived,
        "retried_jobs": retried,
        "health": health,
        "encrypted_anew": anew,
    }


async def _due(conn: AsyncConnection) -> tuple[Retired, list[HiddenRepository]]:
    return await retention.due(conn), await purge.due(conn)


def _document(retired: Retired) -> dict[str, Any]:
    """What went, or would go, as JSON has it."""
    partitions = [
        {
            "table": each.parent,
            "month": f"{each.month:%Y-%m}",
            "partition": f"{each.place}.{each.name}",
            "how": how,
            "bytes": each.bytes,
            "about_rows": each.about_rows,
        }
        for each, how in retired.partitions
    ]
    return {
        "retired": partitions,
        "payloads": retired.payloads._asdict(),
        "deliveries": retired.deliveries,
    }


def _went(done: dict[str, Any]) -> Iterator[str]:
    """A sentence for all that went."""
    for each in done["retired"]:
        rows = "" if each["about_rows"] is None else f"about {wording.count(each['about_rows'], 'row')}, "
        yield f"{each['how'].capitalize()} {each['partition']}: {rows}{filesize.decimal(each['bytes'])}."
    if done["payloads"]["number"]:
        of = wording.deliveries(done["payloads"]["number"])
        yield f"Deleted the payloads of {of}: {filesize.decimal(done['payloads']['bytes'])}."
    if done["deliveries"]:
        yield f"Deleted {wording.deliveries(done['deliveries'])} of no month."
    for each in done["purged"]:
        yield f"Purged {each['full_name']}, which GitHub does not show any more: {wording.count(each['rows'], 'row')}."


def _tell_due(due: Retired, hidden: list[HiddenRepository], *, as_json: bool) -> None:
    """What would go now."""
    told = _document(due) | {"hidden": [each._asdict() for each in hidden]}
    if as_json:
        terminal.print_json(told)
        return
    shown = terminal.table("Past its retention", "would be", "rows", "room")
    for column in shown.columns[2:]:
        column.justify = "right"
    for each in told["retired"]:
        rows = "" if each["about_rows"] is None else f"about {each['about_rows']:,}"
        shown.add_row(terminal.cell(each["partition"]), each["how"], rows, filesize.decimal(each["bytes"]))
    if due.payloads.number:
        room = filesize.decimal(due.payloads.bytes)
        shown.add_row("payloads of older deliveries", "deleted", f"{due.payloads.number:,}", room)
    if due.deliveries:
        shown.add_row("older deliveries of no month", "deleted", f"{due.deliveries:,}", "")
    for each in hidden:
        shown.add_row(terminal.cell(each.full_name), "purged", f"{each.issues + each.pull_requests:,} and more", "")
    if shown.row_count:
        terminal.console.print(shown)
    else:
        terminal.console.print("Nothing is past its retention.")


async def _recompute(engine: AsyncEngine) -> dict[str, int]:
    with terminal.progress() as bars:
        bar = bars.add_task("Deriving pr_tracking", total=None)
        return await maintenance.recompute_tracking(
            engine,
            lambda completed, total: bars.update(bar, completed=completed, total=total),
            actor=terminal.operator(),
        )


def _tell(done: dict[str, Any]) -> None:
    for partition in done["partitions"]:
        terminal.console.print(f"Made {partition}.", markup=False)
    if done["partitions_made_up_to"] and not done["partitions"]:
        terminal.console.print(f"Partitions are made up to {done['partitions_made_up_to']}.")
    for sentence in _went(done):
        terminal.console.print(sentence, markup=False)
    for view in done["refreshed"]:
        terminal.console.print(f"Refreshed {view}.", markup=False)
    for each in done["health"]:
        if each["status"] != "ok":
            said = f"{each['component'].capitalize()}: {each['value']:g} {each['unit']}. {each['detail']}"
            terminal.note(said, style="red" if each["status"] == "critical" else "yellow")
    if done["tracking"]:
        derived = wording.count(done["tracking"]["derived"], "pull request")
        changed = done["tracking"]["changed"]
        terminal.console.print(f"Derived {derived} anew: {f'{changed:,}' if changed else 'none'} became another.")
    if done["retried_jobs"] is not None:
        terminal.console.print(f"Made {wording.count(done['retried_jobs'], 'job')} due that had failed too often.")
    if done["encrypted_anew"] is not None:
        renewed = sum(each["renewed"] for each in done["encrypted_anew"].values())
        total = sum(each["stored"] for each in done["encrypted_anew"].values())
        terminal.console.print(f"Encrypted {renewed:,} of {wording.count(total, 'secret')} with the first key.")


def _unreadable(encrypted: dict[str, dict[str, int]]) -> Iterator[str]:
    """A sentence for each column with secrets that no key opens."""
    for column, counts in encrypted.items():
        if number := counts["unreadable"]:
            verb = "is" if number == 1 else "are"
            yield f"{number:,} in {column} {verb} under no key of GHSYNC_ENCRYPTION_KEYS: put back what is missing."
