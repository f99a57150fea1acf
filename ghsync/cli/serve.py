"""`serve` and `work`: the processes that run for years."""

import asyncio
import contextlib
import ctypes
import gc
import multiprocessing
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Annotated, NoReturn

import structlog
import typer
import uvicorn
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from ghsync import (
    app,
    connections,
    gauges,
    listening,
    log,
    metrics,
    migrate,
    pooler,
    rights,
    sessions,
    settings,
    telemetry,
    upkeep,
    vitals,
    webhook_secrets,
    worker,
)
from ghsync.app import Background
from ghsync.cli import terminal
from ghsync.cli.context import configured, notices, require_schema
from ghsync.database import create_engine, create_pooled_engine
from ghsync.errors import NotConfigured
from ghsync.github import credentials
from ghsync.github.client import GitHub
from ghsync.inbox import spool
from ghsync.inbox.recorder import Recorder
from ghsync.probes import Probes
from ghsync.processes import Process
from ghsync.projector.events import HANDLED
from ghsync.receiver.connection import Connection
from ghsync.receiver.door import Door
from ghsync.receiver.peers import Peers
from ghsync.receiver.proxies import Proxies
from ghsync.receiver.turnstile import Turnstile
from ghsync.reconciler import history
from ghsync.reconciler.reconciler import Reconciler
from ghsync.reconciler.schedule import Intervals, Schedule
from ghsync.schema import MIRRORED
from ghsync.settings import PREFIX, Settings
from ghsync.worker import TROUBLES, Worker

logger = structlog.get_logger()

NO_WORKER, PULL = f"{PREFIX}NO_WORKER", f"{PREFIX}PULL"
RESTART_SECONDS = 5.0

# Longer than a proxy before us keeps an idle connection (nginx 60 s, Caddy 120 s): one that we close may be closed just
# as the proxy sends a delivery on it, and GitHub sends that once.
KEEP_ALIVE_SECONDS = 125

GRACEFUL_SECONDS = 3  # what is under way is answered within; then the batch in hand ends, all within ten seconds

M_MMAP_THRESHOLD = -3  # its number in glibc's malloc.h
LARGE_BLOCK_BYTES = 1024 * 1024


UNVERIFIABLE = (
    f"{PREFIX}WEBHOOK_SECRETS is not set: set it to the webhook secret of your GitHub App, "
    "or to several, separated by commas."
)

NoMigrate = Annotated[
    bool, typer.Option("--no-migrate", help="Leave the database as it is; where a migration is due, do not start.")
]


def serve(
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(metavar="PORT", help="Port to listen on.")] = None,
    workers: Annotated[int, typer.Option(metavar="N", min=1, help="Processes; each receives and projects.")] = 1,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Only receive; `ghsync work` does the rest.")] = False,
    pull: Annotated[
        bool, typer.Option("--pull", help="Live on GitHub's delivery log: no public address is needed.")
    ] = False,
    no_migrate: NoMigrate = False,
) -> None:
    """Receive webhooks and keep the mirror fresh.

    It brings the database to the newest schema first, unless --no-migrate.
    """
    if pull and no_worker:
        raise typer.BadParameter(
            "--pull reads the delivery log, which is part of what --no-worker leaves to `ghsync work`."
        )
    signal.signal(signal.SIGTERM, _exit)
    with configured(host=host, port=port, tells_place=True) as (loaded, url):
        if pull and loaded.app_id is None:
            raise NotConfigured(
                f"--pull reads the delivery log of a GitHub App: set {PREFIX}APP_ID and its private key."
            )
        if not (loaded.webhook_secrets or pull or loaded.encryption_keys):
            raise NotConfigured(UNVERIFIABLE)
        _reads(loaded)
        with listening.webhooks(loaded.host, loaded.port) as bound:
            if loaded.spool_dir:
                spool.check(loaded.spool_dir)
            _prepare(loaded, url, no_migrate=no_migrate)
            if not (loaded.webhook_secrets or pull or _has_secret(url)):
                raise NotConfigured(UNVERIFIABLE)
            host = f"[{loaded.host}]" if ":" in loaded.host else loaded.host
            where = f"http://{host}:{loaded.port}/webhooks/github"
            notices.print(f"Receiving on {where}; stop with Ctrl-C.", soft_wrap=True)
            own = "DIRECT_DATABASE_URL" if loaded.pooler_url else "DATABASE_URL"
            os.environ[f"{PREFIX}{own}"] = url  # for the processes that uvicorn starts
            os.environ[f"{PREFIX}HOST"] = loaded.host
            if no_worker:
                os.environ[NO_WORKER] = "1"
            if pull:
                os.environ[PULL] = "1"
            with _counting_together(workers):
                _run(bound, workers)


