"""A secret of each kind is planted, much goes wrong, and none is in anything that ghsync says, keeps or shows."""

import asyncio
import base64
import gc
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psutil
import psycopg
import pytest
import structlog
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp, Receive, Scope, Send

from ghsync import log, settings
from ghsync.encryption import Encryption
from ghsync.errors import GhsyncError
from ghsync.github.client import GitHub, Meter
from ghsync.receiver.secrets import Secrets
from ghsync.simulator.actions import comments
from ghsync.simulator.keys import Keys
from ghsync.simulator.serving import serving
from tests import planted, service
from tests.cli.hub import PERSONAL_TOKEN, Hub
from tests.cli.test_app import receiving, sending
from tests.github.keys import private_key
from tests.planted import Planted

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PEM = private_key()
KEY = Fernet.generate_key().decode()
OLD_KEY = Fernet.generate_key().decode()
WEBHOOK = 'wh"/+% \\ sécret & of the app'
OWN = "own'<secret>/of+a repository"
PASSWORD = 'pässword/@:"of & the? role%'
SHOWN = "Bearer of-a-request/that=nobody+knows"
TOKEN = PERSONAL_TOKEN[:4] + "Planted" + "0" * 29


def secrets() -> Planted:
    """One of each kind that is known beforehand."""
    return Planted({
        "webhook secret": WEBHOOK, "repository's secret": OWN, "database password": PASSWORD,
        "private key": PEM.splitlines()[5], "encryption key": KEY, "older encryption key": OLD_KEY,
        "personal token": TOKEN, "Authorization": SHOWN.removeprefix("Bearer "),
    })  # fmt: skip


