"""Settings: environment variables with the prefix ``GHSYNC_``, read once at the start of a command."""

import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import platformdirs
import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ghsync.errors import NotConfigured

PREFIX = "GHSYNC_"
DATA_DIR_OF_ROOT = Path("/var/lib/ghsync")


def _data_dir() -> Path:
    """Root's server runs as a user of its own, who has no business in root's home."""
    return DATA_DIR_OF_ROOT if os.geteuid() == 0 else platformdirs.user_data_path("ghsync")


class Settings(BaseSettings):
    """What a deployment can choose. The README's table is generated from this class."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    # Storage
    database_url: SecretStr | None = Field(
        None,
        description="Any libpq URL (`postgresql://...`). Unset: an embedded PostgreSQL in the data directory",
    )
    direct_database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL itself, where `GHSYNC_DATABASE_URL` names a pooler (PgBouncer, in transaction mode): "
        "for notifications, leadership, migrations and commands",
    )
    idle_seconds: float = Field(
        8.0,
        ge=5,
        le=3600,
        description="How long a session that holds a transaction, or leads, may be silent; then PostgreSQL ends it, so "
        "that a process that is stopped or cut off keeps nobody waiting",
    )
    lock_seconds: float = Field(
        5.0,
        ge=0.01,
        le=3600,
        description="How long a statement waits for a lock; what is locked is done later, the rest at once",
    )
    statement_seconds: float = Field(
        300.0, ge=1, le=86_400, description="How long one statement may run, but for those of `ghsync maintain`"
    )
    network_seconds: float = Field(
        10.0,
        ge=2,
        le=3600,
        description="How long either end of a connection waits for a host that does not answer any more",
    )
    data_dir: Path = Field(
        default_factory=_data_dir,
        description="Where the embedded PostgreSQL keeps its files; for root it is `/var/lib/ghsync`",
    )
    encryption_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Fernet keys, comma-separated, for secrets in the database; the first encrypts, all decrypt",
    )

    # Receiver
    webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Webhook secrets, comma-separated; all are live at once, so that one can be rotated"
    )
    max_body_bytes: int = Field(
        25 * 1024 * 1024, gt=0, description="Largest accepted body, in bytes (GitHub's own cap is 25 MiB)"
    )
    body_timeout_seconds: float = Field(
        10.0,
        gt=0,
        description="How long a body may take to arrive; GitHub gives up after 10 s. Others are answered 408",
    )
    body_memory_bytes: int = Field(
        128 * 1024 * 1024,
        gt=0,
        description="Bytes of bodies that a process holds at one time; beyond, the oldest that is not signed goes",
    )
    max_connections: int = Field(  # less than the 1,024 files that a process may usually have open
        900,
        ge=1,
        description="Connections that a process serves at one time; beyond, who signed nothing for longest goes",
    )
    stranger_connections: int = Field(
        50, ge=1, description="Connections at one time that an address has before it has signed anything; then 429"
    )
    stranger_requests_a_second: float = Field(  # monitors ask once a second; who signs is not counted
        5.0,
        gt=0,
        description="Requests a second of an address that has signed nothing, ten times as many at once; then 429",
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Proxies before ghsync, addresses or networks, comma-separated: theirs is the only "
        "`X-Forwarded-For` that is believed",
    )
    allowed_senders: Annotated[tuple[IPv4Network | IPv6Network | Literal["github"], ...], NoDecode] = Field(
        (),
        description="Where deliveries may come from, addresses or networks, comma-separated, or `github` for what "
        "GitHub says of itself; others are answered 403. Unset: the signature alone decides",
    )
    commit_timeout_seconds: float = Field(
        5.0, gt=0, le=9, description="How long a delivery may wait for its commit before it is spooled or answered 503"
    )
    spool_dir: Path | None = Field(
        None,
        description="Where deliveries wait on the disk while the database cannot commit; unset: they are answered 503",
    )
    spool_bytes: int = Field(
        1024 * 1024 * 1024, gt=0, description="Bytes that files there may have; beyond, deliveries are answered 503"
    )
    host: str = Field("127.0.0.1", description="Address that `ghsync serve` listens on")
    port: int = Field(8010, ge=0, le=65535, description="Port that `ghsync serve` listens on")
    operations_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port on which `serve` and `work` answer `/healthz`, `/readyz` and `/metrics`; unset: nowhere, "
        "but `serve` says where it receives that it lives and whether it is ready",
    )

    # Worker
    batch_size: int = Field(500, ge=1, le=5000, description="Deliveries projected in one transaction")
    poll_seconds: float = Field(
        5.0, gt=0, description="Longest wait between two looks into the inbox when no notification comes"
    )
    listen: bool = Field(
        True,
        description="Hear of what is due by PostgreSQL's notifications, in milliseconds; false: look every "
        "`GHSYNC_POLL_SECONDS` alone",
    )
    max_attempts: int = Field(5, ge=1, description="Failures after which a delivery is parked")

    # GitHub's API
    app_id: str | None = Field(None, description="Id (or client id) of the GitHub App that reads the API")
    private_key: SecretStr | None = Field(
        None, description="The App's private key, the text of its PEM file or the base64 of it"
    )
    private_key_path: Path | None = Field(None, description="The PEM file with the App's private key")
    token: SecretStr | None = Field(None, description="A personal access token instead of an App, for a try")
    api_url: str = Field(
        "https://api.github.com",
        description="Where the REST API is; on GitHub Enterprise Server `https://HOST/api/v3`",
    )
    api_timeout_seconds: float = Field(30.0, gt=0, description="Longest wait for one answer of the API")
    api_patience_seconds: float = Field(
        60.0, ge=0, description="Longest wait for a rate limit within a request; what would wait longer is put off"
    )
    api_concurrency: int = Field(
        8, ge=1, le=50, description="Requests that a process makes at one time with one credential"
    )
    event_floor_percent: int = Field(
        10, ge=0, le=100, description="Share of the rate limit that refetches leave to what people ask for"
    )
    sweep_floor_percent: int = Field(
        30,
        ge=0,
        le=100,
        description="Share of the rate limit that sweeps, backfills and healing leave to the rest",
    )

    # Logs
    log_format: Literal["console", "json"] = Field("console", description="`console` for people, `json` for machines")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe level logged")

    @field_validator("webhook_secrets", "encryption_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("trusted_proxies", "allowed_senders", mode="before")
    @classmethod
    def _are_networks(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        words = [part.strip() for part in value.split(",") if part.strip()]
        by_name = info.field_name == "allowed_senders"
        return tuple(word if by_name and word == "github" else _network(word) for word in words)

    @field_validator("database_url", "direct_database_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        url = value.get_secret_value()
        if not url.startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        if not _is_readable(url):
            raise ValueError(
                "cannot be read as postgresql://ROLE:PASSWORD@HOST:PORT/DATABASE; in a password write "
                "each of @ : / ? # % as %40 %3A %2F %3F %23 %25"
            )
        return value

    @model_validator(mode="after")
    def _has_ports_for_both(self) -> Self:
        if self.port and self.operations_port == self.port:
            raise ValueError("GHSYNC_OPERATIONS_PORT is the port that deliveries come to: give it another one")
        return self

    @property
    def own_url(self) -> str | None:
        """Where PostgreSQL itself is, if it is not the embedded one."""
        url = self.direct_database_url or self.database_url
        return url.get_secret_value() if url else None

    @property
    def pooler_url(self) -> str | None:
        """Where a pooler is, if there is one before PostgreSQL."""
        pooled = self.direct_database_url and self.database_url
        return pooled.get_secret_value() if pooled else None

    # The schedule
    sweep_seconds: float = Field(120.0, gt=0, description="How often it is asked which repositories changed")
    complete_seconds: float = Field(
        86_400.0, gt=0, description="How old the last complete reading of a repository may become"
    )
    heal_seconds: float = Field(300.0, gt=0, description="How often GitHub's delivery log is compared with the inbox")
    pull_seconds: float = Field(5.0, gt=0, description="The same for `ghsync serve --pull`, which lives on it")
    audit_seconds: float = Field(3600.0, gt=0, description="How often a random sample is compared with GitHub")

    @field_validator("app_id", "api_url", "token", "private_key", mode="before")
    @classmethod
    def _strip(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value

    @field_validator("token")
    @classmethod
    def _is_one_word(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not re.fullmatch(r"[!-~]+", value.get_secret_value()):
            raise ValueError("it has blanks or letters that no token has: copy it anew")
        return value

    @field_validator("api_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        scheme, separator, rest = value.partition("://")
        host, slash, path = rest.partition("/")
        if scheme.lower() not in ("https", "http") or not separator:
            raise ValueError("must start with https://")
        if not _is_address(value):
            raise ValueError("it is no address as https://HOST or https://HOST/api/v3, and no more than that")
        # As GitHub's own links have it: what is below this address is told by its beginning.
        return f"{scheme.lower()}://{host.lower()}{slash}{path}".rstrip("/")


WANTED = {
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "bool_parsing": "true or false",
    "literal_error": "{expected}",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
}
"""What a setting has to be, by what is wrong with it; none of these is said of a secret, so that it can be quoted.

