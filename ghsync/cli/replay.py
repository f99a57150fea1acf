"""`replay`: recorded deliveries into the inbox, or signed over HTTP to a running receiver."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import httpx
import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import settings, wording
from ghsync.cli import arguments, terminal, verification
from ghsync.cli.context import configured, require_schema
from ghsync.database import create_engine
from ghsync.errors import GhsyncError, MalformedRequest, NotConfigured, Transient, UnreadableFixture
from ghsync.inbox import recording
from ghsync.inbox.delivery import Delivery
from ghsync.inbox.recorder import Recorder
from ghsync.inbox.recording import RecordedDelivery
from ghsync.projector import origin
from ghsync.projector.events import HANDLED
from ghsync.receiver import envelope
from ghsync.settings import Settings
from ghsync.worker import Worker

ENDPOINT = "/webhooks/github"
AT_ONCE = 500  # into the inbox: two full groups of the recorder, so that one gathers while one commits
CONNECTIONS = 8
ATTEMPTS = 5
TIMEOUT_SECONDS = 30

Send = Callable[[RecordedDelivery], Awaitable[str]]


def endpoint(to: str) -> str:
    """The address of a receiver's endpoint, given that or only its host."""
    parts = urlsplit(to)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise typer.BadParameter(f"{to!r} is not an http:// or https:// address.")
    return to if parts.path.strip("/") else parts._replace(path=ENDPOINT).geturl()


def replay(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Files, folders or stories.", show_default=False)
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="URL", parser=endpoint, help="Send them to the receiver at this address.")
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(
            "--secret-file",
            metavar="FILE",
            help="Sign with what it holds (`-` is standard input); else with the first of GHSYNC_WEBHOOK_SECRETS.",
        ),
    ] = None,
    as_of_now: Annotated[
        bool, typer.Option("--as-of-now", help="Move the times in their GUIDs so that the last was sent just now.")
    ] = False,
    process: Annotated[bool, typer.Option("--process", help="Project them, too; for when no worker runs.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Replay the inbox beside the mirror, and tell what differs.")
    ] = False,
    as_json: arguments.Json = False,
) -> None:
    """Replay recorded deliveries, into the inbox or over HTTP.

    Files are those that `ghsync record` writes. Deliveries go in the order
    in which they arrived where they were recorded, else in that of their
    names.

    With --verify the inbox itself is replayed, into a schema of its own that
    is dropped in the end, and the mirror is compared with that, with its
    change feed, and with what pr_tracking follows from. The mirror is not
    touched, and who works in it goes on. Exits with 1 where anything differs.
    """
    if verify:
        if paths or to or secret_file or as_of_now or process:
            raise typer.BadParameter("--verify replays the inbox as it is: it goes with --json and nothing else.")
        verification.run(as_json=as_json)
        return
    if not paths:
        raise typer.BadParameter("Name files, folders or stories to replay, or give --verify.")
    if to and process:
        raise typer.BadParameter("--process is for deliveries that go into the inbox, not over HTTP.")
    deliveries = _read(paths)
    if as_of_now:
        deliveries = recording.shift(deliveries, datetime.now(UTC))
    else:
        _warn_of_old_guids(deliveries)
    outcomes = _over_http(deliveries, to, secret_file) if to else _into_inbox(deliveries, process)
    _tell(outcomes, as_json=as_json, hint=not (to or process))
    if outcomes["failed"]:
        raise typer.Exit(terminal.FAILED)


def _read(paths: Sequence[Path]) -> list[RecordedDelivery]:
    found = [recorded for path in paths for recorded in recording.read(path)]
    now = datetime.now(UTC)
    if all(recorded.received_at for recorded in found):
        found.sort(key=lambda recorded: recorded.received_at or now)
    return found


def _warn_of_old_guids(deliveries: Sequence[RecordedDelivery]) -> None:
    now = datetime.now(UTC)
    old = [
        each for each in deliveries if each.sent_at and not origin.is_credible(each.sent_at, each.received_at or now)
    ]
    if old:
        terminal.note(
            f"{wording.deliveries(len(old))} sent more than {origin.KEPT.days} days before they arrive: their "
            "order is that of arrival. With --as-of-now it is that in which they were sent."
        )


def _into_inbox(deliveries: Sequence[RecordedDelivery], process: bool) -> Counter[str]:
    with configured() as (loaded, url):
        require_schema(url)
        return asyncio.run(_record_all(loaded, url, deliveries, process))


async def _record_all(
    loaded: Settings, url: str, deliveries: Sequence[RecordedDelivery], process: bool
) -> Counter[str]:
    engine = create_engine(url)
    try:
        recorder = Recorder(engine, loaded.commit_timeout_seconds)
        arrivals = iter(_arrivals(deliveries))

        async def send(recorded: RecordedDelivery) -> str:
            return await recorder.record(delivery_of(recorded, next(arrivals)))

        outcomes = await _send_all(deliveries, send, at_once=AT_ONCE)
        await recorder.close()
        if process:
            await _project(loaded, engine, outcomes["queued"])
    finally:
        await engine.dispose()
    return outcomes