@dataclass
class Echo:
    """A layer before a GitHub that, when told to, refuses and quotes what it was shown; and knows who showed what."""

    app: ASGIApp
    status: int | None = None
    shown: set[str] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        head = {name.decode(): value.decode() for name, value in scope.get("headers", ())}
        token = head.get("authorization", "").removeprefix("Bearer ")
        self.shown |= {token} if len(token) >= planted.SHORTEST else set()
        if self.status is None or "access_tokens" in scope["path"]:
            await self.app(scope, receive, send)
            return
        body = (await receive()).get("body", b"").decode()
        said = json.dumps({"message": f"I do not like {token}, nor {body}", "documentation_url": token}).encode()
        headers = [(b"content-type", b"application/json"), (b"x-request", token.encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": said})


@pytest.mark.parametrize("form", planted.forms("of all sorts: ä\"'\\/+&? =%"))
def test_a_secret_is_found_in_each_form(form: str) -> None:
    found = Planted({"it": "of all sorts: ä\"'\\/+&? =%"})
    found.hear("a page", f"<<{planted.forms(found.secrets['it'])[form]}>>")
    (told,) = found.told()
    assert told.startswith("a page: it (")
    assert form in told


@pytest.mark.parametrize("before", range(4))
def test_a_secret_is_found_in_the_base64_of_a_text_around_it(before: int) -> None:
    found = Planted({"it": WEBHOOK})
    found.hear("a dump", base64.b64encode(b"x" * before + WEBHOOK.encode() + b" and more"))
    assert found.told()


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_log_that_told_one_would_be_caught(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(log_format, "info")
    try:
        raise ValueError(f"{PASSWORD} is wrong")
    except ValueError:
        structlog.get_logger().exception("it broke", secret=WEBHOOK)
    found = secrets()
    found.hear("log", capsys.readouterr().err)
    assert {line.partition(" (")[0] for line in found.told()} == {"log: webhook secret", "log: database password"}


def signed(body: bytes, secret: str, **headers: str) -> dict[str, str]:
    """The head of a delivery, with what proxies and people put beside it."""
    return {
        "Content-Type": "application/json", "X-GitHub-Event": "issues", "X-GitHub-Delivery": str(uuid4()),
        "X-GitHub-Hook-ID": "1", "X-GitHub-Hook-Installation-Target-Type": "integration",
        "X-GitHub-Hook-Installation-Target-ID": "1",
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest(),
        "X-Hub-Signature": SHOWN, "Authorization": SHOWN, "Cookie": f"session={SHOWN}", **headers,
    }  # fmt: skip


async def deliver(receiver: service.Receiver, found: Planted, repository: dict[str, Any]) -> None:
    """Deliveries of all sorts: poison, forged, malformed, and with secrets where none belong."""
    poison = json.dumps({"action": "opened", "issue": {"number": 1}, "repository": repository}).encode()
    well = json.dumps({"action": "odd", "repository": repository}).encode()
    own = {"X-GitHub-Hook-Installation-Target-Type": "repository",
           "X-GitHub-Hook-Installation-Target-ID": str(repository["id"])}  # fmt: skip
    for content, secret, headers, path in (
        (poison, WEBHOOK, {}, ""), (well, OWN, own, ""), (well, OWN, {}, ""), (b"{", WEBHOOK, {}, ""),
        (well, WEBHOOK, {"X-Hub-Signature-256": SHOWN}, ""), (well, WEBHOOK, {"X-GitHub-Event": SHOWN}, ""),
        (well, WEBHOOK, {"X-GitHub-Delivery": SHOWN}, ""), (well, WEBHOOK, {"Content-Type": SHOWN}, ""),
        (well, WEBHOOK, {}, f"?token={quote(SHOWN)}"), (well, WEBHOOK, {}, f"/{quote(SHOWN)}"),
    ):  # fmt: skip
        answer = await receiver.client.post(
            f"/webhooks/github{path}", content=content, headers=signed(content, secret, **headers)
        )
        found.hear("answers", f"{answer.headers} {answer.text}")


async def look(receiver: service.Receiver, found: Planted, key: str) -> None:
    """All pages, for whoever shows something and whoever does not."""
    for client in (receiver.client, receiver.operations):
        for path in ("/healthz", "/readyz", "/metrics", "/", "/nothing", "/api/whoami", "/api/openapi.json"):
            for shown in ({}, {"Authorization": f"Bearer {key}"}, {"Authorization": SHOWN}):
                answer = await client.get(path, headers=shown)
                found.hear(f"page {path}", f"{answer.headers} {answer.text}")


def dumped(connection: psycopg.Connection[Any]) -> Iterator[tuple[str, str]]:
    """Every row of every table as text."""
    tables = connection.execute("SELECT relid::regclass::text FROM pg_stat_user_tables").fetchall()
    for (table,) in tables:
        for (row,) in connection.execute(f"SELECT t::text FROM {table} t".encode()).fetchall():
            yield f"dump of {table}", row


@asynccontextmanager
async def watched(hub: Hub, found: Planted) -> AsyncIterator[None]:
    """Look again and again at what PostgreSQL says that sessions do, and at all processes."""

    async def watch() -> None:
        with psycopg.connect(hub.environment["GHSYNC_DATABASE_URL"], autocommit=True) as watching:
            while True:
                for row in watching.execute("SELECT query, application_name FROM pg_stat_activity").fetchall():
                    found.hear("pg_stat_activity", str(row))
                for process in psutil.process_iter():
                    with suppress(psutil.Error):
                        found.hear("process list", "\0".join([process.name(), *process.cmdline()]))
                await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


COMMANDS = (
    "status", "status --json", "doctor", "doctor --json", "deliveries list", "deliveries list --json",
    "repos list --json", "keys list", "keys list --json", "projects list", "tasks list --json", "tail --no-follow",
    "heal", "resync --all", "maintain --encrypt-anew", "maintain --dry-run", "grants", "migrate --check", "grant list",
    "replay --verify",
)  # fmt: skip


def wrong() -> list[dict[str, str]]:
    """Settings in which each secret is where it belongs, and yet wrong; or where it does not belong."""
    role = f"role:{quote(PASSWORD, safe='')}"
    return [
        {"GHSYNC_DATABASE_URL": f"postgresql://{role}@127.0.0.1:1/nowhere"},
        {"GHSYNC_DATABASE_URL": f"postgresql://{role}@no.host.invalid/nowhere"},
        {"GHSYNC_DATABASE_URL": f"postgresql://role:{PASSWORD}@127.0.0.1:1/nowhere"},
        {"GHSYNC_DATABASE_URL": f"mysql://{role}@127.0.0.1:1/nowhere"},
        {"GHSYNC_DATABASE_URL": f"postgresql://{role}@127.0.0.1:port/nowhere"},
        {"GHSYNC_DIRECT_DATABASE_URL": f"postgresql://{role}@127.0.0.1:1/nowhere"},
        {"GHSYNC_ENCRYPTION_KEYS": f"{KEY},{KEY}x"},
        {"GHSYNC_ENCRYPTION_KEYS": WEBHOOK},
        {"GHSYNC_PRIVATE_KEY": PEM.replace("BEGIN", "BEGAN")},
        {"GHSYNC_PRIVATE_KEY": PEM[:900]},
        {"GHSYNC_PRIVATE_KEY": "", "GHSYNC_PRIVATE_KEY_PATH": PEM},
        {"GHSYNC_PRIVATE_KEY": "", "GHSYNC_PRIVATE_KEY_PATH": base64.b64encode(PEM.encode()).decode()},
        {"GHSYNC_TOKEN": f"{TOKEN} {TOKEN}"},
        {"GHSYNC_TOKEN": f"{TOKEN}é"},
        {"GHSYNC_API_URL": f"https://{TOKEN}@github.example/api/v3"},
        {"GHSYNC_API_URL": f"{TOKEN}"},
        {"GHSYNC_API_URL": f"http://127.0.0.1:1/{TOKEN}?token={TOKEN}"},
    ]  # fmt: skip


class Story:
    """What happens to a ghsync with all of these secrets, and what it says meanwhile."""

    def __init__(self, hub: Hub, echo: Echo, found: Planted, receiver: service.Receiver, folder: Path) -> None:
        self.hub = hub
        self.echo = echo
        self.found = found
        self.receiver = receiver
        self.folder = folder
        owner = hub.repository.owner.as_json()
        self.repository = {"id": hub.repository.id, "full_name": hub.repository.full_name,
                           "name": hub.repository.name, "owner": owner}  # fmt: skip

    async def run(self, *arguments: object, told: bool = True, **changed: str) -> str:
        """Call a command."""
        result = await self.hub.run(*arguments, **changed)
        if told:
            self.found.hear(f"ghsync {' '.join(map(str, arguments))}", f"{result.stdout}\n{result.stderr}")
        return result.stdout

    async def begin(self) -> str:
        """All that is stored is there; answers a key, which is shown once."""
        own = Encryption([SecretStr(OLD_KEY)]).encrypt(OWN)
        await self.run("resync", "--all")
        self.hub.rows("UPDATE github_repositories SET webhook_secret = %s RETURNING true", own)
        self.hub.rows("INSERT INTO users (email, name) VALUES ('mona@example.com', 'Mona') RETURNING true")
        self.hub.rows("INSERT INTO organization_members (organization_id, user_id) SELECT o.id, u.id "
                      "FROM organizations o, users u WHERE u.email = 'mona@example.com' RETURNING true")  # fmt: skip
        key = await self.run("keys", "create", "monitor", "--user", "mona@example.com", told=False)
        comments.create(self.hub.world, next(iter(self.hub.repository.issues.values())), "Hm.", by=self.hub.owner)
        return key.strip()

    async def github_refuses(self) -> None:
        """GitHub refuses everything, in every way, and says what it was shown."""
        by_token = {"GHSYNC_TOKEN": TOKEN, "GHSYNC_APP_ID": "", "GHSYNC_PRIVATE_KEY": ""}
        for self.echo.status in (401, 403, 404, 422, 451, 500, 502):
            await self.run("resync", self.hub.repository.full_name, "--full")
            await self.run("app", "rotate-secret")
            await self.run("doctor")
            await self.run("resync", "--all", **by_token)
        self.echo.status = None

    async def the_database_fails(self, key: str) -> None:
        """A table is away, so that the worker breaks; then all connections are cut."""
        self.hub.connection.execute("ALTER TABLE github_repositories RENAME TO elsewhere")
        await deliver(self.receiver, self.found, self.repository)
        await look(self.receiver, self.found, key)
        for command in ("status", "repos list"):
            await self.run(*command.split())

        async def is_told() -> bool:
            return "Traceback" in self.receiver.log()

        await service.until(is_told, "the worker breaks")
        self.hub.connection.execute("ALTER TABLE elsewhere RENAME TO github_repositories")
        self.hub.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'ghsync%%'"
                      " AND datname = current_database()")  # fmt: skip

    async def people_ask(self) -> None:
        """Every command that tells something."""
        for command in COMMANDS:
            await self.run(*command.split())
        for (number,) in self.hub.rows("SELECT id FROM webhook_deliveries ORDER BY id DESC LIMIT 5"):
            await self.run("deliveries", "show", number)
        await self.run("record", self.folder)
        for file in self.folder.rglob("*.json"):
            self.found.hear("recorded", file.read_bytes())

    async def people_err(self) -> None:
        """Settings are wrong, each in its way."""
        for changed in wrong():
            for command in ("doctor", "resync --all", f"serve --no-migrate --port {self.receiver.port}"):
                await self.run(*command.split(), **changed)


@pytest.mark.parametrize("log_format", ["console", "json"])
async def test_whatever_goes_wrong_no_secret_is_told(hub: Hub, tmp_path: Path, log_format: str) -> None:
    found, echo = secrets(), Echo(hub.app)
    hub.site.hook.secret = WEBHOOK
    hub.site.tokens.keys = Keys(hub.site.keys.public_key, WEBHOOK, {TOKEN: hub.owner})
    url = hub.environment["GHSYNC_DATABASE_URL"]
    async with serving(echo) as api:
        hub.environment |= {
            "GHSYNC_DATABASE_URL": f"{url}{'&' if '?' in url else '?'}password={quote(PASSWORD, safe='')}",
            "GHSYNC_API_URL": api, "GHSYNC_WEBHOOK_SECRETS": WEBHOOK, "GHSYNC_ENCRYPTION_KEYS": f"{KEY},{OLD_KEY}",
            "GHSYNC_LOG_FORMAT": log_format, "GHSYNC_LOG_LEVEL": "debug",
            "GHSYNC_OPERATIONS_PORT": str(service.free_port()),
        }  # fmt: skip
        often = {"sweep_seconds": "1", "heal_seconds": "1"}
        async with (
            receiving(hub, tmp_path / "log", "serve --workers 2", **often) as receiver,
            watched(hub, found),
            sending(hub),
        ):
            story = Story(hub, echo, found, receiver, tmp_path / "recorded")
            found.secrets["API key"] = key = await story.begin()
            await deliver(receiver, found, story.repository)
            await look(receiver, found, key)
            await story.run("app", "rotate-secret")
            await story.github_refuses()
            await story.the_database_fails(key)
            await story.people_ask()
            await story.people_err()
            await look(receiver, found, key)
    found.hear("log", receiver.log())
    found.secrets |= {f"token {number}": token for number, token in enumerate(hub.site.tokens.grants)}
    found.secrets |= {f"shown {number}": token for number, token in enumerate(sorted(echo.shown))}
    found.secrets["new webhook secret"] = hub.site.hook.secret
    for table, row in dumped(hub.connection):
        found.hear(table, row)

    places = {"process list", "pg_stat_activity", "recorded", "log", "answers", "page /metrics", "dump of audit_logs"}
    assert places <= {where for where, _ in found.said}
    assert any("I do not like ********" in said for _, said in found.said)  # GitHub's words are told
    assert key.startswith("ghsync_")
    assert hub.site.hook.secret != WEBHOOK
    assert echo.shown & hub.site.tokens.grants.keys()
    assert "\n".join(found.told()) == ""


async def test_no_object_shows_a_secret_when_it_is_printed(
    hub: Hub, engine: AsyncEngine, connection: psycopg.Connection
) -> None:
    found = secrets()
    hub.environment |= {"GHSYNC_WEBHOOK_SECRETS": WEBHOOK, "GHSYNC_ENCRYPTION_KEYS": KEY, "GHSYNC_TOKEN": TOKEN,
                        "GHSYNC_DATABASE_URL": f"postgresql://role:{quote(PASSWORD, safe='')}@127.0.0.1/x"}  # fmt: skip
    kept = Encryption([SecretStr(KEY)]).encrypt(OWN)
    connection.execute("INSERT INTO sync_secrets (hook_target, secret) VALUES ('integration:1', %s)", [kept])
    loaded = settings.load(**hub.settings())
    receiver = Secrets(loaded.webhook_secrets, engine, Encryption(loaded.encryption_keys))
    await receiver.begin()
    candidates = await receiver.candidates("integration:1")
    assert OWN.encode() in candidates.secrets
    async with GitHub(engine, loaded) as github:
        credentials = [await github.credential_for(installation) for installation in hub.world.installations]
        tokens = [await github.token(credential) for credential in credentials]
        asked = {"priority": "interactive", "meter": Meter()}
        answers = [await github.get(one, "installation/repositories", **asked) for one in credentials]
        with suppress(GhsyncError):
            await github.get(await github.credential_for(None), "user", **asked)
        ours = [one for one in gc.get_objects() if type(one).__module__.startswith("ghsync.")]
    for one in (candidates, *tokens, *answers, *ours):
        if not type(one).__module__.startswith("ghsync.simulator"):
            found.hear(type(one).__qualname__, repr(one))
    found.secrets |= {f"token {number}": token for number, token in enumerate(hub.site.tokens.grants)}
    said = {where for where, _ in found.said}
    assert {"Settings", "Secrets", "Candidates", "Token", "GitHub", "AppSigner", "PersonalSigner", "Encryption"} <= said
    assert found.told() == []