https://docs.pydantic.dev/latest/errors/validation_errors/
"""

LONGEST_QUOTED = 40

OTHERS = frozenset({"NO_WORKER", "PULL", "TEST_CORPUS", "TEST_DATABASE_URL", "DATABASE_PASSWORD"})
"""Variables with the prefix that `ghsync serve` tells its processes by, or that tests and compose.yaml read."""


def unknown(environment: Mapping[str, str] = os.environ) -> list[str]:
    """A sentence for each variable that looks like a setting and is none: misspelt, it would be ignored in silence."""
    known = {name.upper() for name in Settings.model_fields}
    names = sorted(name for name in environment if name.upper().startswith(PREFIX))
    return [_suggestion(name, known) for name in names if name.upper().removeprefix(PREFIX) not in known | OTHERS]


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; name addresses such as 10.0.0.2 or networks such as 10.0.0.0/24") from None


def _is_address(url: str) -> bool:
    """Whether a URL has a host, and neither a person, a question nor a place in a page."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and not ("@" in parts.netloc or parts.query or parts.fragment)
    except ValueError:
        return False


def _suggestion(name: str, known: Iterable[str]) -> str:
    nearest = get_close_matches(name.upper().removeprefix(PREFIX), known, n=1)
    meant = f": do you mean {PREFIX}{nearest[0]}?" if nearest else "."
    return f"{name} is no setting of ghsync's{meant}"