def _prepare(loaded: Settings, url: str, *, no_migrate: bool) -> None:
    """Have a database that can be worked with, and say what was migrated. Raises `NotConfigured` where that is due."""
    if untraced := telemetry.trouble():
        notices.print(untraced, style="yellow", markup=False, soft_wrap=True)
    if no_migrate:
        require_schema(url)
        if not migrate.is_defined(url):
            notices.print(migrate.UNDEFINED, style="yellow", soft_wrap=True)
    else:
        due = migrate.pending(url)
        migrate.upgrade_to_serve(url)
        if due:
            notices.print(f"Migrated the database: applied {', '.join(due)}.", soft_wrap=True)
    migrate.check_writable(url)
    rights.check(url)
    pooler.check(loaded, url)


def _has_secret(url: str) -> bool:
    """Whether the database has the secret of an App's webhook."""
    with migrate.engine(url).connect() as connection:
        return webhook_secrets.app_has_one(connection)


class _Server(uvicorn.Server):
    """One that says when it begins to stop, which may take some seconds."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is under way, and end."""
        _say_stopping()
        await super().shutdown(sockets)


class _Supervisor(Multiprocess):
    """The same of several processes, which say nothing themselves."""

    def terminate_all(self) -> None:
        """Let all of them end."""
        _say_stopping()
        super().terminate_all()


def _say_stopping() -> None:
    with contextlib.suppress(OSError):  # whoever cannot be told of it must not keep it from ending well
        notices.print("Stopping.")


def _run(bound: Sequence[socket.socket], workers: int) -> None:
    """Serve until signalled, in this process or in several."""
    config = uvicorn.Config(
        "ghsync.cli.serve:application",
        factory=True,
        workers=workers,
        loop="uvloop",
        backlog=listening.BACKLOG,
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # uvicorn would believe whoever comes from this machine
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    doors = listening.copies(bound)
    server = _Server(config)
    with contextlib.suppress(KeyboardInterrupt):  # its shutdown is over by then
        if workers > 1:
            _Supervisor(config, doors).run()
        else:
            server.run(sockets=doors)
    if workers == 1 and not server.started:
        raise SystemExit(terminal.FAILED)


@contextlib.contextmanager
def _counting_together(workers: int) -> Iterator[None]:
    """Give the processes that uvicorn starts one directory for their counters: a scrape reaches any of them."""
    if workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="ghsync-metrics-") as folder:
        os.environ[gauges.FOLDER] = folder
        yield


def _exit(signal_number: int, frame: FrameType | None) -> NoReturn:
    """End by unwinding: uvicorn raises the signal once more after its own shutdown, and by default that kills."""
    raise SystemExit(0)


def application() -> Starlette:
    """One serving process: the receiver and, unless told otherwise, a worker and the schedule."""
    _give_large_blocks_back()
    loaded = settings.load()
    if os.environ.get(PULL):
        loaded = loaded.model_copy(update={"heal_seconds": loaded.pull_seconds})
    log.configure(loaded.log_format, loaded.log_level)
    telemetry.begin()
    url = _url(loaded)
    engine = _engine(loaded, url)
    process = Process("serve")
    background: list[Background] = [
        partial(process.live, engine, loaded.pooler_url or url, patience_seconds=loaded.network_seconds),
        lambda: upkeep.keep_up(engine),
        lambda: vitals.keep(engine, loaded),
    ]
    if supervisor := multiprocessing.parent_process():
        background.append(lambda: _end_with(supervisor))
    if not os.environ.get(NO_WORKER):
        background.append(lambda: _work(loaded, url))
        if _reads(loaded):
            background.append(lambda: _reconcile(loaded, url, process))
        else:
            background.append(lambda: _forget_refetches(engine))
    metrics.begin(HANDLED, MIRRORED)
    Connection.door = Door(loaded.max_connections)
    Connection.peers = Peers(loaded.stranger_requests_a_second, loaded.stranger_connections)
    Connection.proxies = Proxies(loaded.trusted_proxies)
    Connection.turnstile = Turnstile()
    if port := loaded.operations_port:
        operators = listening.operations(loaded.host, port, shared=gauges.FOLDER in os.environ)
        background.append(lambda: served.state.probes.listen(operators))
    served = app.create_app(loaded, engine, handled=HANDLED, background=background, process=process)
    _spare_the_collector()
    return served


async def _end_with(supervisor: BaseProcess) -> None:
    """Be ended when the process is gone that began this one: nobody would replace it, and its port would stay taken."""
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(supervisor.sentinel, gone.set)
    await gone.wait()
    asyncio.get_running_loop().remove_reader(supervisor.sentinel)
    logger.error("supervisor_gone", supervisor=supervisor.pid)
    shutil.rmtree(os.environ[gauges.FOLDER], ignore_errors=True)  # as it would have at its end
    signal.raise_signal(signal.SIGTERM)
    await asyncio.Event().wait()  # until that has ended it