def _arrivals(deliveries: Sequence[RecordedDelivery]) -> list[datetime]:
    """When each arrives: as it was recorded, else now, a microsecond apart, so that their order is not lost."""
    now = datetime.now(UTC) - timedelta(microseconds=len(deliveries))
    return [
        recorded.received_at or now + timedelta(microseconds=position) for position, recorded in enumerate(deliveries)
    ]


def delivery_of(recorded: RecordedDelivery, received_at: datetime) -> Delivery:
    """A recorded delivery as the receiver would put it into the inbox; it is trusted without a signature."""
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in recorded.sent_headers.items()]
    try:
        addressed = envelope.address(envelope.headers(raw))
        opened = envelope.opened(addressed, recorded.body, handled=HANDLED)
    except GhsyncError as error:
        raise UnreadableFixture(f"{recorded.path} would be refused: {error}") from error
    return Delivery(
        hook_target=opened.hook_target,
        guid=opened.guid,
        event=opened.event,
        action=opened.action,
        repository=opened.repository,
        installation_id=opened.installation_id,
        headers=opened.headers,
        body=opened.body,
        ignored=opened.ignored,
        received_at=received_at,
        sync_source="replay",
    )


async def _project(loaded: Settings, engine: AsyncEngine, queued: int) -> None:
    """Project what is due, ours and others', batch by batch."""
    worker = Worker(
        engine, batch_size=loaded.batch_size, poll_seconds=loaded.poll_seconds, max_attempts=loaded.max_attempts
    )
    with terminal.progress() as bar:
        task = bar.add_task("Projecting", total=queued)
        while done := await worker.step():
            bar.advance(task, done)
    await worker.drain()


def _over_http(deliveries: Sequence[RecordedDelivery], to: str, secret_file: Path | None) -> Counter[str]:
    secret = arguments.secret_in(secret_file) if secret_file else _first_secret()

    async def send_all() -> Counter[str]:
        limits = httpx.Limits(max_connections=CONNECTIONS)
        async with httpx.AsyncClient(limits=limits, timeout=TIMEOUT_SECONDS) as client:

            async def send(recorded: RecordedDelivery) -> str:
                return await post(client, to, recorded, secret)

            return await _send_all(deliveries, send, at_once=CONNECTIONS)

    return asyncio.run(send_all())


def _first_secret() -> str:
    secrets = settings.load().webhook_secrets
    if not secrets:
        raise NotConfigured("Nothing to sign with: set GHSYNC_WEBHOOK_SECRETS, or give --secret-file.")
    return secrets[0].get_secret_value()


async def post(client: httpx.AsyncClient, address: str, recorded: RecordedDelivery, secret: str) -> str:
    """Send one delivery, again where the receiver asks for it; answers what the receiver did with it."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            answer = await client.post(address, content=recorded.body, headers=recording.sign(recorded, secret))
        except httpx.TransportError as error:
            problem = str(error) or type(error).__name__
            raise Transient(f"{address} does not answer ({problem}): does `ghsync serve` run there?") from error
        if answer.status_code != 503 or attempt == ATTEMPTS:
            break
        await asyncio.sleep(_wait_seconds(answer))
    if answer.status_code == 202:
        return str(answer.json()["status"])
    raise MalformedRequest(f"{recorded.path} was answered {answer.status_code}: {_detail(answer)}")


def _wait_seconds(answer: httpx.Response) -> float:
    after = answer.headers.get("retry-after", "")
    return min(float(after), TIMEOUT_SECONDS) if after.isdecimal() else 1.0


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, LookupError, TypeError):
        return answer.reason_phrase


async def _send_all(deliveries: Sequence[RecordedDelivery], send: Send, *, at_once: int) -> Counter[str]:
    """Send each once, so many at a time; counts what became of them. Refused ones are told and counted, too."""
    outcomes: Counter[str] = Counter()
    waiting = iter(deliveries)
    with terminal.progress() as bar:
        task = bar.add_task("Replaying", total=len(deliveries))

        async def take_turns() -> None:
            for recorded in waiting:
                try:
                    outcomes[await send(recorded)] += 1
                except (MalformedRequest, UnreadableFixture) as error:
                    outcomes["failed"] += 1
                    terminal.explain(error)
                bar.advance(task)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(at_once, len(deliveries))):
                    group.create_task(take_turns())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
    return outcomes


def _tell(outcomes: Counter[str], *, as_json: bool, hint: bool) -> None:
    counts = {name: outcomes[name] for name in ("queued", "duplicate", "ignored", "failed")}
    if as_json:
        terminal.print_json(counts)
        return
    parts = [f"{number:,} {name}" for name, number in counts.items() if number]
    terminal.console.print(f"Replayed {wording.deliveries(outcomes.total())}: {', '.join(parts)}.")
    if hint and outcomes["queued"]:
        terminal.console.print(
            "A running `ghsync serve` or `ghsync work` projects them; without one, use --process.", style="dim"
        )