def _is_readable(url: str) -> bool:
    """Whether libpq finds in a URL what is meant: what it does not, it quotes in its message, the password too.

    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
    """
    before_query = url.partition("://")[2].partition("?")[0]
    if before_query.count("@") > 1 or "@" in before_query.partition("/")[2]:
        return False  # it ends the credentials at the first @, and lets none begin after a slash
    try:
        ports = conninfo_to_dict(url).get("port") or ""
    except psycopg.Error:
        return False
    return all(not port or port.isdecimal() for port in str(ports).split(","))


def load(**overrides: object) -> Settings:
    """Read the settings; one `NotConfigured` names everything that is wrong.

    ``overrides`` are what the command line said; ``None`` means it said nothing.
    """
    said = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**said)  # type: ignore[arg-type]
    except ValidationError as error:
        raise NotConfigured("\n".join(_sentence(problem) for problem in error.errors())) from None


def _sentence(problem: ErrorDetails) -> str:
    if not problem["loc"]:  # it is of several
        return f"{problem['msg'].removeprefix('Value error, ')}."
    name = PREFIX + "_".join(str(part) for part in problem["loc"][:1]).upper()
    wanted = WANTED.get(problem["type"])
    if wanted is None:
        return f"{name} is wrong: {problem['msg'].removeprefix('Value error, ')}."
    return f"{name} is {_quoted(problem['input'])}: it has to be {wanted.format_map(_plain(problem.get('ctx', {})))}."


def _quoted(value: object) -> str:
    """What was said, as long as it is short; a number as it is."""
    text = str(value)
    if re.fullmatch(r"[-+.\d]+", text):
        return text
    return f'"{text if len(text) <= LONGEST_QUOTED else text[:LONGEST_QUOTED] + "…"}"'


def _plain(context: Mapping[str, object]) -> dict[str, str]:
    """Numbers as people write them, and alternatives without quotation marks."""
    return {
        name: f"{value:g}" if isinstance(value, float) else str(value).replace("'", "")
        for name, value in context.items()
    }