def _give_large_blocks_back() -> None:
    """Have memory of large bodies returned to the system: left to itself, glibc keeps as much as one of them took.

    https://www.gnu.org/software/libc/manual/html_node/Malloc-Tunable-Parameters.html
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library, which has no such setting
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)


def _spare_the_collector() -> None:
    """Look for garbage no more among what was imported: it stays, and each look would halt all work for 0.2 s."""
    gc.collect()
    gc.freeze()


async def _work(loaded: Settings, url: str) -> None:
    """Project until cancelled, then finish the batch in hand.

    A worker that breaks begins again: were the process to end with it, deliveries would be lost that can wait.
    """
    engine = _worker_engine(loaded, url)
    try:
        while True:
            one = _worker(loaded, engine)
            running = asyncio.create_task(one.run(url if loaded.listen else None))
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                one.stop()
                return await running
            except Exception:
                metrics.worker_crashes.inc()
                logger.exception("the worker broke", again_in_seconds=RESTART_SECONDS)
                await asyncio.sleep(RESTART_SECONDS)
    finally:
        await engine.dispose()


def _reads(loaded: Settings) -> bool:
    """Whether anything may read GitHub's API; `NotConfigured` where half of what that needs is set."""
    return credentials.app(loaded) is not None or credentials.personal(loaded) is not None


async def _reconcile(loaded: Settings, url: str, process: Process) -> None:
    """Follow the schedule until cancelled, on connections of its own."""
    engine = _engine(loaded, url)
    recorder = Recorder(engine, loaded.commit_timeout_seconds)
    intervals = Intervals(
        refetch=loaded.poll_seconds,
        heal=loaded.heal_seconds,
        sweep=loaded.sweep_seconds,
        audit=loaded.audit_seconds,
        complete=loaded.complete_seconds,
    )
    try:
        async with GitHub(engine, loaded) as github:
            schedule = Schedule(Reconciler(engine, github), recorder, intervals, process, listens=loaded.listen)
            await schedule.run(url)
    finally:
        await recorder.close()
        await engine.dispose()


async def _forget_refetches(engine: AsyncEngine) -> None:
    """Remove, every hour, refetches that nobody does."""
    while True:
        with contextlib.suppress(*TROUBLES):
            await history.forget_refetches(engine)
        await asyncio.sleep(history.FORGET_SECONDS)


def work(no_migrate: NoMigrate = False) -> None:
    """Only project: the worker and the schedule, without a receiver.

    It brings the database to the newest schema first, unless --no-migrate.
    """

    async def run_until_signalled(loaded: Settings, url: str) -> None:
        engine = _worker_engine(loaded, url)
        one = _worker(loaded, engine)

        beside = _engine(loaded, url, pool_size=1)
        ending: list[asyncio.Task[asyncio.TimerHandle]] = []

        def stop() -> None:
            _say_stopping()
            one.stop()
            ending.append(asyncio.create_task(connections.let_go(beside)))

        for signal_number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signal_number, stop)
        process = Process("work")
        rest = _reconcile(loaded, url, process) if _reads(loaded) else _forget_refetches(beside)
        living = process.live(beside, loaded.pooler_url or url, patience_seconds=loaded.network_seconds)
        beneath = (rest, living, upkeep.keep_up(beside), vitals.keep(beside, loaded))
        tasks = [asyncio.create_task(each) for each in beneath]
        metrics.begin(HANDLED, MIRRORED)
        if port := loaded.operations_port:
            operators = listening.operations(loaded.host, port)
            tasks.append(asyncio.create_task(Probes(beside, loaded, tasks[:]).listen(operators)))
        _spare_the_collector()
        try:
            await one.run(url if loaded.listen else None)
        finally:
            timers = await asyncio.gather(*ending)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await beside.dispose()
            await engine.dispose()
            for timer in timers:
                timer.cancel()

    signal.signal(signal.SIGTERM, _exit)
    with configured(tells_place=True) as (loaded, url):
        _reads(loaded)
        _prepare(loaded, url, no_migrate=no_migrate)
        notices.print("Projecting; stop with Ctrl-C.")
        telemetry.begin()
        try:
            asyncio.run(run_until_signalled(loaded, url))
        finally:
            telemetry.end()


def _worker(loaded: Settings, engine: AsyncEngine) -> Worker:
    return Worker(
        engine, batch_size=loaded.batch_size, poll_seconds=loaded.poll_seconds, max_attempts=loaded.max_attempts
    )


def _engine(loaded: Settings, url: str, *, pool_size: int = 5) -> AsyncEngine:
    """Connections, through the pooler where there is one."""
    if loaded.pooler_url:
        return create_pooled_engine(
            sessions.watched(loaded.pooler_url, loaded), sessions.limits(loaded), pool_size=pool_size
        )
    return create_engine(url, pool_size=pool_size)


def _worker_engine(loaded: Settings, url: str) -> AsyncEngine:
    return _engine(loaded, url, pool_size=2) if loaded.pooler_url else worker.create_engine(url)


def _url(loaded: Settings) -> str:
    if loaded.own_url is None:
        raise NotConfigured(f"{PREFIX}DATABASE_URL is not set.")
    return loaded.own_url
